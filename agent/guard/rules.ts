import { formatPrefix, parsePrefix, prefixFault } from '../../protocol/address.ts';
import { type Guard, MAX_GUARD_PREFIXES, type Protected, readProtectedName } from '../../protocol/guard.ts';
import { type Match, parseMatch } from '../../protocol/match.ts';
import { list, object, oneOf, optional, type Reader, readCount, requireObject, show } from '../../protocol/read.ts';
import { Refused } from '../../protocol/refused.ts';

/** What a host protects by a word: whose packets they are, is found out on the host. */
export const WORDS = ['bus', 'ssh', 'dns'] as const;
export type Word = (typeof WORDS)[number];

/** A guard as its file says it. */
export interface GuardRules extends Omit<Guard, 'protect'> {
  readonly protect: readonly (Word | Protected)[];
}

/** The guard of a host that has no file, and of one whose file says nothing of it: how the host is reached. */
export const DEFAULT_RULES: GuardRules = Object.freeze({ protect: WORDS });

/** Beside them the words have to have room in the program (toCompare in protocol/guard.ts). */
const MAX_OWN = 6;

/** The file's own names of its fields. */
interface Written {
  readonly src?: readonly string[];
  readonly dst?: readonly string[];
  readonly targets?: readonly string[];
  readonly 'max-redirects'?: number;
  readonly protect?: readonly (Word | Protected)[];
}

const readPrefix: Reader<string> = (value, path) => {
  const prefix = typeof value === 'string' ? parsePrefix(value) : undefined;
  if (prefix !== undefined) return formatPrefix(prefix);
  if (typeof value !== 'string')
    throw new Refused('BAD_PREFIX', path, `expected an address or prefix, not ${show(value)}`);
  const { code, message } = prefixFault(value);
  throw new Refused(code, path, message);
};

const readPrefixes = list(readPrefix, MAX_GUARD_PREFIXES);
const readWord = oneOf(...WORDS);

const readProtected: Reader<Word | Protected> = (value, path) => {
  if (typeof value === 'string') return readWord(value, path);
  const { name, ...match } = requireObject(value, path);
  if (name === undefined) throw new Refused('MISSING_FIELD', `${path}.name`, 'is required');
  if (match.in !== undefined)
    throw new Refused('UNKNOWN_FIELD', `${path}.in`, 'packets are protected by whatever interface they come');
  return Object.freeze({
    name: readProtectedName(name, `${path}.name`),
    match: parseMatch(match, path) satisfies Match,
  });
};

const readWritten = object<Written>({
  src: optional(readPrefixes),
  dst: optional(readPrefixes),
  targets: optional(readPrefixes),
  'max-redirects': optional(readCount),
  protect: optional(list(readProtected, WORDS.length + MAX_OWN)),
});

/** Reads what a guard file holds; null is an empty one. Errors: Refused. */
export function parseRules(value: unknown): GuardRules {
  const { 'max-redirects': maxRedirects, protect = WORDS, ...rest } = readWritten(value ?? {}, '');
  const own = protect.filter((one) => typeof one !== 'string');
  if (own.length > MAX_OWN) throw new Refused('TOO_MANY', 'protect', `${own.length} of its own, at most ${MAX_OWN}`);
  return Object.freeze({ ...rest, ...(maxRedirects !== undefined && { maxRedirects }), protect });
}
