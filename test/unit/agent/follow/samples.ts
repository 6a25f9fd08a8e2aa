import type { Candidate } from '../../../../agent/model/stored.ts';
import type { Log } from '../../../../daemon/log.ts';
import type { Cursor } from '../../../../protocol/cursor.ts';
import { addDigest, EMPTY_DIGEST, elementDigest } from '../../../../protocol/digest.ts';
import { type Change, type Intent, intentBody } from '../../../../protocol/intent.ts';
import { keyOf } from '../../../../protocol/key.ts';
import type { Match } from '../../../../protocol/match.ts';
import type { Update } from '../../../../protocol/update.ts';

export const HOST = 'h1';

/** Makes the n-th of many different intents. */
export function intent(n: number, rev: number, name = `r${n}`): Intent {
  const dst = `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}/32`;
  const match: Match = { src: '0.0.0.0/0', dst, proto: 'udp', dport: 53 };
  return { key: keyOf(match), rev, name, match, to: { nexthop: '192.0.2.1', interface: 'eth0' } };
}

export function put(n: number, rev: number, name?: string): Change {
  return { op: 'put', ...intent(n, rev, name) };
}

export function del(n: number, rev: number): Change {
  return { op: 'delete', rev, key: intent(n, rev).key };
}

/** The digest of a set of intents. */
export function digestOf(intents: Iterable<Intent>): string {
  let sum = 0n;
  for (const each of intents) sum += elementDigest(each.key, each.rev, intentBody(each));
  return addDigest(EMPTY_DIGEST, sum);
}

/** The digest of the set that changes make when laid over nothing. */
export function digestAfter(changes: readonly Change[]): string {
  const set = new Map<string, Intent>();
  for (const change of changes) {
    if (change.op === 'put') set.set(change.key, change);
    else set.delete(change.key);
  }
  return digestOf(set.values());
}

export function candidate(
  base: Candidate['base'],
  cursor: Cursor,
  changes: readonly Change[],
  digest = digestAfter(changes),
): Candidate {
  return { base, cursor, changes, digest };
}

export function update(
  epoch: string,
  prev: number,
  rev: number,
  changes: readonly Change[],
  more: Partial<Update> = {},
): Update {
  return { v: 1, host: HOST, epoch, after: null, prev, rev, digest: EMPTY_DIGEST, changes, ...more };
}

export const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };
