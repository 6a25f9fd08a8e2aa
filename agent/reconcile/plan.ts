import type { Family } from '../../protocol/match.ts';
import { compareShapes, type Shape, shapeText } from '../../protocol/shape.ts';
import { type EntryValue, sameEntry } from '../model/entry.ts';
import type { EntryKey } from '../model/entry-key.ts';
import type { Op } from '../model/op.ts';
import type { ObservedEntry } from '../ports.ts';
import type { Decision, Draft } from './decision.ts';
import { draft } from './draft.ts';
import { type ObservedCache, sameMatches, sameShapes, type Uses } from './observed-cache.ts';
import type { PlanInput } from './plan-input.ts';
import { EntryRoom, ShapeRoom, SlotRoom } from './rooms.ts';

export interface Plan {
  readonly ops: readonly Op[];
  readonly decisions: readonly Decision[];
  /** How many of the free slots, from the end, were given out. */
  readonly slotsTaken: number;
}

/**
 * Decides which kernel ops make observed equal desired, in an order in which every prefix is safe: what is protected, a port and a shape
 * before the entry that relies on them, overwrites in place, removal in the reverse order. Pure.
 */
export function plan(input: PlanInput): Plan {
  const shapes = new ShapeRoom(input.observed, input.limits.shapes);
  const slots = new SlotRoom(input.slots);
  const entries = new EntryRoom(input.observed, input.guard.maxRedirects);
  const drafts: Draft[] = [];
  for (const key of input.scope) drafts.push(draft(input, key, { shapes, slots, entries }));
  return assemble(input, drafts, slots.taken);
}

function assemble(input: PlanInput, drafts: readonly Draft[], slotsTaken: number): Plan {
  const writes: { draft: Draft; op: Op; fresh: boolean }[] = [];
  const removals: { draft?: Draft; op: Op }[] = [];
  const after = new UsesAfter(input.observed);
  const wanted = new Set<string>(); // ids that stand or are dealt with
  for (const it of drafts) if (it.leaves !== undefined) wanted.add(input.placed.idOf(it.key));
  for (const it of drafts) {
    if (it.want === undefined) continue;
    wanted.add(it.want.id);
    const seen = input.observed.entries.get(it.want.id);
    if (seen?.sound === true && sameEntry(seen.value, it.want.value)) continue;
    writes.push({ draft: it, op: { op: 'write', ...it.want }, fresh: seen === undefined });
    after.write(it.want, seen);
  }
  const remove = (id: string, seen: ObservedEntry | undefined, it?: Draft): void => {
    if (seen === undefined || wanted.has(id)) return;
    wanted.add(id);
    removals.push({ op: { op: 'delete', id, key: seen.key }, ...(it === undefined ? {} : { draft: it }) });
    after.remove(seen);
  };
  for (const it of drafts) {
    const stood = input.placed.idOf(it.key);
    remove(stood, input.observed.entries.get(stood), it);
  }
  for (const id of input.foreign) remove(id, input.observed.entries.get(id));
  writes.sort((a, b) => Number(a.fresh) - Number(b.fresh));
  return order(input, drafts, writes, removals, after, slotsTaken);
}

/** Who relies on which shape and egress: during the plan (old and new), and once it is done. */
class UsesAfter {
  during: Uses;
  final: Uses;
  /** Whether anything is written or removed: until then they are those of now, and no copies. */
  moves = false;

  constructor({ uses }: ObservedCache) {
    this.during = uses;
    this.final = uses;
  }

  write(want: { readonly key: EntryKey; readonly value: EntryValue }, seen: ObservedEntry | undefined): void {
    this.#move();
    const entry = { key: want.key, value: want.value, sound: true };
    this.during.add(entry, 1);
    this.final.add(entry, 1);
    if (seen !== undefined) this.final.add(seen, -1);
  }

  remove(seen: ObservedEntry): void {
    this.#move();
    this.final.add(seen, -1);
  }

  #move(): void {
    if (this.moves) return;
    this.moves = true;
    this.during = this.during.copy();
    this.final = this.final.copy();
  }
}

function order(
  input: PlanInput,
  drafts: readonly Draft[],
  writes: readonly { draft: Draft; op: Op }[],
  removals: readonly { draft?: Draft; op: Op }[],
  after: UsesAfter,
  slotsTaken: number,
): Plan {
  const ops: Op[] = [];
  const opsOf = new Map<string, number[]>();
  const push = (op: Op, owner?: string): void => {
    if (owner !== undefined) {
      const mine = opsOf.get(owner);
      if (mine === undefined) opsOf.set(owner, [ops.length]);
      else mine.push(ops.length);
    }
    ops.push(op);
  };
  if (!sameMatches(input.protect, input.observed.protects)) push({ op: 'protect', matches: input.protect });
  const ports = portOps(input.ports, after);
  for (const op of ports.first) push(op);
  const live: Record<Family, readonly Shape[] | undefined> = { ...input.observed.shapes };
  const publish = (uses: Uses, grow: boolean): void => {
    for (const family of [4, 6] as const) {
      const stands = live[family];
      const list = shapeList(uses, family, stands ?? [], input.limits.shapes);
      const texts = new Set(stands?.map(shapeText));
      const missing = stands === undefined || list.some((shape) => !texts.has(shapeText(shape)));
      if (grow ? !missing : sameShapes(list, stands)) continue;
      push({ op: 'shapes', family, shapes: list });
      live[family] = list;
    }
  };
  if (after.moves) publish(after.during, true);
  for (const { draft: it, op } of writes) push(op, it.key);
  for (const { draft: it, op } of removals) push(op, it?.key);
  publish(after.final, false);
  for (const op of ports.last) push(op);
  return { ops, slotsTaken, decisions: drafts.map((it) => ({ ...it, ops: opsOf.get(it.key) ?? [] })) };
}

/** What no entry leads to, not even meanwhile, goes first: a devmap that somebody filled has no room for ours. */
function portOps(stand: PlanInput['ports'], { during, final }: UsesAfter): { first: Op[]; last: Op[] } {
  const port = (ifindex: number, present: boolean): Op => ({ op: 'port', ifindex, present });
  const idle = [...stand.keys()].filter((key) => !final.ports.has(key));
  const wanted = [...final.ports.keys()].filter((ifindex) => stand.get(ifindex) !== ifindex);
  return {
    first: [
      ...idle.filter((key) => !during.ports.has(key)).map((key) => port(key, false)),
      ...wanted.map((ifindex) => port(ifindex, true)),
    ],
    last: idle.filter((key) => during.ports.has(key)).map((key) => port(key, false)),
  };
}

/** What a family's entries rely on, most specific first. Foreign entries may rely on more than there is room for. */
function shapeList(uses: Uses, family: Family, live: readonly Shape[], most: number): Shape[] {
  const used = [...uses.shapes.values()].map((use) => use.shape).filter((shape) => shape.family === family);
  if (used.length <= most) return used.sort(compareShapes);
  const texts = new Set(live.map(shapeText));
  used.sort((a, b) => Number(texts.has(shapeText(b))) - Number(texts.has(shapeText(a))));
  return used.slice(0, most).sort(compareShapes);
}
