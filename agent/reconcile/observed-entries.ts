import type { Match } from '../../protocol/match.ts';
import type { EntryValue } from '../model/entry.ts';
import { matchOfId } from '../model/entry-key.ts';
import type { ObservedEntry } from '../ports.ts';
import { Commons } from './commons.ts';
import { PackedMap, widened } from './packed-map.ts';

/** Of an entry what many others say, too: most lead to few places. */
interface Common extends Omit<EntryValue, 'rev' | 'slot' | 'until'> {
  readonly zone: number;
  readonly sound: boolean;
}

/** Entries by id, a hundred thousand without an object each. */
export class ObservedEntries extends PackedMap<ObservedEntry> {
  #revs = new Uint32Array();
  #slots = new Uint32Array();
  /** By row the number of what it has in common, and one; 0: none. */
  #kinds = new Uint32Array();
  readonly #commons = new Commons(sameCommon, textOf);
  /** Of the few that end, by row. */
  readonly #untils = new Map<number, bigint>();
  /** By row the match of the intent that stands there; all others are read out of their ids when they are asked for. */
  readonly #matches: (Omit<Match, 'in'> | undefined)[] = [];

  /** An intent's entry stands there, under the very text of its key. */
  keep(id: string, match: Omit<Match, 'in'>): void {
    const row = this.rowOf(id);
    if (row !== undefined) this.#matches[row] = match;
  }

  /** Keeps the texts of the intent whose entry stands there, and no copies of them. */
  share(id: string, match: Omit<Match, 'in'>): void {
    const row = this.rowOf(id);
    if (row !== undefined) this.shareAt(row, id, match);
  }

  /** The same, of the row of that id. */
  shareAt(row: number, id: string, match: Omit<Match, 'in'>): void {
    if (this.#matches[row] === match) return;
    this.exchange(id, row);
    this.#matches[row] = match;
  }

  /** The slot that a sound entry counts into. */
  soundSlotOf(id: string): number | undefined {
    const row = this.rowOf(id);
    return row !== undefined && this.#commonAt(row).sound ? this.#slots[row] : undefined;
  }

  /** The revision that a sound entry says. */
  soundRevOf(id: string): number | undefined {
    const row = this.rowOf(id);
    return row !== undefined && this.#commonAt(row).sound ? this.#revs[row] : undefined;
  }

  /** The slot of each, sound or not. */
  *slots(): Iterable<number> {
    for (const row of this.rows()) yield this.#slots[row] ?? 0;
  }

  /** What stands there, without its key. */
  lookAt(row: number): Pick<ObservedEntry, 'value' | 'sound'> {
    const { sound, action, ifindex, keepTtl, mtu, dmac, smac, guarded } = this.#commonAt(row);
    const [rev, slot, until] = [this.#revs[row] ?? 0, this.#slots[row] ?? 0, this.#untilOf(row)];
    const value = { rev, until, slot, action, ifindex, keepTtl, mtu, dmac, smac };
    return { value: guarded === true ? { ...value, guarded } : value, sound };
  }

  protected read(row: number, id: string): ObservedEntry {
    const { value, sound } = this.lookAt(row);
    const match = this.#matches[row] ?? matchOfId(id);
    return { key: { match, zone: this.#commonAt(row).zone }, value, sound };
  }

  protected write(row: number, entry: ObservedEntry): void {
    const number = this.#commons.take(commonOf(entry));
    this.#leave(row);
    this.#kinds[row] = number + 1;
    this.#revs[row] = entry.value.rev;
    this.#slots[row] = entry.value.slot;
    if (entry.value.until !== 0n) this.#untils.set(row, entry.value.until);
    else if (this.#untils.size > 0) this.#untils.delete(row);
  }

  protected clear(row: number): void {
    this.#leave(row);
    this.#untils.delete(row);
    this.#matches[row] = undefined;
  }

  protected widen(rows: number): void {
    this.#revs = widened(this.#revs, rows);
    this.#slots = widened(this.#slots, rows);
    this.#kinds = widened(this.#kinds, rows);
  }

  #untilOf(row: number): bigint {
    return this.#untils.size === 0 ? 0n : (this.#untils.get(row) ?? 0n);
  }

  #commonAt(row: number): Common {
    return this.#commons.at((this.#kinds[row] ?? 0) - 1);
  }

  #leave(row: number): void {
    const kind = this.#kinds[row] ?? 0;
    if (kind !== 0) this.#commons.leave(kind - 1);
    this.#kinds[row] = 0;
  }
}

function commonOf({ key, value, sound }: ObservedEntry): Common {
  const { action, ifindex, keepTtl, mtu, dmac, smac, guarded } = value;
  const common = { zone: key.zone, sound, action, ifindex, keepTtl, mtu, dmac, smac };
  return guarded === true ? { ...common, guarded } : common;
}

function sameCommon(a: Common, b: Common): boolean {
  const leadsAlike = a.ifindex === b.ifindex && a.mtu === b.mtu && a.dmac === b.dmac && a.smac === b.smac;
  const actsAlike = a.action === b.action && a.keepTtl === b.keepTtl && a.guarded === b.guarded;
  return leadsAlike && actsAlike && a.zone === b.zone && a.sound === b.sound;
}

function textOf({ zone, sound, action, ifindex, keepTtl, mtu, dmac, smac, guarded }: Common): string {
  return `${zone} ${sound} ${action} ${ifindex} ${keepTtl} ${mtu} ${dmac} ${smac} ${guarded}`;
}
