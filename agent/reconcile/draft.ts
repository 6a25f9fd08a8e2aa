import type { Code } from '../../protocol/codes.ts';
import type { Intent } from '../../protocol/intent.ts';
import type { Family } from '../../protocol/match.ts';
import { type Shape, shapeText } from '../../protocol/shape.ts';
import { type EntryValue, NO_MAC } from '../model/entry.ts';
import { type EntryKey, entryId } from '../model/entry-key.ts';
import type { State } from '../model/state.ts';
import type { ObservedEntry } from '../ports.ts';
import { type ObservedCache, shapeOfKey } from './observed-cache.ts';
import type { PlanInput } from './plan-input.ts';
import type { Target } from './target.ts';

/** Look-ups that a packet may cost in each family; the same number as SHAPES_MAX of bpf/abi.h. */
export const SHAPES_MAX = 8;

/** How far a deadline that stands may be from the one computed now, in seconds, before it is written again. */
const UNTIL_SLACK = 2n;

/** The value holds 16 bits; a longer frame does not exist. */
const MTU_MAX = 0xffff;

/** What shall become of one key, before the ops that it takes. */
export interface Draft {
  readonly key: string;
  readonly intent?: Intent;
  readonly state: State;
  readonly code?: Code;
  readonly slot: number | null;
  readonly want?: { readonly id: string; readonly key: EntryKey; readonly value: EntryValue };
}

/** Admits new shapes while a family has room; shapes in use keep theirs. */
export class ShapeRoom {
  readonly #admitted: Record<Family, Set<string>> = { 4: new Set(), 6: new Set() };

  constructor(observed: ObservedCache) {
    for (const [text, use] of observed.uses.shapes) this.#admitted[use.shape.family].add(text);
  }

  hasRoom(shape: Shape): boolean {
    const admitted = this.#admitted[shape.family];
    return admitted.size < SHAPES_MAX || admitted.has(shapeText(shape));
  }

  admit(shape: Shape): void {
    this.#admitted[shape.family].add(shapeText(shape));
  }
}

export class SlotRoom {
  taken = 0;
  readonly #slots: PlanInput['slots'];
  readonly #adopted = new Set<number>();

  constructor(slots: PlanInput['slots']) {
    this.#slots = slots;
  }

  /** The slot of the entry that stands there, if nobody else holds it, so that a lost store costs no slots; or a free one. */
  take(seen: ObservedEntry | undefined): number | undefined {
    const standing = seen?.sound === true ? seen.value.slot : undefined;
    if (standing !== undefined && this.#slots.adoptable(standing) && !this.#adopted.has(standing)) {
      this.#adopted.add(standing);
      return standing;
    }
    const slot = this.#slots.free.at(-1 - this.taken);
    if (slot !== undefined) this.taken += 1;
    return slot;
  }
}

export function draft(input: PlanInput, key: string, shapes: ShapeRoom, slots: SlotRoom): Draft {
  const intent = input.desired.get(key);
  const slot = input.states.get(key)?.slot ?? null;
  if (intent === undefined) return { key, state: 'pending', slot };
  const none = (state: State, code?: Code): Draft => ({
    key,
    intent,
    state,
    slot,
    ...(code === undefined ? {} : { code }),
  });
  if (intent.expires !== undefined && intent.expires <= input.clock.nowMs) return none('expired');
  if (intent.confirm !== undefined || intent.idle !== undefined) return none('blocked', 'UNSUPPORTED_OPTION');
  const zone = intent.match.in === undefined ? { zone: 0 } : input.zoneOf(intent.match.in);
  if ('code' in zone) return none('blocked', zone.code);
  const entryKey: EntryKey = { match: intent.match, zone: zone.zone };
  const id = zone.zone === 0 ? key : entryId(entryKey);
  const seen = input.observed.entries.get(id);
  const path = pathOf(input.targetOf(intent), ofRevision(seen, intent.rev));
  if ('code' in path) return none('blocked', path.code);
  const shape = shapeOfKey(entryKey);
  if (!shapes.hasRoom(shape)) return none('blocked', 'SHAPES_FULL');
  const given = slot ?? slots.take(seen);
  if (given === undefined) return none('blocked', 'MAP_FULL');
  shapes.admit(shape);
  const { action, ifindex, mtu, dmac, smac } = path; // spelled out below, for the reason given at intentOf
  const value: EntryValue = {
    rev: shortRev(intent.rev),
    until: untilOf(intent, input.clock, ofRevision(seen, intent.rev)),
    slot: given,
    action,
    ifindex,
    keepTtl: typeof intent.to !== 'string' && intent.to.ttl === 'keep',
    mtu,
    dmac,
    smac,
  };
  return { key, intent, state: 'installed', slot: given, want: { id, key: entryKey, value } };
}

function shortRev(rev: number): number {
  return rev % 2 ** 32;
}

/** The entry that stands, if it was made for this very revision and so for this target. */
function ofRevision(seen: ObservedEntry | undefined, rev: number): EntryValue | undefined {
  return seen?.sound === true && seen.value.rev === shortRev(rev) ? seen.value : undefined;
}

type Path = Pick<EntryValue, 'action' | 'ifindex' | 'mtu' | 'dmac' | 'smac'>;

function pathOf(target: Target, standing: EntryValue | undefined): Path | { readonly code: Code } {
  switch (target.state) {
    case 'local':
      return { action: target.action, ifindex: 0, mtu: 0, dmac: NO_MAC, smac: NO_MAC };
    case 'ready':
      return {
        action: 'send',
        ifindex: target.ifindex,
        mtu: Math.min(target.mtu, MTU_MAX),
        dmac: target.dmac,
        smac: target.smac,
      };
    case 'asking': {
      if (standing?.action !== 'send' || standing.ifindex !== target.ifindex) return { code: 'NO_NEIGHBOUR' };
      const { ifindex, mtu, dmac, smac } = standing;
      return { action: 'send', ifindex, mtu, dmac, smac };
    }
    case 'blocked':
      return { code: target.code };
  }
}

/** A deadline that stands is kept for its own revision only: a new one may be a little earlier. */
function untilOf(intent: Intent, clock: PlanInput['clock'], standing: EntryValue | undefined): bigint {
  if (intent.expires === undefined) return 0n;
  const until = clock.jiffies + (BigInt(intent.expires - clock.nowMs) * BigInt(clock.hz)) / 1000n;
  const stands = standing?.until ?? 0n;
  const apart = stands > until ? stands - until : until - stands;
  return stands !== 0n && apart <= UNTIL_SLACK * BigInt(clock.hz) ? stands : until;
}
