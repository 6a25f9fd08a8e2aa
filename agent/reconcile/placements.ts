import type { Intent } from '../../protocol/intent.ts';
import type { EntryState } from '../model/state.ts';
import type { Decision } from './decision.ts';
import type { Tracker } from './tracker.ts';

/**
 * Under which entry id each key stands, where that is not the key itself: the id of an intent of one interface carries
 * the zone, which the key does not. An id has one owner: whoever takes it over leaves its former owner without.
 */
export class Placements implements Tracker {
  readonly #stands: (intent: Intent) => string | undefined;
  readonly #ids = new Map<string, string>();
  readonly #keys = new Map<string, string>();

  /** `stands`: under which id the entry of an intent of one interface may stand already. */
  constructor(stands: (intent: Intent) => string | undefined) {
    this.#stands = stands;
  }

  idOf(key: string): string {
    return this.#ids.get(key) ?? key;
  }

  keyOf(id: string): string {
    return this.#keys.get(id) ?? id;
  }

  owned(id: string): boolean {
    return this.#keys.has(id);
  }

  /** Owns the entry that may stand for the intent's interface already. */
  wanted(intent: Intent): void {
    const { key, match } = intent;
    if (match.in === undefined || this.#ids.has(key)) return;
    const id = this.#stands(intent);
    if (id !== undefined && !this.owned(id)) this.#place(key, id);
  }

  /** An entry that failed to be removed still stands where it stood. */
  settled({ key, want, leaves }: Decision, now: EntryState): void {
    if (leaves !== undefined) return;
    if (want === undefined && now.state !== 'failed') this.gone(key);
    else if (want !== undefined && want.id !== key) this.#place(key, want.id);
  }

  gone(key: string): void {
    const id = this.#ids.get(key);
    if (id === undefined) return;
    this.#ids.delete(key);
    this.#keys.delete(id);
  }

  #place(key: string, id: string): void {
    const former = this.#keys.get(id);
    if (former !== undefined) this.gone(former);
    this.gone(key);
    this.#ids.set(key, id);
    this.#keys.set(id, key);
  }
}
