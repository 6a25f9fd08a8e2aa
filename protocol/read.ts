import type { AnyCode, Code } from './codes.ts';
import { isObject, type JsonObject } from './json.ts';
import { didYouMean, meantField, nearest } from './near.ts';
import { plain } from './plain.ts';
import { Refused } from './refused.ts';

/** All that is wrong with an input, by place and code: what passes through several readers is in it once. */
export type Faults = Map<string, Refused>;

/**
 * Readers turn an untrusted value into a typed, normalised and deeply frozen one, or throw Refused with the path.
 * They are composed by hand and not generated from a schema, because checking, normalising, ordering fields and
 * freezing then happen in one pass, and a bad message costs no more than its first bad field. What a person wrote is
 * read with `faults`: then every fault is noted there, and what has one anywhere is refused at its end.
 */
export type Reader<T> = (value: unknown, path: string, faults?: Faults) => T;

export interface Optional<T> {
  readonly optional: Reader<T>;
}

/** A reader for each field of T, in canonical wire order; `optional(…)` exactly where T's field is optional. */
export type Fields<T> = {
  readonly [K in keyof T]-?: Record<never, never> extends Pick<T, K>
    ? Optional<Exclude<T[K], undefined>>
    : Reader<T[K]>;
};

export function optional<T>(reader: Reader<T>): Optional<T> {
  return { optional: reader };
}

/** Does what may refuse its input; where all faults are wanted, the refusal is noted and the answer is undefined. */
export function attempt<T>(read: () => T, faults: Faults | undefined): T | undefined {
  if (faults === undefined) return read();
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    refuse(error, faults);
    return undefined;
  }
}

/** Apart from where nothing is noted: there is no need of a function for each field then. */
function readNoting<T>(read: Reader<T>, value: unknown, path: string, faults: Faults): T | undefined {
  return attempt(() => read(value, path, faults), faults);
}

/** Makes a reader of one that goes on after faults: what came out of it half is refused for the first of them. */
export function whole<T>(read: Reader<T | undefined>): Reader<T> {
  return (value, path, faults) => {
    const before = faults?.size ?? 0;
    const result = read(value, path, faults);
    if (faults === undefined || faults.size === before) return result as T;
    throw [...faults.values()][before];
  };
}

/**
 * Makes the reader of an object. Fields are read in the order given, unknown ones judged last, so that a message of a
 * newer version is refused for its version. Replies and status ignore unknown fields: a newer peer may say more.
 */
export function object<T extends object>(fields: Fields<T>, unknown: 'refused' | 'ignored' = 'refused'): Reader<T> {
  return whole(partly(fields, unknown) as Reader<T>);
}

/** As `object`, for what is judged further: where faults are noted, it answers the fields that have none. */
export function partly<T extends object>(
  fields: Fields<T>,
  unknown: 'refused' | 'ignored' = 'refused',
): Reader<Partial<T>> {
  const slots = Object.entries<Reader<unknown> | Optional<unknown>>(fields).map(([name, field]) =>
    typeof field === 'function'
      ? { name, read: field, required: true }
      : { name, read: field.optional, required: false },
  );
  const names = Object.keys(fields);
  return (value, path, faults) => {
    const given = requireObject(value, path);
    const result: Record<string, unknown> = {};
    let found = 0;
    for (const { name, read, required } of slots) {
      const field = given[name];
      if (field !== undefined) {
        const at = join(path, name);
        result[name] = faults === undefined ? read(field, at) : readNoting(read, field, at, faults);
        found += 1;
      } else if (required && !(faults !== undefined && isMisspelt(name, given, names))) {
        refuse(new Refused('MISSING_FIELD', join(path, name), 'is required'), faults);
      }
    }
    if (unknown === 'refused' && Object.keys(given).length !== found) refuseUnknown(given, names, path, faults);
    return Object.freeze(result) as Partial<T>;
  };
}

/** The most unknown fields of one object that are named. */
const MAX_UNKNOWN = 16;
/** The longest text that a hint mends. */
const MAX_HINTED = 64;

/** Refuses the fields of an object that are not among `names`, suggesting those that were probably meant. */
export function refuseUnknown(value: JsonObject, names: readonly string[], path: string, faults?: Faults): void {
  const strange = Object.keys(value).filter((name) => !names.includes(name) && value[name] !== undefined);
  for (const name of strange.slice(0, MAX_UNKNOWN)) {
    const shown = clean(name, 40);
    const meant = meantField(shown, names);
    const hint = meant === undefined ? `known here: ${names.join(', ')}` : didYouMean(meant);
    refuse(new Refused('UNKNOWN_FIELD', join(path, shown), `unknown field; ${hint}`), faults);
  }
  if (strange.length <= MAX_UNKNOWN) return;
  refuse(new Refused('UNKNOWN_FIELD', path, `and ${strange.length - MAX_UNKNOWN} more unknown fields`), faults);
}

