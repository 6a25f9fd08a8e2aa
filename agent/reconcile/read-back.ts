import type { Intent } from '../../protocol/intent.ts';
import { type EntryKey, entryId } from '../model/entry-key.ts';
import type { Entries, Observed } from '../ports.ts';
import { type Drift, entryDrift, pinOfKey, strayDrift } from './drift.ts';
import type { ObservedCache } from './observed-cache.ts';
import type { Placements } from './placements.ts';
import type { ZoneAnswer } from './target.ts';

/** The most foreign entries that one pass removes, for the same reason as it takes no more keys. */
const FOREIGN_MAX = 1_000;
/** Of entries looked at, and ids gone through, so many take one pass a few milliseconds. */
const PART_MAX = 2_048;
/** Read-backs in a row for the sake of strays; whoever writes them faster than that is met again at the next one in turn. */
const REPEATS_MAX = 8;

export interface ReadBackParts {
  readonly entries: Pick<Entries, 'look' | 'lookup' | 'sweep'>;
  readonly observed: ObservedCache;
  readonly placed: Placements;
  readonly desired: ReadonlyMap<string, Intent>;
  readonly zoneOf: (ifname: string) => ZoneAnswer;
}

/** What a part of a full read-back found. */
export interface Found {
  readonly drifted: readonly Drift[];
  /** Desired keys whose entries are not what they were. */
  readonly changed: readonly string[];
  /** Room was made in a map. */
  readonly swept: boolean;
  /** It was the last part. */
  readonly isAll: boolean;
  /** There is more to sweep: read back again, now. */
  readonly again: boolean;
}

const NOTHING_YET: Found = { drifted: [], changed: [], swept: false, isAll: false, again: false };

/** Looks at the redirect maps again and says what somebody else changed there, and what of it is to go. */
export class ReadBack {
  readonly #parts: ReadBackParts;
  /** Keys whose entries may stand otherwise than we last saw them. */
  readonly #suspects = new Set<string>();
  /** Ids of entries that nobody desires, and that are still to go. */
  #foreign: string[] = [];
  #repeats = 0;
  /** Once all entries were looked at, the ids of those that are still to be gone through for what is nobody's. */
  #walk: Iterator<string> | undefined;
  /** Keys whose entries were found to be others, and lists. */
  readonly #keys: string[] = [];
  #lists: Drift[] = [];

  constructor(parts: ReadBackParts) {
    this.#parts = parts;
  }

  /** Everything was just looked at: the first read-back has only to find what of these is nobody's. */
  begin(ids: readonly string[]): void {
    this.#begin(this.#parts.observed, ids.values());
  }

  /** True while there are foreign entries to take. */
  get pending(): boolean {
    return this.#foreign.length > 0;
  }

  /** What was seen so far is too old. */
  anew(): void {
    this.#walk = undefined;
    this.#lists = [];
  }

  /** A part of everything; with the last one it is said what was found. Errors: KernelError. */
  some(prune: boolean): Found {
    for (let done = 0; done < PART_MAX; done += this.#look()) {
      if (this.#walk === undefined) continue;
      // What is nobody's is to go only if the set is proven.
      return prune && !this.#findForeign(this.#walk) ? NOTHING_YET : this.#end(prune);
    }
    return NOTHING_YET;
  }

  /** Answers how many entries were looked at. */
  #look(): number {
    const { entries, observed, placed } = this.#parts;
    const part = entries.look();
    for (const [id, entry] of part.changed) if (observed.look(id, entry)) this.#keys.push(placed.keyOf(id));
    if (part.rest !== undefined) this.#begin(part.rest, observed.entries.keys());
    return part.count;
  }

  /** All entries were looked at; these may be nobody's. */
  #begin({ shapes, protects }: Pick<Observed, 'shapes' | 'protects'>, ids: Iterator<string>): void {
    const { observed } = this.#parts;
    this.#lists = observed.updateShapes(shapes).map((family): Drift => ({ pin: 'shapes', detail: `shapes${family}` }));
    if (observed.updateProtects(protects)) this.#lists.push({ pin: 'protect', detail: 'protect' });
    this.#walk = ids;
    this.#foreign = [];
  }

  /** Goes through a part of the ids; true when that was all. */
  #findForeign(ids: Iterator<string>): boolean {
    for (let n = 0; n < PART_MAX; n += 1) {
      const { value, done } = ids.next();
      if (done === true) return true;
      if (this.#isForeign(value)) this.#foreign.push(value);
    }
    return false;
  }

  #end(prune: boolean): Found {
    const { entries, desired } = this.#parts;
    this.#walk = undefined;
    if (!prune) this.#foreign = [];
    const { drifted: swept, more } = prune ? strayDrift(entries.sweep()) : { drifted: [], more: false };
    this.#repeats = more && this.#repeats < REPEATS_MAX ? this.#repeats + 1 : 0;
    const keys = this.#keys.splice(0);
    return {
      drifted: [...entryDrift(keys, (key) => desired.has(key)), ...this.#lists.splice(0), ...swept],
      changed: keys.filter((key) => desired.has(key)),
      swept: swept.length > 0,
      isAll: true,
      again: this.#repeats > 0,
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
    return !this.#parts.desired.has(id) && !this.#parts.placed.owned(id);
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
