import type { EntryValue } from '../model/entry.ts';

/**
 * Keys whose entries have left a device since losses were last looked at: what was lost just before that was theirs, and
 * often the reason why they left.
 */
export class Departed {
  readonly #keys = new Map<number, Set<string>>();

  note(key: string, before: EntryValue | undefined, now: EntryValue | undefined): void {
    if (before?.action !== 'send' || sendsOutOf(now, before.ifindex)) return;
    const keys = this.#keys.get(before.ifindex);
    if (keys === undefined) this.#keys.set(before.ifindex, new Set([key]));
    else keys.add(key);
  }

  has(key: string, ifindex: number): boolean {
    return this.#keys.get(ifindex)?.has(key) === true;
  }

  clear(): void {
    this.#keys.clear();
  }
}

export function sendsOutOf(value: EntryValue | undefined, ifindex: number): boolean {
  return value?.action === 'send' && value.ifindex === ifindex;
}
