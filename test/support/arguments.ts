import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { endOnWriteErrors } from '../../cli/show/write-errors.ts';

/** What one option of a program behind `./dev` takes. */
export type Option = { readonly short?: string } & (
  | { readonly takes: 'nothing' }
  | { readonly takes: 'number'; readonly from: number; readonly to: number; readonly default?: number }
  | { readonly takes: 'word'; readonly of: readonly string[]; readonly default: string }
);
export type Options = Readonly<Record<string, Option>>;

type ValueOf<O extends Option> = O extends { takes: 'nothing' }
  ? boolean
  : O extends { takes: 'word' }
    ? string
    : O extends { default: number }
      ? number
      : number | undefined;
export interface Arguments<O extends Options> {
  readonly values: { readonly [Name in keyof O]: ValueOf<O[Name]> };
  readonly operands: readonly string[];
}

/** A program was called in a way that it does not understand; the message says which. */
export class Misuse extends Error {
  static {
    Misuse.prototype.name = 'Misuse';
  }
}

const HELP = { help: { takes: 'nothing', short: 'h' } } as const;

/** Reads the words that a program was called with. Errors: Misuse. */
export function parseWords<const O extends Options>(
  name: string,
  words: readonly string[],
  options: O,
  operands: 'operands' | 'no operands' = 'no operands',
): Arguments<O> & { readonly help: boolean } {
  const known: Options = { ...options, ...HELP };
  const { tokens } = parseArgs({
    args: [...words],
    options: Object.fromEntries(Object.entries(known).map(([key, option]) => [key, optionOfNode(option)])),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const values: Record<string, unknown> = Object.fromEntries(Object.entries(known).map(withDefault));
  const found: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') found.push(token.value);
    if (token.kind !== 'option') continue;
    const option = Object.hasOwn(known, token.name) ? known[token.name] : undefined;
    if (option === undefined) throw new Misuse(`there is no option ${token.rawName}; see ./dev ${name} --help`);
    values[token.name] = takeValue(token.rawName, option, token.value);
  }
  if (operands === 'no operands' && found.length > 0)
    throw new Misuse(`"${found[0]}" is not expected; see ./dev ${name} --help`);
  return { values: values as Arguments<O>['values'], operands: found, help: values.help === true };
}

function optionOfNode({ takes, short }: Option) {
  return {
    type: takes === 'nothing' ? ('boolean' as const) : ('string' as const),
    ...(short !== undefined && { short }),
  };
}

function withDefault([name, option]: readonly [string, Option]): readonly [string, unknown] {
  return [name, option.takes === 'nothing' ? false : option.default];
}

function takeValue(written: string, option: Option, text: string | undefined): unknown {
  if (option.takes === 'nothing') {
    if (text !== undefined) throw new Misuse(`${written} takes no value`);
    return true;
  }
  const expected = option.takes === 'word' ? option.of.join(' or ') : `a number from ${option.from} to ${option.to}`;
  if (text === undefined) throw new Misuse(`${written}: expected ${expected}`);
  const value = option.takes === 'word' ? text : wholeNumber(text);
  const fits =
    option.takes === 'word' ? option.of.includes(text) : option.from <= Number(value) && Number(value) <= option.to;
  if (!fits) throw new Misuse(`${written} ${text}: expected ${expected}`);
  return value;
}

function wholeNumber(text: string): number {
  return /^\d+$/.test(text) ? Number(text) : Number.NaN;
}

/**
 * What the program of `./dev NAME` was called with. Ends this process where help was asked for, and with the status 2 and a
 * sentence where it does not understand.
 */
export function readArguments<const O extends Options>(
  name: string,
  options: O,
  operands?: 'operands' | 'no operands',
): Arguments<O> {
  endOnWriteErrors(process, `./dev ${name}`);
  try {
    const { help, ...given } = parseWords(name, process.argv.slice(2), options, operands);
    if (!help) return given;
    execFileSync(join(import.meta.dirname, '../../dev'), [...name.split(' '), '--help'], { stdio: 'inherit' });
    process.exit(0);
  } catch (error) {
    if (!(error instanceof Misuse)) throw error;
    misuse(name, error.message);
  }
}

/** Ends this process with a sentence, and the status of wrong usage. */
export function misuse(name: string, why: string): never {
  process.stderr.write(`./dev ${name}: ${why}\n`);
  process.exit(2);
}
