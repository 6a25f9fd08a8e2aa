import type { Intent } from '../../protocol/intent.ts';
import { type EntryValue, NO_MAC } from '../model/entry.ts';
import type { EntryState } from '../model/state.ts';
import type { ObservedEntry } from '../ports.ts';
import type { Fights } from './fights.ts';
import type { Idle } from './idle.ts';
import type { Ledger } from './ledger.ts';
import type { ObservedCache } from './observed-cache.ts';
import type { PlanInput } from './plan-input.ts';
import type { Slots } from './slots.ts';
import type { Target } from './target.ts';

type Seen = Pick<ObservedEntry, 'sound' | 'value'>;

/**
 * Whether a short look says that all is as it is wanted: a plan would come to the same state, and to no op for it. False says nothing.
 * It makes little, for at a start this is asked of all there are. Pure.
 */
export function isAsWanted(intent: Intent, state: EntryState, { sound, value }: Seen, input: PlanInput): boolean {
  if (!sound || value.slot !== state.slot || !isOf(state, intent) || !isPlain(intent, input)) return false;
  return says(value, intent, input) && isAllowed(intent, value, input);
}

/** Nothing is to become of it, and nothing is remembered that would have to go. */
function isOf(state: EntryState, { rev, idle }: Intent): boolean {
  const { code, errno, retryAtMs, counted, installedAtMs, armed } = state;
  const isClean = code === undefined && errno === undefined && retryAtMs === undefined && counted === undefined;
  const since = installedAtMs !== undefined && (armed === undefined) === (idle === undefined);
  return state.state === 'installed' && state.rev === rev && isClean && since;
}

/** It stands under its own key, for as long as it is wanted. */
function isPlain(intent: Intent, { placed, withheld, awaiting }: PlanInput): boolean {
  const { key, match, expires } = intent;
  if (match.in !== undefined || expires !== undefined || placed.idOf(key) !== key) return false;
  return withheld?.get(key) === undefined && !awaiting.isUnarmed(intent) && awaiting.leftMs(intent) === undefined;
}

/** The guard of the host allows it, and what overlaps the protected set is marked in its entry. */
function isAllowed(intent: Intent, { guarded }: EntryValue, { guard, observed, targets }: PlanInput): boolean {
  if (!targets.reaches(undefined) || observed.entries.size > guard.maxRedirects) return false;
  return guard.of(intent).is === (guarded === true ? 'overlaps' : 'allowed');
}

function says(value: EntryValue, intent: Intent, { targets, limits }: PlanInput): boolean {
  const keepTtl = typeof intent.to !== 'string' && intent.to.ttl === 'keep';
  if (value.rev !== intent.rev % 2 ** 32 || value.until !== 0n || value.keepTtl !== keepTtl) return false;
  return leadsTo(value, targets.of(intent), limits.mtu);
}

function leadsTo({ action, ifindex, mtu, dmac, smac }: EntryValue, target: Target, mtuMax: number): boolean {
  if (target.state === 'local')
    return action === target.action && ifindex === 0 && mtu === 0 && dmac === NO_MAC && smac === NO_MAC;
  if (target.state !== 'ready' || action !== 'send' || ifindex !== target.ifindex) return false;
  return mtu === Math.min(target.mtu, mtuMax) && dmac === target.dmac && smac === target.smac;
}

export interface AsWantedParts {
  readonly ledger: Ledger;
  readonly slots: Pick<Slots, 'holderOf'>;
  readonly fights: Pick<Fights, 'fought'>;
  readonly idle: Pick<Idle, 'isGivenUp'>;
  readonly observed: ObservedCache;
}

/** Those of the keys on which there is something to decide; of all others, who follows them is told that they stand. */
export function notAsWanted(input: PlanInput, keys: readonly string[], parts: AsWantedParts): readonly string[] {
  return keys.filter((key) => !passOver(input, key, parts));
}

function passOver(input: PlanInput, key: string, { ledger, slots, fights, idle, observed }: AsWantedParts): boolean {
  const { entries } = observed;
  const intent = input.desired.get(key);
  const state = input.states.get(key);
  const row = entries.rowOf(key);
  if (intent === undefined || state === undefined || state.slot === null || row === undefined) return false;
  if (!isAsWanted(intent, state, entries.lookAt(row), input)) return false;
  if (slots.holderOf(state.slot) !== key || idle.isGivenUp(key) || fights.fought(key)) return false;
  entries.shareAt(row, intent.key, intent.match);
  ledger.settled({ key, intent, state: 'installed', slot: state.slot, ops: [] }, state);
  return true;
}
