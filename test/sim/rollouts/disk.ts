import { type Cursor, NO_CURSOR } from '../../../protocol/cursor.ts';
import { addDigest, EMPTY_DIGEST, elementDigest } from '../../../protocol/digest.ts';
import { type Change, intentBody } from '../../../protocol/intent.ts';
import type { Marks } from '../../../protocol/marks.ts';

/** What a host is to have at a key. `value`: what it is sent there, without how it is to be confirmed. */
export interface Held {
  readonly rev: number;
  readonly name: string;
  readonly body: string;
  readonly value: string;
}

/** A change that is taken back unless it is confirmed. */
export interface Pending {
  readonly rev: number;
  readonly name: string;
  readonly withinMs: number;
  /** What comes back; undefined: nothing. */
  readonly previous: string | undefined;
  /** Since it stands; undefined before. */
  readonly deadlineMs?: number;
}

/** What stays away until a newer revision of its key, and what stands in its place. */
export interface Quarantined {
  readonly rev: number;
  readonly name: string;
  readonly value: string | undefined;
  /** Monotonic. */
  readonly atMs: number;
}

/** Without how it is to be confirmed: what is the same but for that is the same. */
export function sentIn(body: string): string {
  const { confirm: _, ...rest } = JSON.parse(body) as { readonly confirm?: unknown };
  return JSON.stringify(rest);
}

/** What a made-up host has on its disk: a set of redirects, what it was told of it, and what of it is to be confirmed. */
export class Disk {
  cursor: Cursor = NO_CURSOR;
  digest = EMPTY_DIGEST;
  set = new Map<string, Held>();
  confirmed = 0;
  permit = 0;
  readonly pending = new Map<string, Pending>();
  readonly quarantined = new Map<string, Quarantined>();
  /** Keys that were taken back, each with what it was. */
  onReverted: (key: string, pending: Pending) => void = () => {};

  /** Lays changes over the set, or over nothing; answers false, and changes nothing, where the digest is another. */
  take(base: 'stored' | 'empty', changes: readonly Change[], cursor: Cursor, digest: string): boolean {
    const set = new Map(base === 'stored' ? this.set : []);
    for (const change of changes) {
      if (change.op === 'delete') set.delete(change.key);
      else set.set(change.key, heldOf(change));
    }
    if (digestOf(set) !== digest) return false;
    const changed = new Map(changes.map((change) => [change.key, change]));
    for (const key of new Set([...this.set.keys(), ...set.keys(), ...changed.keys()])) {
      const [was, is, change] = [this.set.get(key), set.get(key), changed.get(key)];
      const waits = this.quarantined.get(key) ?? this.pending.get(key);
      const rev = is?.rev ?? change?.rev ?? cursor.rev;
      const isKnown =
        is === undefined ? was === undefined && (waits === undefined || waits.rev === rev) : was?.rev === rev;
      if (!isKnown) this.#revise(key, { rev, name: (is ?? was ?? waits)?.name ?? '', change, value: is?.value });
    }
    this.set = set;
    this.cursor = cursor;
    this.digest = digest;
    return true;
  }

  /** What stood when the first of several unconfirmed changes came is what comes back. */
  #revise(
    key: string,
    to: Pick<Pending, 'rev' | 'name'> & { readonly change: Change | undefined; readonly value: string | undefined },
  ): void {
    const { change, rev, name, value } = to;
    const first = this.pending.get(key);
    const previous = first === undefined ? this.wanted(key) : first.previous;
    this.quarantined.delete(key);
    this.pending.delete(key);
    const withinMs = change?.confirm?.withinMs;
    if (withinMs === undefined || rev <= this.confirmed || value === previous) return;
    this.pending.set(key, { rev, name, withinMs, previous });
  }

  /** Takes what the controller says of changes; what is past its deadline is taken back before. */
  mark({ confirmed = 0, permit = 0 }: Marks, nowMs: number): void {
    this.expire(nowMs);
    this.confirmed = Math.max(this.confirmed, confirmed);
    this.permit = Math.max(this.permit, permit);
    for (const [key, { rev }] of this.pending) if (rev <= this.confirmed) this.pending.delete(key);
  }

  /** What nobody has confirmed in time is taken back. */
  expire(nowMs: number): void {
    for (const [key, pending] of this.pending) {
      if ((pending.deadlineMs ?? Number.POSITIVE_INFINITY) > nowMs) continue;
      const { rev, name, previous } = pending;
      this.pending.delete(key);
      this.quarantined.set(key, { rev, name, value: previous, atMs: nowMs });
      this.onReverted(key, pending);
    }
  }

  /** It stands: from now on it waits to be confirmed. */
  arm(key: string, nowMs: number): void {
    const pending = this.pending.get(key);
    if (pending !== undefined && pending.deadlineMs === undefined)
      this.pending.set(key, { ...pending, deadlineMs: nowMs + pending.withinMs });
  }

  /** What is to stand at a key. */
  wanted(key: string): string | undefined {
    const kept = this.quarantined.get(key);
    return kept === undefined ? this.set.get(key)?.value : kept.value;
  }

  get keys(): ReadonlySet<string> {
    return new Set([...this.set.keys(), ...this.quarantined.keys(), ...this.pending.keys()]);
  }

  get nextDeadlineMs(): number {
    return Math.min(
      Number.POSITIVE_INFINITY,
      ...[...this.pending.values()].map(({ deadlineMs }) => deadlineMs ?? Number.POSITIVE_INFINITY),
    );
  }

  /** The host had no power for so long: that time does not count. */
  delay(ms: number): void {
    for (const [key, pending] of this.pending)
      if (pending.deadlineMs !== undefined) this.pending.set(key, { ...pending, deadlineMs: pending.deadlineMs + ms });
  }
}

function heldOf(change: Extract<Change, { readonly op: 'put' }>): Held {
  const body = intentBody(change);
  return { rev: change.rev, name: change.name, body, value: sentIn(body) };
}

function digestOf(set: ReadonlyMap<string, Held>): string {
  let digest = EMPTY_DIGEST;
  for (const [key, { rev, body }] of set) digest = addDigest(digest, elementDigest(key, rev, body));
  return digest;
}