/** Tells whether a field that is missing is there by another name, which is refused as unknown and says so. */
export function isMisspelt(name: string, given: JsonObject, names: readonly string[]): boolean {
  return Object.keys(given)
    .slice(0, MAX_UNKNOWN)
    .some((other) => !names.includes(other) && meantField(clean(other, 40), names) === name);
}

function refuse(fault: Refused, faults: Faults | undefined): void {
  if (faults === undefined) throw fault;
  const place = `${fault.path} ${fault.code}`;
  if (!faults.has(place)) faults.set(place, fault);
}

export function requireObject(value: unknown, path: string): JsonObject {
  if (!isObject(value)) throw new Refused('BAD_FIELD', path, `expected an object, not ${show(value)}`);
  return value;
}

/** Makes the reader of a list with at most `max` elements. */
export function list<T>(element: Reader<T>, max: number): Reader<readonly T[]> {
  return whole((value, path, faults) => {
    if (!Array.isArray(value)) throw new Refused('BAD_FIELD', path, `expected a list, not ${show(value)}`);
    if (value.length > max) throw new Refused('TOO_MANY', path, `${value.length} elements, at most ${max}`);
    const read = (item: unknown, index: number) => {
      const at = `${path}[${index}]`;
      return faults === undefined ? element(item, at) : readNoting(element, item, at, faults);
    };
    return Object.freeze(Array.from(value, read)) as readonly T[];
  });
}

/** Makes the reader of an object with free keys, at most `max`; keys come out sorted, so that equal records encode alike. */
export function record<T>(key: Reader<string>, element: Reader<T>, max: number): Reader<Readonly<Record<string, T>>> {
  return whole((value, path, faults) => {
    const given = requireObject(value, path);
    const names = Object.keys(given).sort();
    if (names.length > max) throw new Refused('TOO_MANY', path, `${names.length} elements, at most ${max}`);
    const result: Record<string, T> = {};
    for (const name of names) {
      if (name === '__proto__') throw new Refused('FORBIDDEN_KEY', path, 'the key __proto__ is never accepted');
      const field = join(path, clean(name, 63));
      const label = faults === undefined ? key(name, field) : readNoting(key, name, field, faults);
      const read = faults === undefined ? element(given[name], field) : readNoting(element, given[name], field, faults);
      if (label !== undefined) result[label] = read as T;
    }
    return Object.freeze(result);
  });
}

/**
 * Whatever JSON can say, to be judged by somebody else. A number beyond all bounds is refused: `1e999` is read as one that no
 * JSON says.
 */
export const readJson: Reader<unknown> = (value, path) => {
  if (isBounded(value)) return value;
  throw new Refused('BAD_FIELD', path, 'a number in it is beyond all bounds');
};

function isBounded(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  return typeof value !== 'object' || value === null || Object.values(value).every(isBounded);
}

export function nullable<T>(reader: Reader<T>): Reader<T | null> {
  return (value, path, faults) => (value === null ? null : reader(value, path, faults));
}

export function integer(min: number, max: number = Number.MAX_SAFE_INTEGER, code: Code = 'BAD_FIELD'): Reader<number> {
  return (value, path) => {
    if (!Number.isSafeInteger(value) || (value as number) < min || (value as number) > max) {
      const hint = /^-?[0-9]{1,15}$/.test(String(value)) && typeof value === 'string' ? `; write ${value}` : '';
      throw new Refused(code, path, `expected a whole number from ${min} to ${max}, not ${show(value)}${hint}`);
    }
    return (value as number) + 0; // -0 becomes 0
  };
}

/** Makes the reader of a string that a pattern describes completely; `what` completes "expected …". */
export function pattern(regexp: RegExp, what: string, code: Code = 'BAD_FIELD'): Reader<string> {
  return (value, path) => {
    if (typeof value === 'string' && regexp.test(value)) return value;
    throw new Refused(code, path, `expected ${what}, not ${show(value)}${textHint(value, regexp)}`);
  };
}

