import type { Intent } from '../../protocol/intent.ts';
import { type EntryKey, entryId } from '../model/entry-key.ts';
import type { Entries } from '../ports.ts';
import { type Drift, entryDrift, pinOfKey, strayDrift } from './drift.ts';
import type { ObservedCache } from './observed-cache.ts';
import type { Placements } from './placements.ts';
import type { ZoneAnswer } from './target.ts';

/** The most foreign entries that one pass removes, for the same reason as it takes no more keys. */
const FOREIGN_MAX = 1_000;
/** Read-backs in a row for the sake of strays; whoever writes them faster than that is met again at the next one in turn. */
const REPEATS_MAX = 8;

export interface ReadBackParts {
  readonly entries: Pick<Entries, 'observe' | 'lookup' | 'sweep'>;
  readonly observed: ObservedCache;
  readonly placed: Placements;
  readonly desired: ReadonlyMap<string, Intent>;
  readonly zoneOf: (ifname: string) => ZoneAnswer;
}

/** What a full read-back found. */
export interface Found {
  readonly drifted: readonly Drift[];
  /** Desired keys whose entries are not what they were. */
  readonly changed: readonly string[];
  /** Room was made in a map. */
  readonly swept: boolean;
  /** There is more to sweep: read back again, now. */
  readonly more: boolean;
}

/** Looks at the redirect maps again and says what somebody else changed there, and what of it is to go. */
export class ReadBack {
  readonly #parts: ReadBackParts;
  /** Keys whose entries may stand otherwise than we last saw them. */
  readonly #suspects = new Set<string>();
  /** Ids of entries that nobody desires, and that are still to go. */
  #foreign: string[] = [];
  #repeats = 0;

  constructor(parts: ReadBackParts) {
    this.#parts = parts;
  }

  /** True while there are foreign entries to take. */
  get pending(): boolean {
    return this.#foreign.length > 0;
  }

  /** Everything. What is nobody's is to go only if `prune` says that the set is proven. Errors: KernelError. */
  all(prune: boolean): Found {
    const { entries, observed, placed, desired } = this.#parts;
    const now = entries.observe();
    const keys = observed.update(now).map((id) => placed.keyOf(id));
    const lists = observed.updateShapes(now.shapes);
    const protects: Drift[] = observed.updateProtects(now.protects) ? [{ pin: 'protect', detail: 'protect' }] : [];
    this.#foreign = prune ? [...observed.entries.keys()].filter((id) => this.#isForeign(id)) : [];
    const swept = prune ? strayDrift(entries.sweep()) : { drifted: [], more: false };
    this.#repeats = swept.more && this.#repeats < REPEATS_MAX ? this.#repeats + 1 : 0;
    return {
      drifted: [
        ...entryDrift(keys, (key) => desired.has(key)),
        ...lists.map((family): Drift => ({ pin: 'shapes', detail: `shapes${family}` })),
        ...protects,
        ...swept.drifted,
      ],
      changed: keys.filter((key) => desired.has(key)),
      swept: swept.drifted.length > 0,
      more: this.#repeats > 0,
    };
  }

  suspect(keys: readonly string[]): void {
    for (const key of keys) this.#suspects.add(key);
  }

  /** The entries of those keys that are under suspicion. Errors: KernelError. */
  look(scope: readonly string[]): Drift[] {
    const { entries, observed } = this.#parts;
    const places = scope
      .filter((key) => this.#suspects.delete(key))
      .flatMap((key) => {
        const at = this.#entryKeyOf(key);
        return at === undefined ? [] : [{ key, at, id: entryId(at) }];
      });
    if (places.length === 0) return [];
    const seen = entries.lookup(places.map(({ at }) => at));
    return places.filter(({ id }) => observed.look(id, seen.get(id))).map(({ key }) => ({ pin: pinOfKey(key), key }));
  }

  /** Takes a part of the foreign entries that the last read-back found. */
  takeForeign(prune: boolean): string[] {
    if (!prune) this.#foreign = [];
    return this.#foreign.splice(0, FOREIGN_MAX).filter((id) => this.#isForeign(id));
  }

  #isForeign(id: string): boolean {
    return !this.#parts.placed.owned(id) && !this.#parts.desired.has(id);
  }

  /** Where the entry of a key stands, or would stand. */
  #entryKeyOf(key: string): EntryKey | undefined {
    const { observed, placed, desired, zoneOf } = this.#parts;
    const seen = observed.entries.get(placed.idOf(key));
    const match = desired.get(key)?.match;
    if (seen !== undefined || match === undefined) return seen?.key;
    const zone = match.in === undefined ? { zone: 0 } : zoneOf(match.in);
    return 'zone' in zone ? { match, zone: zone.zone } : undefined;
  }
}
