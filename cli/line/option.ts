import { oneOf, type Reader } from '../../protocol/read.ts';

/** What a shell asks for while a line is written. */
export const ASKED = ['redirects', 'hosts', 'sets', 'contexts', 'rollouts'] as const;
export type Asked = (typeof ASKED)[number];

/**
 * One option of the command line, the environment and the settings file: all three give texts, the nearest source wins
 * whole. `read` gets what that source gave, nothing when no source did, and throws Refused.
 */
export interface Option<T> {
  readonly short?: string;
  readonly placeholder: string;
  readonly help: string;
  /** The default, as help shows it. */
  readonly fallback?: string;
  readonly repeat?: true;
  /** Given or not, without a value; `read` gets an empty text when it is. */
  readonly flag?: true;
  /** What it says when it is written without a value, as in `--wait`; with one, that stands behind `=`. */
  readonly bare?: string;
  /** All that may be given, where that is a few words. */
  readonly values?: readonly string[];
  /** What it names, where a shell may ask for it. */
  readonly asks?: Asked;
  /** A secret, and only in the environment: it would stand in every list of processes, or in a file that many read. */
  readonly environmentOnly?: true;
  /** Only an argument: it belongs to one call, not to a machine. */
  readonly argumentOnly?: true;
  readonly read: (given: readonly string[]) => T;
}

/** What is said to who writes it on the command line is where else to put it. */
export function secret(file: string) {
  const description = { placeholder: '', help: file, environmentOnly: true as const };
  return { ...description, read: (given: readonly string[]): string | undefined => given.at(-1) };
}

export function flag(help: string) {
  const read = (given: readonly string[]): boolean => given.length > 0;
  return { placeholder: '', help, flag: true as const, argumentOnly: true as const, read };
}

/** An option with a few words to choose from. */
export function choice<const T extends string>(description: Description, fallback: T, values: readonly T[]) {
  return { ...single(description, fallback, oneOf(...values)), values };
}

type Description = Pick<Option<unknown>, 'short' | 'placeholder' | 'help' | 'fallback'>;

export function single<T>(description: Description, fallback: string, reader: Reader<T>) {
  return { ...description, fallback, read: (given: readonly string[]): T => reader(given.at(-1) ?? fallback, '') };
}

export function optional<T>(description: Description, reader: Reader<T>) {
  const read = (given: readonly string[]): T | undefined => (given.length === 0 ? undefined : reader(given.at(-1), ''));
  return { ...description, read };
}

export function many(description: Description) {
  return { ...description, repeat: true as const, read: (given: readonly string[]): readonly string[] => given };
}
