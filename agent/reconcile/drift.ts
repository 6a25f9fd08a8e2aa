import type { Swept } from '../ports.ts';

/** The pinned maps that the agent writes and reads back. */
export type PinName = 'redirect4' | 'redirect6' | 'shapes' | 'ports' | 'protect' | 'control';

/** What somebody else changed since we last looked: an entry by its key (a foreign one by its id), all else in words. */
export interface Drift {
  readonly pin: PinName;
  readonly key?: string;
  readonly detail?: string;
  /** How many things it stands for; one, where that is not said. */
  readonly count?: number;
  /** Told already: it is part of a fight, or was changed again right after it was put right. */
  readonly known?: true;
}

/** Foreign entries that are told one by one: a stranger may write as many as the maps hold. */
const FOREIGN_TOLD = 64;

/** Ours are told each, those of nobody a few, and how many more there were. */
export function entryDrift(keys: readonly string[], isOurs: (key: string) => boolean): Drift[] {
  const drift = (key: string): Drift => ({ pin: pinOfKey(key), key });
  const [ours, foreign] = [keys.filter(isOurs), keys.filter((key) => !isOurs(key))];
  const more = foreign.slice(FOREIGN_TOLD);
  const detail = `${more.length} more entries of no redirect`;
  return [
    ...[...ours, ...foreign.slice(0, FOREIGN_TOLD)].map(drift),
    ...more.slice(0, 1).map((key): Drift => ({ pin: pinOfKey(key), detail, count: more.length })),
  ];
}

/** Where the entry of a key, or of an entry id, stands. */
export function pinOfKey(key: string): PinName {
  return key.startsWith('v6') ? 'redirect6' : 'redirect4';
}

export function strayDrift({ removed, more }: Swept): { readonly drifted: readonly Drift[]; readonly more: boolean } {
  const found = ([4, 6] as const).filter((family) => removed[family] > 0);
  const drifted = found.map((family): Drift => {
    const count = removed[family];
    return {
      pin: `redirect${family}`,
      detail: `redirect${family}: ${count} entries with keys that no redirect has`,
      count,
    };
  });
  return { drifted, more };
}

export function countDrift(drifted: readonly Drift[]): number {
  return drifted.reduce((sum, { count = 1 }) => sum + count, 0);
}
