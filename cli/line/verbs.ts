import { didYouMean } from '../../protocol/near.ts';
import type { Commands, Entry } from './command.ts';
import { type Failure, usage } from './failure.ts';

/** The command that is called, as its errors name it, and the words that are for it. */
export interface Called {
  readonly name: string;
  /** Undefined where there is no command of that name. */
  readonly entry: Entry | undefined;
  readonly words: readonly string[];
}

/** Finds the command that words call. A verb of a command may stand after options: `shunt hosts --nats URL forget edge-9`. */
export async function findCalled([name = '', ...words]: readonly string[], commands: Commands): Promise<Called> {
  const entry = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (entry?.verbs === undefined) return { name, entry, words };
  const at = await firstOperand(words);
  const verb = at === undefined ? undefined : words[at];
  if (at === undefined || verb === undefined || !Object.hasOwn(entry.verbs, verb)) return { name, entry, words };
  const called = await findCalled([verb, ...words.toSpliced(at, 1)], entry.verbs);
  return { ...called, name: `${name} ${called.name}` };
}

/** The names of all commands, their verbs behind them: `hosts`, `hosts forget`. */
export function namesOf(commands: Commands): readonly string[] {
  return Object.entries(commands).flatMap(([name, { verbs = {} }]) => [
    name,
    ...namesOf(verbs).map((verb) => `${name} ${verb}`),
  ]);
}

/** Every option takes a value or none, whichever command it is of: so what is an operand is known before the command is. */
async function firstOperand(words: readonly string[]): Promise<number | undefined> {
  const { tokensOf } = await import('./command-line.ts');
  const { OPTION_NAMES } = await import('./options.ts');
  return tokensOf(words, OPTION_NAMES).find(({ kind }) => kind === 'positional')?.index;
}

/** Makes the failure of a word where a verb of a command belongs. */
export async function noSuchVerb(name: string, word: string, verbs: Commands): Promise<Failure> {
  const { meantVerb, verbAdvice } = await import('./neighbours.ts');
  const near = meantVerb(word, Object.keys(verbs));
  const listed = await describe(verbs);
  const meant =
    verbAdvice(name, word) ?? (near === undefined ? `see shunt ${name} --help` : didYouMean(`shunt ${name} ${near}`));
  return usage(`unexpected argument "${word}": what follows is ${listed}; ${meant}`);
}

/** Of many verbs, how each is written would hide what was meant. */
const MOST_WRITTEN = 4;

async function describe(verbs: Commands): Promise<string> {
  const all = Object.entries(verbs);
  const names = all.map(([verb]) => verb);
  if (all.length > MOST_WRITTEN) return `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;
  const written = await Promise.all(
    all.map(async ([verb, { load }]) => `${verb} ${(await load()).synopsis}`.trimEnd()),
  );
  return written.join(', or ');
}
