import type { EntryState } from '../model/state.ts';
import type { DesiredStore } from '../ports.ts';
import { hasToLast } from './lasting.ts';
import type { PassResult } from './pass-result.ts';

/** What became of keys and is not in the store yet: of each the newest, or that it is gone. */
export class Unsaved {
  readonly #states = new Map<string, EntryState | undefined>();
  /** Some of it a power cut may not take. */
  #lasts = false;

  note({ changed, forgotten }: Pick<PassResult, 'changed' | 'forgotten'>): void {
    for (const one of changed) {
      if (one.stored) continue;
      this.#states.set(one.now.key, one.now);
      this.#lasts ||= hasToLast(one);
    }
    for (const { key } of forgotten) this.#states.set(key, undefined);
  }

  /** These are to be stored, whatever was noted of their keys. */
  states(rows: readonly EntryState[]): void {
    for (const row of rows) this.#states.set(row.key, row);
    this.#lasts ||= rows.length > 0;
  }

  /** Hands everything to the store. Errors: StoreError; then it stays here. */
  async save(store: Pick<DesiredStore, 'saveEntries'>): Promise<void> {
    if (this.#states.size === 0) return;
    const rows = [...this.#states];
    const states = rows.flatMap(([, state]) => state ?? []);
    const forgotten = rows.flatMap(([key, state]) => (state === undefined ? [key] : []));
    await store.saveEntries(states, forgotten, this.#lasts);
    this.#states.clear();
    this.#lasts = false;
  }
}
