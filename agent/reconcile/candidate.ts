import type { Code } from '../../protocol/codes.ts';
import type { Judgement } from '../../protocol/guard.ts';
import type { Intent } from '../../protocol/intent.ts';
import type { Shape } from '../../protocol/shape.ts';
import { type EntryValue, NO_MAC } from '../model/entry.ts';
import { type EntryKey, entryId } from '../model/entry-key.ts';
import type { ObservedEntry } from '../ports.ts';
import { shapeOfKey } from './observed-cache.ts';
import type { PlanInput } from './plan-input.ts';
import type { Target } from './target.ts';

/** How far a deadline that stands may be from the one computed now, in seconds, before it is written again. */
const UNTIL_SLACK = 2n;

type Path = Pick<EntryValue, 'action' | 'ifindex' | 'mtu' | 'dmac' | 'smac'>;

/** An intent whose entry may come to stand, with what the reasons against it look at: each is worked out when asked for. */
export class Candidate {
  readonly intent: Intent;
  readonly input: PlanInput;
  #place: { readonly id: string; readonly key: EntryKey } | { readonly code: Code } | undefined;
  #path: Path | { readonly code: Code } | undefined;
  #judgement: Judgement | undefined;

  constructor(intent: Intent, input: PlanInput) {
    this.intent = intent;
    this.input = input;
  }

  /** The key and id of the entry, or why its interface has no zone. */
  get place(): { readonly id: string; readonly key: EntryKey } | { readonly code: Code } {
    this.#place ??= this.#findPlace();
    return this.#place;
  }

  /** Where its packets go, or why they cannot. */
  get path(): Path | { readonly code: Code } {
    this.#path ??= pathOf(this.input.targets.of(this.intent), this.#standing, this.input.limits.mtu);
    return this.#path;
  }

  /** What the guard of the host says of it. */
  get judgement(): Judgement {
    this.#judgement ??= this.input.guard.of(this.intent);
    return this.#judgement;
  }

  /** Undefined without a place. */
  get shape(): Shape | undefined {
    return 'code' in this.place ? undefined : shapeOfKey(this.place.key);
  }

  /** What stands in its place now. */
  get seen(): ObservedEntry | undefined {
    return 'code' in this.place ? undefined : this.input.observed.entries.get(this.place.id);
  }

  /** The entry that shall stand, counted in a slot. */
  value(path: Path, slot: number): EntryValue {
    const { intent, input } = this;
    return {
      rev: shortRev(intent.rev),
      until: untilOf(intent, input, this.#standing),
      slot,
      // Spelled out: a hundred thousand of these stay, and what a spread makes is larger.
      action: path.action,
      ifindex: path.ifindex,
      keepTtl: typeof intent.to !== 'string' && intent.to.ttl === 'keep',
      mtu: path.mtu,
      dmac: path.dmac,
      smac: path.smac,
      ...(this.#isGuarded && { guarded: true as const }),
    };
  }

  /** Protected packets meet it. */
  get #isGuarded(): boolean {
    return this.judgement.is === 'overlaps';
  }

  /** The entry that stands, if it was made for this very revision and so for this target. */
  get #standing(): EntryValue | undefined {
    const { seen } = this;
    return seen?.sound === true && seen.value.rev === shortRev(this.intent.rev) ? seen.value : undefined;
  }

  /** Where the entry stands for an interface that is gone: no packet meets it there, and the interface may come back. */
  get #idlePlace(): { readonly id: string; readonly key: EntryKey } | undefined {
    const id = this.input.placed.idOf(this.intent.key);
    const key = this.input.observed.entries.get(id)?.key;
    return key !== undefined && this.input.targets.idleZones.includes(key.zone) ? { id, key } : undefined;
  }

  #findPlace(): { readonly id: string; readonly key: EntryKey } | { readonly code: Code } {
    const { key, match } = this.intent;
    const zone = match.in === undefined ? { zone: 0 } : this.input.targets.zoneOf(match.in);
    if ('code' in zone) return this.#idlePlace ?? zone;
    const entryKey = { match, zone: zone.zone };
    return { id: zone.zone === 0 ? key : entryId(entryKey), key: entryKey };
  }
}

/** As much of a revision as an entry says. */
export function shortRev(rev: number): number {
  return rev % 2 ** 32;
}

function pathOf(target: Target, standing: EntryValue | undefined, mtuMax: number): Path | { readonly code: Code } {
  switch (target.state) {
    case 'local':
      return { action: target.action, ifindex: 0, mtu: 0, dmac: NO_MAC, smac: NO_MAC };
    case 'ready': {
      const { ifindex, mtu, dmac, smac } = target;
      return { action: 'send', ifindex, mtu: Math.min(mtu, mtuMax), dmac, smac };
    }
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
function untilOf(intent: Intent, { clock, awaiting }: PlanInput, standing: EntryValue | undefined): bigint {
  const { expires = Number.POSITIVE_INFINITY } = intent;
  const leftMs = Math.min(expires - clock.nowMs, awaiting.leftMs(intent) ?? Number.POSITIVE_INFINITY);
  if (leftMs === Number.POSITIVE_INFINITY) return 0n;
  const until = clock.jiffies + (BigInt(Math.ceil(leftMs)) * BigInt(clock.hz)) / 1000n;
  const stands = standing?.until ?? 0n;
  const apart = stands > until ? stands - until : until - stands;
  return stands !== 0n && apart <= UNTIL_SLACK * BigInt(clock.hz) ? stands : until;
}