/** Makes the reader of what another one reads, which says of what it refuses also what to write instead. */
export function hinted<T>(read: Reader<T>, hint: (value: unknown) => string): Reader<T> {
  return (value, path, faults) => {
    try {
      return read(value, path, faults);
    } catch (error) {
      throw error instanceof Refused ? new Refused(error.code, error.path, error.reason + hint(value)) : error;
    }
  };
}

/** What was probably meant by a value that is no text, or whose letters are not those asked for. */
function textHint(value: unknown, wanted: RegExp): string {
  if (typeof value === 'number' || typeof value === 'boolean')
    return wanted.test(String(value)) ? `; write "${value}"` : '';
  if (typeof value !== 'string' || value.length > MAX_HINTED) return '';
  const lower = value.toLowerCase();
  const meant = [lower, lower.trim().replaceAll(/[\s._]+/g, '-')];
  const found = meant.find((text) => /[a-z]/.test(text) && wanted.test(text));
  return found === undefined ? '' : `; ${didYouMean(found)}`;
}

export function oneOf<const T extends string>(...values: readonly T[]): Reader<T> {
  return (value, path) => {
    const found = values.find((candidate) => candidate === value);
    if (found === undefined) {
      const meant = typeof value === 'string' ? nearest(value, values) : undefined;
      const hint = meant === undefined ? '' : `; ${didYouMean(meant)}`;
      throw new Refused('BAD_FIELD', path, `expected one of ${values.join(', ')}, not ${show(value)}${hint}`);
    }
    return found;
  };
}

/**
 * Makes the reader of text for people: cut at `max` characters, control characters made spaces, lone surrogates replaced.
 * It is shown on terminals and written to logs, and nobody should lose a status because of a line break in an error.
 */
export function prose(max: number): Reader<string> {
  return (value, path) => {
    if (typeof value !== 'string') throw new Refused('BAD_FIELD', path, `expected text, not ${show(value)}`);
    return clean(value, max);
  };
}

/** What other formats, YAML 1.1 among them, take for the two. */
const BOOLEAN_WORDS: Readonly<Record<string, readonly string[]>> = {
  true: ['true', 'yes', 'on', 'y', '1'],
  false: ['false', 'no', 'off', 'n', '0'],
};

export const readBoolean: Reader<boolean> = (value, path) => {
  if (typeof value === 'boolean') return value;
  const meant = ['true', 'false'].find((word) => BOOLEAN_WORDS[word]?.includes(String(value).toLowerCase()));
  const hint = meant === undefined ? '' : `; write ${meant}`;
  throw new Refused('BAD_FIELD', path, `expected true or false, not ${show(value)}${hint}`);
};

/** For what is said only where it is so. */
export const readTrue: Reader<true> = (value, path) => {
  if (value !== true) throw new Refused('BAD_FIELD', path, `expected true, not ${show(value)}`);
  return value;
};

export const readRev: Reader<number> = integer(0);
/** The last moment that a calendar has (ECMA-262, time values). */
export const MAX_TIME_MS = 8.64e15;
/** Milliseconds since 1970. */
export const readTime: Reader<number> = integer(0, MAX_TIME_MS);
export const readCount: Reader<number> = integer(0);
/** A 64-bit counter as a decimal string: JSON numbers end at 2^53. */
export const readU64: Reader<string> = (value, path) => {
  const fits = typeof value === 'string' && /^(0|[1-9][0-9]{0,19})$/.test(value) && BigInt(value) < 2n ** 64n;
  if (!fits) throw new Refused('BAD_FIELD', path, `expected a 64-bit counter as a decimal string, not ${show(value)}`);
  return value;
};
export const readCode: Reader<AnyCode> = pattern(/^[A-Z][A-Z0-9_]{0,63}$/, 'a code');
export const readKey: Reader<string> = pattern(/^v[46] [\x20-\x7e]{1,252}$/, 'the key of a match');
export const readDigest: Reader<string> = pattern(/^[0-9a-f]{32}$/, 'a digest of 32 hex digits');
export const readMacText: Reader<string> = pattern(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/, 'a MAC address');
/** A short technical word such as a version, a boot id or an errno. */
export const readWord: Reader<string> = pattern(/^[\x21-\x7e]{1,64}$/, 'a word of at most 64 printable characters');

/** Shows an untrusted value in a message: short, on one line. */
export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(clean(value, 64));
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  return typeof value === 'function' || typeof value === 'symbol' ? typeof value : String(value);
}

export function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

function clean(text: string, max: number): string {
  return plain(text.slice(0, max).toWellFormed());
}
