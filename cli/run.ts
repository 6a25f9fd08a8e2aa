import { didYouMean } from '../protocol/near.ts';
import { COMMANDS } from './commands.ts';
import type { AnyCommand, Call } from './line/command.ts';
import type { Environment } from './line/command-line.ts';
import { EXIT, type Exit, Failure, usage } from './line/failure.ts';
import { commandHelp, overview } from './line/help.ts';
import { report } from './line/report.ts';
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
  const [first = '', ...rest] = words;
  try {
    return await dispatch(first, rest, surroundings);
  } catch (error) {
    return report(error, { name: Object.hasOwn(COMMANDS, first) ? first : '', words: rest, ...surroundings });
  }
}

async function dispatch(first: string, rest: readonly string[], surroundings: Surroundings): Promise<Exit> {
  const { terminal } = surroundings;
  if (['help', '--help', '-h'].includes(first)) return help(rest, terminal);
  if (first === '--version') return version(rest, terminal);
  if (first === '') {
    terminal.note(overview(COMMANDS));
    return EXIT.usage;
  }
  return call(first, await load(first, rest), rest, surroundings);
}

async function call(
  name: string,
  command: AnyCommand,
  words: readonly string[],
  { env, terminal, stdin }: Surroundings,
): Promise<Exit> {
  const { checkOperands, readArguments, readOptions } = await import('./line/command-line.ts');
  const given = readArguments(name, command, words);
  if (given.help) {
    terminal.print(await commandHelp(name, command));
    return EXIT.done;
  }
  checkOperands(name, command, given);
  const options = (await readOptions(command, given, env)) as Call<never>['options'];
  const written = new Set(given.given.keys());
  return command.run({ options, operands: given.operands, written, terminal, stdin, commands: COMMANDS });
}

async function help(words: readonly string[], terminal: Terminal): Promise<Exit> {
  const [name, excess] = words.filter((word) => word !== '--help' && word !== '-h');
  if (excess !== undefined) throw usage(`unexpected argument "${excess}"; help is of one command: shunt help ${name}`);
  const ofAll = name === undefined || name === 'help';
  terminal.print(ofAll ? overview(COMMANDS) : await commandHelp(name, await load(name)));
  return EXIT.done;
}

async function version([excess]: readonly string[], terminal: Terminal): Promise<Exit> {
  if (excess !== undefined) throw usage(`unexpected argument "${excess}"; --version is of shunt as a whole`);
  const { default: about } = await import('../package.json', { with: { type: 'json' } });
  terminal.print(`shunt ${about.version}`);
  return EXIT.done;
}

async function load(name: string, rest: readonly string[] = []): Promise<AnyCommand> {
  const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (entry !== undefined) return entry.load();
  if (name.startsWith('-'))
    throw (await import('./line/early-option.ts')).earlyOption(name, rest, Object.keys(COMMANDS));
  const { meantCommand } = await import('./line/neighbours.ts');
  const meant = meantCommand(name, Object.keys(COMMANDS));
  throw new Failure(
    EXIT.usage,
    'USAGE',
    `unknown command "${name}"; ${meant === undefined ? 'see shunt --help' : didYouMean(meant)}`,
  );
}
