import type { Clock } from '../../daemon/clock.ts';
import type { Cursor } from '../../protocol/cursor.ts';
import { addDigest, EMPTY_DIGEST, elementDigest, removeDigest } from '../../protocol/digest.ts';
import { type Change, type Intent, intentBody, intentOf } from '../../protocol/intent.ts';
import type { Marks } from '../../protocol/marks.ts';
import type { Page, Standing, SyncRequest } from '../../protocol/page.ts';
import type { Update } from '../../protocol/update.ts';

/** A change without its revision, which the log gives. */
export type Wish = (rev: number) => Change;

/**
 * The log of one host, as a controller keeps it (rules C1, C2 and R7), in memory. It passes
 * test/conformance/controller.test.ts; `recover`, which no controller has yet, is its own.
 */
export class MemoryController {
  readonly host: string;
  /** The digest at every revision that was ever the head. */
  readonly digests = new Map<number, string>([[0, EMPTY_DIGEST]]);
  readonly #clock: Pick<Clock, 'nowMs'> | undefined;
  readonly #epochs: { epoch: string; last: number; superseded: boolean }[] = [];
  readonly #newest = new Map<string, Change>();
  #rev = 0;
  #digest = EMPTY_DIGEST;
  #floor = 0;
  #confirmed = 0;
  #opens = false;

  /** With a clock, pages say what time it is. */
  constructor(host: string, clock?: Pick<Clock, 'nowMs'>) {
    this.host = host;
    this.#clock = clock;
    this.#open(); // that of a new database, in which nothing is ever written
    this.restart();
  }

  get head(): Cursor {
    return { epoch: this.#epochs.at(-1)?.epoch ?? '', rev: this.#rev };
  }

  get digest(): string {
    return this.#digest;
  }

  /** The live intents by key. */
  get set(): ReadonlyMap<string, Intent> {
    const changes = [...this.#newest.values()];
    return new Map(changes.flatMap((change) => (change.op === 'put' ? [[change.key, intentOf(change)]] : [])));
  }

  /** The next change opens a new epoch. */
  restart(): void {
    this.#opens = true;
  }

  /** R7: every epoch so far is superseded, and a new one is open. */
  recover(): void {
    for (const epoch of this.#epochs) epoch.superseded = true;
    this.restart();
    this.#open();
  }

  /** Raises the mark up to which changes are confirmed; it never falls, and is never past the head. */
  confirm(rev: number): void {
    this.#confirmed = Math.max(this.#confirmed, Math.min(rev, this.#rev));
  }

  /** Forgets the deletes; the floor is the newest of them. */
  trim(): void {
    for (const [key, change] of this.#newest) {
      if (change.op !== 'delete') continue;
      this.#floor = Math.max(this.#floor, change.rev);
      this.#newest.delete(key);
    }
  }

  /** Writes changes in one transaction. */
  write(wishes: readonly Wish[]): void {
    if (this.#opens) this.#open();
    for (const wish of wishes) {
      this.#rev += 1;
      const change = wish(this.#rev);
      const old = this.#newest.get(change.key);
      if (old?.op === 'put') this.#digest = removeDigest(this.#digest, digestOf(old));
      if (change.op === 'put') this.#digest = addDigest(this.#digest, digestOf(change));
      this.#newest.set(change.key, change);
    }
    const epoch = this.#epochs.at(-1);
    if (epoch !== undefined) epoch.last = this.#rev;
    this.digests.set(this.#rev, this.#digest);
  }

  /** What is published of the changes after `prev`, now. */
  update(prev: number): Update {
    const changes = this.#after(Math.max(prev, this.#floor));
    const { epoch, rev } = this.head;
    const before = this.#epochs.at(-2);
    return {
      v: 1,
      host: this.host,
      epoch,
      after: before === undefined || before.superseded ? null : { epoch: before.epoch, rev: before.last },
      prev: changes.length === 0 ? rev : Math.max(prev, this.#floor),
      rev,
      digest: this.#digest,
      changes,
      ...this.#marks,
    };
  }

  hint(): Update {
    return this.update(this.#rev);
  }

  /** Answers a sync request with at most so many changes. */
  page({ have, from }: SyncRequest, limit = 1000): Page {
    const standing = this.#standing(have);
    const { epoch, rev: head } = this.head;
    const at = this.#clock && { at: this.#clock.nowMs() };
    const frame = { v: 1, host: this.host, have, from, ...at, standing, epoch, head, floor: this.#floor } as const;
    if (standing === 'lost' || standing === 'unknown') {
      const { rev } = from;
      return { ...frame, prev: rev, rev, head: rev, floor: 0, digest: EMPTY_DIGEST, changes: [], more: false };
    }
    // Whoever holds nothing has nothing to delete.
    const all = this.#after(from.rev).filter(({ op }) => from.rev !== 0 || op === 'put');
    const changes = all.slice(0, limit);
    const more = changes.length < all.length;
    const rev = more ? (changes.at(-1)?.rev ?? head) : head;
    return { ...frame, prev: Math.min(from.rev, rev), rev, digest: this.#digest, changes, more, ...this.#marks };
  }

  get #marks(): Marks {
    return this.#confirmed === 0 ? {} : { confirmed: this.#confirmed };
  }

  #open(): void {
    this.#epochs.push({ epoch: `e${this.#epochs.length}`, last: this.#rev, superseded: false });
    this.#opens = false;
  }

  #after(rev: number): Change[] {
    return [...this.#newest.values()].filter((change) => change.rev > rev).sort((a, b) => a.rev - b.rev);
  }

  #standing({ epoch, rev }: Cursor): Standing {
    if (epoch === '') return 'ok';
    const known = this.#epochs.find((each) => each.epoch === epoch);
    if (known === undefined) return 'unknown';
    if (known.superseded) return 'superseded';
    return rev <= known.last ? 'ok' : 'lost';
  }
}

function digestOf(change: Extract<Change, { op: 'put' }>): bigint {
  return elementDigest(change.key, change.rev, intentBody(change));
}
