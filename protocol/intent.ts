import { type Action, arrangeAction, parseAction } from './action.ts';
import { keyOf } from './key.ts';
import { type Match, readMatch } from './match.ts';
import {
  integer,
  join,
  object,
  oneOf,
  optional,
  pattern,
  type Reader,
  readKey,
  readTime,
  requireObject,
} from './read.ts';
import { Refused } from './refused.ts';
import { durationWithin } from './times.ts';

/** When a redirect without traffic is taken out of the kernel, and what brings it back. */
export interface Idle {
  readonly afterMs: number;
  readonly rearm: 'revision' | 'never';
}

/** The change is taken back by the host itself unless it is confirmed within so long of standing there. */
export interface Confirm {
  readonly withinMs: number;
}

/** A spec compiled for one host. `expires` is in ms since 1970. */
export interface Intent {
  readonly key: string;
  readonly rev: number;
  readonly name: string;
  readonly match: Match;
  readonly to: Action;
  readonly idle?: Idle;
  readonly expires?: number;
  readonly confirm?: Confirm;
}

export type Put = { readonly op: 'put' } & Intent;
export type Delete = {
  readonly op: 'delete';
  readonly rev: number;
  readonly key: string;
  readonly confirm?: Confirm;
};
export type Change = Put | Delete;

const YEAR_MS = 366 * 86_400_000;

export const readName: Reader<string> = pattern(
  /^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$/,
  'a name of a-z, 0-9 and inner dots, dashes or underscores, at most 63 long',
  'BAD_NAME',
);
/** A second at least, because the agent looks no oftener; a year at most. */
export const readAfterMs: Reader<number> = integer(1000, YEAR_MS, 'BAD_DURATION');
/** The same as people write it. */
export const readAfter = durationWithin(1000, YEAR_MS, '1s to 366d');
export const readRearm: Reader<Idle['rearm']> = oneOf('revision', 'never');

export const readIdle = object<Idle>({ afterMs: readAfterMs, rearm: readRearm });
export const readConfirm = object<Confirm>({ withinMs: readAfterMs });
const readChangeRev = integer(1);
const readOp = oneOf('put', 'delete');

/** What an intent says, apart from its identity. */
type Body = Omit<Intent, 'key' | 'rev'>;
interface RawBody extends Omit<Body, 'to'> {
  readonly to: unknown;
}

const bodyFields = {
  name: readName,
  match: readMatch,
  to: (value: unknown) => value, // judged beside the match, below
  idle: optional(readIdle),
  expires: optional(readTime),
  confirm: optional(readConfirm),
};
const readRawBody = object<RawBody>(bodyFields);
const readRawPut = object<RawBody & Omit<Put, keyof Body>>({
  op: oneOf('put'),
  rev: readChangeRev,
  key: readKey,
  ...bodyFields,
});
const readDelete = object<Delete>({
  op: oneOf('delete'),
  rev: readChangeRev,
  key: readKey,
  confirm: optional(readConfirm),
});

const readPut: Reader<Put> = (value, path) => {
  const raw = readRawPut(value, path);
  checkKey(raw.key, raw.match, join(path, 'key'));
  return Object.freeze({ ...raw, to: parseAction(raw.to, raw.match, join(path, 'to')) });
};

export const readChange: Reader<Change> = (value, path) => {
  const { op } = requireObject(value, path);
  return op !== undefined && readOp(op, join(path, 'op')) === 'delete' ? readDelete(value, path) : readPut(value, path);
};

/** Reads one change. Errors: Refused. */
export function parseChange(value: unknown, path = ''): Change {
  return readChange(value, path);
}

/** Writes what an intent says, as it is stored and digested: JSON of name, match, to, idle, expires, confirm in that order. */
export function intentBody(intent: Body): string {
  const { match, idle, confirm } = intent;
  return JSON.stringify({
    name: intent.name,
    match: { in: match.in, src: match.src, dst: match.dst, proto: match.proto, sport: match.sport, dport: match.dport },
    to: arrangeAction(intent.to),
    idle: idle && { afterMs: idle.afterMs, rearm: idle.rearm },
    expires: intent.expires,
    confirm: confirm && { withinMs: confirm.withinMs },
  });
}

/** The intent that a change puts. Spelled out: a hundred thousand of these stay, and for what is spread they keep room. */
export function intentOf({ key, rev, name, match, to, idle, expires, confirm }: Intent): Intent {
  const isBare = idle === undefined && expires === undefined && confirm === undefined;
  if (isBare) return Object.freeze({ key, rev, name, match, to });
  return Object.freeze({
    key,
    rev,
    name,
    match,
    to,
    ...(idle !== undefined && { idle }),
    ...(expires !== undefined && { expires }),
    ...(confirm !== undefined && { confirm }),
  });
}

/** Reads a stored body back, what it does by `readTo`. Errors: Refused BAD_JSON, KEY_MISMATCH and those of its fields. */
export function parseIntentBody(
  key: string,
  rev: number,
  body: string,
  readTo: (value: unknown, match: Match) => Action = parseAction,
): Intent {
  const raw = readRawBody(parseStored(body), '');
  checkKey(key, raw.match, 'key');
  return intentOf({ ...raw, key, rev: readChangeRev(rev, 'rev'), to: readTo(raw.to, raw.match) });
}

function parseStored(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw new Refused('BAD_JSON', '', 'the stored body is not JSON');
  }
}

function checkKey(key: string, match: Match, path: string): void {
  const expected = keyOf(match);
  if (key !== expected) throw new Refused('KEY_MISMATCH', path, `the match has the key ${expected}`);
}
