import type { Swept } from '../ports.ts';

/** What somebody else changed since we last looked: an entry by its key (a foreign one by its id), all else in words. */
export interface Drift {
  readonly key?: string;
  readonly detail?: string;
  /** How many things it stands for; one, where that is not said. */
  readonly count?: number;
}

/** Foreign entries that are told one by one: a stranger may write as many as the maps hold. */
const FOREIGN_TOLD = 64;

/** Ours are told each, those of nobody a few, and how many more there were. */
export function entryDrift(keys: readonly string[], isOurs: (key: string) => boolean): Drift[] {
  const [ours, foreign] = [keys.filter(isOurs), keys.filter((key) => !isOurs(key))];
  const more = foreign.length - FOREIGN_TOLD;
  return [
    ...[...ours, ...foreign.slice(0, FOREIGN_TOLD)].map((key) => ({ key })),
    ...(more > 0 ? [{ detail: `${more} more entries of no redirect`, count: more }] : []),
  ];
}

export function strayDrift({ removed, more }: Swept): { readonly drifted: readonly Drift[]; readonly more: boolean } {
  const found = ([4, 6] as const).filter((family) => removed[family] > 0);
  const drifted = found.map((family) => {
    const count = removed[family];
    return { detail: `redirect${family}: ${count} entries with keys that no redirect has`, count };
  });
  return { drifted, more };
}

export function countDrift(drifted: readonly Drift[]): number {
  return drifted.reduce((sum, { count = 1 }) => sum + count, 0);
}
