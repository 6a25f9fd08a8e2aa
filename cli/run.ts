import { didYouMean } from '../protocol/near.ts';
import { COMMANDS } from './commands.ts';
import type { Call, Entry, Environment } from './line/command.ts';
import { EXIT, type Exit, usage } from './line/failure.ts';
import { commandHelp, overview } from './line/help.ts';
import { report } from './line/report.ts';
import { type Called, findCalled, noSuchVerb } from './line/verbs.ts';
import { guarded, type Terminal } from './show/terminal.ts';

/** What a process is started with. */
export interface Surroundings {
  readonly env: Environment;
  readonly terminal: Terminal;
  readonly stdin: AsyncIterable<Uint8Array>;
}

/** Runs `shunt WORDS…` and answers its exit status; every error has been written to standard error by then. */
export async function run(words: readonly string[], { terminal, ...others }: Surroundings): Promise<Exit> {
  const surroundings: Surroundings = { ...others, terminal: guarded(terminal) };
  const called = await findCalled(words, COMMANDS);
  try {
    return await dispatch(words, called, surroundings);
  } catch (error) {
    const name = called.entry === undefined ? '' : called.name;
    return report(error, { name, words: words.slice(1), ...surroundings });
  }
}

async function dispatch(
  [first = '', ...rest]: readonly string[],
  called: Called,
  surroundings: Surroundings,
): Promise<Exit> {
  const { terminal } = surroundings;
  if (['help', '--help', '-h'].includes(first)) return help(rest, terminal);
  if (first === '--version') return version(rest, terminal);
  if (first === '__complete') return complete(rest, surroundings);
  if (first === '') {
    terminal.note(overview(COMMANDS));
    return EXIT.usage;
  }
  return call(called, surroundings);
}

async function call(called: Called, { env, terminal, stdin }: Surroundings): Promise<Exit> {
  const { name, words } = called;
  const { load, verbs } = await requireEntry(called);
  const command = await load();
  const { checkOperands, readArguments, readOptions } = await import('./line/command-line.ts');
  const given = readArguments(name, command, words);
  if (given.help) {
    terminal.print(await commandHelp(name, command, verbs));
    return EXIT.done;
  }
  const [word] = given.operands;
  if (verbs !== undefined && word !== undefined && command.operands === undefined)
    throw await noSuchVerb(name, word, verbs);
  checkOperands(name, command, given);
  const options = (await readOptions(command, given, env)) as Call<never>['options'];
  const { given: written, operands } = given;
  return command.run({ options, operands, written, terminal, stdin, env, commands: COMMANDS });
}

async function help(given: readonly string[], terminal: Terminal): Promise<Exit> {
  const words = given.filter((word) => word !== '--help' && word !== '-h');
  const ofAll = words.length === 0 || words[0] === 'help';
  const called = await findCalled(ofAll ? words.slice(1) : words, COMMANDS);
  const [excess] = called.words;
  if (excess !== undefined)
    throw usage(`unexpected argument "${excess}"; help is of one command: shunt help ${called.name}`);
  terminal.print(ofAll ? overview(COMMANDS) : await helpOf(called));
  return EXIT.done;
}

async function helpOf(called: Called): Promise<string> {
  const { load, verbs } = await requireEntry(called);
  return commandHelp(called.name, await load(), verbs);
}

/** What shells ask of a line that is being written; it is in no help. */
async function complete(
  [kind = '', prefix = '', ...line]: readonly string[],
  { env, terminal }: Surroundings,
): Promise<Exit> {
  const { candidates } = await import('./complete/ask.ts');
  const found = await candidates({ kind, prefix, line }, env, COMMANDS);
  if (found.length > 0) terminal.print(found.join('\n'));
  return EXIT.done;
}

async function version([excess]: readonly string[], terminal: Terminal): Promise<Exit> {
  if (excess !== undefined) throw usage(`unexpected argument "${excess}"; --version is of shunt as a whole`);
  const { default: about } = await import('../package.json', { with: { type: 'json' } });
  terminal.print(`shunt ${about.version}`);
  return EXIT.done;
}

/** Errors: Failure USAGE where there is no such command, with what was probably meant. */
async function requireEntry({ name, entry, words }: Called): Promise<Entry> {
  if (entry !== undefined) return entry;
  const commands = Object.keys(COMMANDS);
  if (name.startsWith('-')) throw (await import('./line/early-option.ts')).earlyOption(name, words, commands);
  const { meantCommand } = await import('./line/neighbours.ts');
  const meant = meantCommand(name, commands);
  throw usage(`unknown command "${name}"; ${meant === undefined ? 'see shunt --help' : didYouMean(meant)}`);
}
