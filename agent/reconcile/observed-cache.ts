import { eachOf, type Parts } from '../../daemon/parts.ts';
import type { Intent } from '../../protocol/intent.ts';
import { keyOf } from '../../protocol/key.ts';
import type { Family, Match } from '../../protocol/match.ts';
import { type Shape, shapeOf, shapeText } from '../../protocol/shape.ts';
import { type EntryValue, sameEntry } from '../model/entry.ts';
import type { EntryKey } from '../model/entry-key.ts';
import type { Observed, ObservedEntry } from '../ports.ts';
import { ObservedEntries } from './observed-entries.ts';

/** The shape that an entry's key carries. */
export function shapeOfKey(key: EntryKey): Shape {
  const shape = shapeOf(key.match);
  return shape.in === (key.zone !== 0) ? shape : { ...shape, in: key.zone !== 0 };
}

/** Whether two lists are live alike; of one that is none nobody knows. */
export function sameShapes(a: readonly Shape[] | undefined, b: readonly Shape[] | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  return a.length === b.length && a.every((shape, i) => shapeText(shape) === shapeText(b[i] as Shape));
}

/** Whether two lists protect the same; of one that is none nobody knows. */
export function sameMatches(a: readonly Match[] | undefined, b: readonly Match[] | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  if (a === b) return true;
  const [one, other] = [new Set(a.map(keyOf)), new Set(b.map(keyOf))];
  return one.size === other.size && one.isSubsetOf(other);
}

/** So many entries are made objects of in one go: a few milliseconds. */
const AT_ONCE = 512;

/** Counts of how many entries rely on each shape and on each egress. */
export class Uses {
  readonly shapes = new Map<string, { readonly shape: Shape; count: number }>();
  readonly ports = new Map<number, number>();

  add(entry: ObservedEntry, by: 1 | -1): void {
    this.#addShape(shapeOfKey(entry.key), by);
    this.#addPort(entry.value, by);
  }

  /** The same entry leads elsewhere, or nowhere. */
  move(before: EntryValue, now: EntryValue): void {
    this.#addPort(before, -1);
    this.#addPort(now, 1);
  }

  copy(): Uses {
    const copy = new Uses();
    for (const [text, use] of this.shapes) copy.shapes.set(text, { ...use });
    for (const [ifindex, count] of this.ports) copy.ports.set(ifindex, count);
    return copy;
  }

  #addShape(shape: Shape, by: 1 | -1): void {
    const text = shapeText(shape);
    const known = this.shapes.get(text);
    if (known === undefined) this.shapes.set(text, { shape, count: by });
    else if (known.count + by === 0) this.shapes.delete(text);
    else known.count += by;
  }

  #addPort({ action, ifindex }: EntryValue, by: 1 | -1): void {
    if (action !== 'send') return;
    const count = (this.ports.get(ifindex) ?? 0) + by;
    if (count === 0) this.ports.delete(ifindex);
    else this.ports.set(ifindex, count);
  }
}

/** What the kernel said last, kept true per pass and read back in full on every drift check. */
export class ObservedCache {
  readonly entries = new ObservedEntries();
  /** The live list of each family; undefined where somebody wrote one that is none. */
  readonly shapes: Record<Family, readonly Shape[] | undefined>;
  /** Whose packets pass guarded entries; undefined where somebody wrote a list that is none. */
  protects: readonly Match[] | undefined;
  readonly uses = new Uses();

  /** The lists alone; `fill` takes the entries. */
  constructor(observed: Pick<Observed, 'shapes' | 'protects'>) {
    this.shapes = { ...observed.shapes };
    this.protects = observed.protects;
  }

  /**
   * Takes all entries, and of those that are desired keeps the texts of their intents. Answers the ids of all others: they may be
   * nobody's, or of one interface. Errors: KernelError.
   */
  *fill(entries: Observed['entries'], desired: ReadonlyMap<string, Intent>): Parts<readonly string[]> {
    const others: string[] = [];
    yield* eachOf(entries, AT_ONCE, ([id, entry]) => {
      const intent = desired.get(id);
      this.set(intent?.key ?? id, entry);
      if (intent === undefined) others.push(id);
      else this.entries.keep(intent.key, intent.match);
    });
    return others;
  }

  /** Takes what stands under one id now, and says whether that is something else than before. */
  look(id: string, entry: ObservedEntry | undefined): boolean {
    const was = this.entries.get(id);
    if ((was ?? entry) === undefined || (was?.sound && entry?.sound && sameEntry(was.value, entry.value))) return false;
    this.set(id, entry);
    return true;
  }

  /** Takes the lists that are live now, and answers the families whose list is not the one that we published. */
  updateShapes(shapes: Observed['shapes']): Family[] {
    const drifted = ([4, 6] as const).filter((family) => !sameShapes(this.shapes[family], shapes[family]));
    for (const family of drifted) this.shapes[family] = shapes[family];
    return drifted;
  }

  /** Takes the protected matches that are live now, and says whether they are not those that we published. */
  updateProtects(protects: Observed['protects']): boolean {
    const drifted = !sameMatches(this.protects, protects);
    if (drifted) this.protects = protects;
    return drifted;
  }

  set(id: string, entry: ObservedEntry | undefined): void {
    const { entries, uses } = this;
    if (entry === undefined) {
      const before = entries.get(id);
      if (before !== undefined) uses.add(before, -1);
      entries.delete(id);
      return;
    }
    const row = entries.rowOf(id);
    if (row === undefined) uses.add(entry, 1);
    else uses.move(entries.lookAt(row).value, entry.value);
    entries.set(id, entry);
  }
}
