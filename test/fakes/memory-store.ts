import type { EntryState } from '../../agent/model/state.ts';
import type { Acceptance, Candidate, DesiredStore, Recorded, Recorder, Stored } from '../../agent/ports.ts';
import { EVENTS_PER_KEY } from '../../agent/store/event-table.ts';
import { NO_CURSOR } from '../../protocol/cursor.ts';
import { addDigest, EMPTY_DIGEST, elementDigest } from '../../protocol/digest.ts';
import type { Event } from '../../protocol/event.ts';
import { type Intent, intentBody, intentOf } from '../../protocol/intent.ts';

export interface UnreadRow {
  readonly key: string;
  readonly rev: number;
  readonly body: string;
}

/** A store in memory, as strict about digests as the real one. It passes test/conformance/store.test.ts. */
export class MemoryStore implements DesiredStore, Recorder {
  /** What is stored; to be set for a test that starts with something. */
  stored: Omit<Stored, 'intents' | 'entries' | 'newer'> = {
    sound: true,
    cursor: NO_CURSOR,
    digest: EMPTY_DIGEST,
    seq: 0,
  };
  set: ReadonlyMap<string, Intent> = new Map();
  /** Rows of intents that only a newer agent can read; `writeAsNewer` adds one. */
  unread: ReadonlyMap<string, UnreadRow> = new Map();
  readonly rows = new Map<string, EntryState>();
  /** How often rows were saved. */
  saves = 0;
  /** Thrown by the next calls that write, first one first. */
  readonly failures: Error[] = [];
  /** By place, oldest first. */
  readonly #recorded = new Map<number, Event>();
  #place = 0;

  async load(): Promise<Stored> {
    const newer = this.unread.size > 0;
    return { ...this.stored, newer, intents: [...this.set.values()], entries: [...this.rows.values()] };
  }

  /** As a newer agent does that ran on this store. */
  writeAsNewer(row: UnreadRow): void {
    this.unread = new Map([...this.unread, [row.key, row]]);
    this.stored = { ...this.stored, digest: addDigest(this.stored.digest, elementDigest(row.key, row.rev, row.body)) };
  }

  async accept({ base, changes, cursor, digest }: Candidate, afterSeq = 0): Promise<Acceptance> {
    this.#failNext();
    const next = new Map(base === 'stored' ? this.set : []);
    const unread = new Map(base === 'stored' ? this.unread : []);
    for (const change of changes) {
      if (change.rev <= ((next.get(change.key) ?? unread.get(change.key))?.rev ?? 0)) continue;
      unread.delete(change.key);
      if (change.op === 'put') next.set(change.key, intentOf(change));
      else next.delete(change.key);
    }
    const sound = this.stored.sound || base === 'empty';
    if (!sound || digestOf(next.values(), unread.values()) !== digest)
      return { outcome: 'mismatch', sound: this.stored.sound };
    const whole = base === 'empty';
    const removed = whole ? [] : [...this.set.keys()].filter((key) => !next.has(key));
    const put = [...next.values()].filter((intent) => whole || this.set.get(intent.key) !== intent);
    this.set = next;
    this.unread = unread;
    this.stored = { sound: true, cursor, digest, seq: Math.max(this.stored.seq, afterSeq) + 1 };
    return { outcome: 'accepted', seq: this.stored.seq, whole, put, removed };
  }

  async saveEntries(entries: readonly EntryState[], forget: readonly string[]): Promise<void> {
    this.#failNext();
    this.saves += 1;
    for (const key of forget) this.rows.delete(key);
    for (const entry of entries) this.rows.set(entry.key, entry);
  }

  async record(events: readonly Event[]): Promise<void> {
    for (const event of events) {
      this.#place += 1;
      this.#recorded.set(this.#place, event);
    }
    for (const key of new Set(events.map((event) => event.key))) {
      const places = [...this.#recorded].filter(([, event]) => key !== undefined && event.key === key);
      for (const [place] of places.slice(0, -EVENTS_PER_KEY)) this.#recorded.delete(place);
    }
  }

  async history(key: string): Promise<readonly Event[]> {
    return [...this.#recorded.values()].filter((event) => event.key === key);
  }

  async recent(before: number, limit: number): Promise<Recorded> {
    const chosen = [...this.#recorded].filter(([place]) => place < before).slice(-limit);
    return { events: chosen.map(([, event]) => event), first: chosen[0]?.[0] ?? 0 };
  }

  async close(): Promise<void> {}

  #failNext(): void {
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
  }
}

function digestOf(set: Iterable<Intent>, unread: Iterable<UnreadRow>): string {
  let sum = 0n;
  for (const each of set) sum += elementDigest(each.key, each.rev, intentBody(each));
  for (const each of unread) sum += elementDigest(each.key, each.rev, each.body);
  return addDigest(EMPTY_DIGEST, sum);
}
