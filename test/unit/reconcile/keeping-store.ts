import type { EntryState } from '../../../agent/model/state.ts';
import type { DesiredStore, Stored } from '../../../agent/ports.ts';
import type { Event } from '../../../protocol/event.ts';
import { MemoryStore } from '../../fakes/memory-store.ts';

/** A store that also keeps what became of each key. */
export class KeepingStore extends MemoryStore implements DesiredStore {
  readonly rows = new Map<string, EntryState>();
  readonly events: Event[] = [];
  saves = 0;

  async load(): Promise<Stored> {
    const intents = [...this.set.values()].map(({ op: _, ...intent }) => intent);
    return { ...this.stored, intents, entries: [...this.rows.values()] };
  }

  async saveEntries(entries: readonly EntryState[], forget: readonly string[]): Promise<void> {
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
    this.saves += 1;
    for (const key of forget) this.rows.delete(key);
    for (const entry of entries) this.rows.set(entry.key, entry);
  }

  async record(events: readonly Event[]): Promise<void> {
    this.events.push(...events);
  }

  async history(key: string): Promise<readonly Event[]> {
    return this.events.filter((event) => event.key === key);
  }

  async close(): Promise<void> {}
}
