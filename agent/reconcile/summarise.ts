import type { Cursor } from '../../protocol/cursor.ts';
import { guardStatus } from '../../protocol/guard.ts';
import type { Labels } from '../../protocol/host.ts';
import type { Intent } from '../../protocol/intent.ts';
import { bytesOf } from '../../protocol/json.ts';
import { type BrakeStatus, type IdleStatus, MAX_IDLE } from '../../protocol/own-decisions.ts';
import { type InterfaceStatus, MAX_PASSED, MAX_UNDELIVERED } from '../../protocol/packets.ts';
import type { Rates } from '../../protocol/rates.ts';
import type { RefusedStatus } from '../../protocol/refused-status.ts';
import {
  CLOCK_SHOWN_MS,
  type Counts,
  type Exception,
  type HostProblem,
  MAX_EXCEPTIONS,
  MAX_HOST_PROBLEMS,
  type Status,
} from '../../protocol/status.ts';
import type { Footing } from '../model/footing.ts';
import type { Guarded } from '../model/guard.ts';
import type { Network } from '../model/network.ts';
import type { EntryState } from '../model/state.ts';
import type { Limits } from '../ports.ts';
import { someOf, type Undelivered } from './delivery.ts';
import { apart } from './entry-states.ts';
import type { Ingress } from './ingresses.ts';
import type { Passed } from './passing.ts';

/** Who the agent is; fixed for its life. */
export interface Identity {
  readonly host: string;
  /** Random, made at start. */
  readonly boot: string;
  /** The agent's version. */
  readonly agent: string;
  /** What it understands beyond version 1 of the protocol. */
  readonly can: readonly string[];
  readonly labels: Labels;
  /** Netdevs that ought to carry the program. */
  readonly interfaces: readonly string[];
}

/** What the reconciler knows at one moment. */
export interface Progress {
  readonly cursor: Cursor;
  readonly applied: number;
  readonly verified: number;
  readonly desired: ReadonlyMap<string, Intent>;
  readonly states: ReadonlyMap<string, EntryState>;
  readonly deleteAbsent: bigint;
  /** What somebody else changed in the maps and was put right, since the start. */
  readonly drifted: bigint;
  /** What is wrong with the maps as a whole. */
  readonly mapProblems: readonly HostProblem[];
  readonly slotsUsed: number;
  readonly limits: Limits;
  readonly shapes: number;
  readonly network: Network;
  readonly ingresses: readonly Ingress[];
  /** Since when packets pass the program by, at one interface or at all, in epoch milliseconds. */
  readonly unattachedSinceMs: number | undefined;
  readonly bypass: boolean;
  /** What redirects may do here; undefined where nobody says it. */
  readonly guarded: Guarded | undefined;
  /** What died after its verdict; null when nothing is known to, and not all is watched. */
  readonly undelivered: readonly Undelivered[] | null;
  /** How far the wall clock is ahead of the controller's; undefined while that is not known. */
  readonly clockAheadMs: number | undefined;
  /** The mark up to which changes are permitted, as it is stored. */
  readonly permit: number;
  /** What the brake withholds; undefined where nothing. */
  readonly brake: BrakeStatus | undefined;
  /** Changes that wait to be confirmed; `deleted`: how many deletes were taken back, which are told among the desired. */
  readonly awaited: Pick<Status, 'unconfirmed' | 'unconfirmedTotal' | 'unarmed' | 'confirmed'> & {
    readonly deleted: number;
  };
  /** Hits that were passed, the most first. */
  readonly passed: readonly Passed[];
}

/** What intake knows at the same moment. */
export interface Taken {
  readonly footing: Pick<Footing, 'digest'>;
  readonly refused: RefusedStatus;
  /** The gravest first. */
  readonly problems: readonly HostProblem[];
}

/** Stands for the name of a key that is no longer desired and could not be removed. */
const NO_NAME = 'removed';

/** When a status is told (ms since 1970), which one it is since the agent's start and whether the last, and its most bytes. */
export interface Moment {
  readonly nowMs: number;
  readonly seq: number;
  readonly ended?: boolean;
  /** What packets did since the last one that had it. */
  readonly rates?: Rates | undefined;
  readonly maxBytes: number;
}

/**
 * Writes the status of a host. Pure; never overstates: applied and verified are capped by what is stored. Of rates, idle
 * redirects, exceptions, passed hits, undelivered packets and interfaces it lists as many as fit.
 */
export function summarise(who: Identity, progress: Progress, taken: Taken, moment: Moment): Status {
  return shorten(describe(who, progress, taken, moment), moment.maxBytes);
}

function shorten(status: Status, maxBytes: number): Status {
  if (bytesOf(status) <= maxBytes) return status;
  const less = cut(status);
  return less === undefined ? status : shorten(less, maxBytes);
}

/** Half of the list that can be missed most goes; undefined when there is none left. */
function cut(status: Status): Status | undefined {
  const { rates, ...rest } = status;
  if (rates !== undefined) return rates.busiest.length > 0 ? { ...rest, rates: fewer(rates) } : rest;
  const { idle, exceptions, passed, undelivered, interfaces, guard, unconfirmed } = status;
  if (idle?.length) return { ...status, idle: half(idle) };
  if (unconfirmed?.length) return { ...status, unconfirmed: half(unconfirmed) };
  if (exceptions.length > 0) return { ...status, exceptions: half(exceptions) };
  if (passed?.length) return { ...status, passed: half(passed) };
  if (undelivered?.length) return { ...status, undelivered: half(undelivered) };
  if (guard !== null) return { ...status, guard: null };
  if (interfaces.length > 0) return { ...status, interfaces: half(worstFirst(interfaces)) };
  return undefined;
}

/** The quieter half of the redirects that are listed is counted among the others. */
function fewer(rates: Rates): Rates {
  const busiest = half(rates.busiest);
  const others = { redirects: 0, packets: 0, bytes: 0, ...rates.others };
  for (const { packets, bytes } of rates.busiest.slice(busiest.length)) {
    others.redirects += 1;
    others.packets += packets;
    others.bytes += bytes;
  }
  return { ...rates, busiest, others };
}

/** Those that packets pass by at first. */
function worstFirst(interfaces: readonly InterfaceStatus[]): readonly InterfaceStatus[] {
  return [...interfaces].sort((a, b) => Number(a.attached) - Number(b.attached));
}

function half<Item>(items: readonly Item[]): readonly Item[] {
  return items.slice(0, items.length >> 1);
}

function describe(who: Identity, progress: Progress, taken: Taken, { nowMs, seq, ended, rates }: Moment): Status {
  const { counts, exceptions, exceptionsTotal } = tally(progress);
  const { guarded } = progress;
  return {
    v: 1,
    ...{ host: who.host, boot: who.boot, agent: who.agent, at: nowMs, seq, can: who.can },
    epoch: progress.cursor.epoch,
    stored: progress.cursor.rev,
    applied: Math.min(progress.applied, progress.cursor.rev),
    verified: Math.min(progress.verified, progress.applied, progress.cursor.rev),
    digest: taken.footing.digest,
    counts,
    deleteAbsent: progress.deleteAbsent.toString(),
    exceptions,
    exceptionsTotal,
    capacity: {
      used: progress.slotsUsed,
      max: progress.limits.slots,
      shapes: progress.shapes,
      shapesMax: progress.limits.shapes,
    },
    interfaces: interfacesOf(progress),
    ...(progress.network.program !== undefined && { program: progress.network.program }),
    labels: who.labels,
    guard: guarded === undefined ? null : guardStatus(guarded.guard, guarded),
    refused: taken.refused,
    ...problemsOf(progress, taken),
    ...(progress.bypass ? { bypass: true } : {}),
    ...undeliveredOf(progress),
    ...clockOf(progress),
    ...(progress.drifted === 0n ? {} : { drifted: progress.drifted.toString() }),
    ...passedOf(progress),
    ...idleOf(progress, counts.idle),
    ...(progress.permit > 0 && { permit: progress.permit }),
    ...(progress.brake !== undefined && { brake: progress.brake }),
    ...awaitedOf(progress),
    ...(rates === undefined ? {} : { rates }),
    ...(ended ? { ended: true } : {}),
  };
}

/** What packets do not meet, or not for long, stands before whatever is wrong with desired state, as in the order of codes. */
function problemsOf(
  { unattachedSinceMs: since, mapProblems }: Progress,
  taken: Taken,
): Pick<Status, 'problem' | 'problems'> {
  const unattached = since === undefined ? [] : [{ code: 'NOT_ATTACHED', since }];
  const problems = [...unattached, ...mapProblems, ...taken.problems].slice(0, MAX_HOST_PROBLEMS);
  const [first] = problems;
  return first === undefined ? {} : { problem: first.code, problems };
}

function clockOf({ clockAheadMs = 0 }: Progress): Pick<Status, 'clockAhead'> {
  return Math.abs(clockAheadMs) < CLOCK_SHOWN_MS ? {} : { clockAhead: clockAheadMs };
}

function undeliveredOf({ undelivered }: Progress): Pick<Status, 'undelivered'> {
  if (undelivered?.length === 0) return {};
  const listed = undelivered?.slice(0, MAX_UNDELIVERED).map(({ ifindex, errno, packets, sinceMs, intents, ...of }) => ({
    ...{ interface: of.interface, ifindex },
    ...(errno !== undefined && { errno }),
    ...{ packets: packets.toString(), since: sinceMs },
    redirects: someOf(intents).map((intent) => intent.name),
    redirectsTotal: intents.length,
  }));
  return { undelivered: listed ?? null };
}

/** A line for each redirect, whatever the reasons. */
function passedOf({ passed }: Progress): Pick<Status, 'passed' | 'passedTotal'> {
  const byName = Map.groupBy(passed, ({ intent }) => intent.name);
  if (byName.size === 0) return {};
  const listed = Array.from(byName.entries().take(MAX_PASSED), ([name, all]) => ({
    name,
    reasons: Object.fromEntries(all.map(({ reason, packets }) => [reason, packets.toString()])),
    since: Math.min(...all.map(({ sinceMs }) => sinceMs)),
  }));
  return { passed: listed, passedTotal: byName.size };
}

/** `total`: how many there are. None is looked for where there is none: a status is told often. */
function idleOf({ states, desired }: Progress, total: number): Pick<Status, 'idle'> {
  if (total === 0) return {};
  const idle: IdleStatus[] = [];
  for (const { key, rev, state } of apart(states).others) {
    if (state !== 'idle') continue;
    const name = desired.get(key)?.name;
    if (name !== undefined && idle.push({ name, rev }) === MAX_IDLE) break;
  }
  return idle.length === 0 ? {} : { idle };
}

function awaitedOf({ awaited: { deleted: _, ...said } }: Progress): typeof said {
  return said;
}

function tally(progress: Progress): { counts: Counts; exceptions: Exception[]; exceptionsTotal: number } {
  const { plain, others } = apart(progress.states);
  const counts = {
    desired: progress.desired.size - progress.awaited.deleted,
    installed: plain,
    idle: 0,
    expired: 0,
    blocked: 0,
    denied: 0,
    failed: 0,
  };
  const exceptions: Exception[] = [];
  let exceptionsTotal = 0;
  for (const at of others) {
    const { key } = at;
    if (at.state !== 'pending') counts[at.state] += 1;
    if (at.state !== 'blocked' && at.state !== 'denied' && at.state !== 'failed') continue;
    exceptionsTotal += 1;
    if (exceptions.length >= MAX_EXCEPTIONS) continue;
    exceptions.push({
      key,
      name: progress.desired.get(key)?.name ?? NO_NAME,
      rev: at.rev,
      state: at.state,
      code: at.code ?? 'INTERNAL',
      ...(at.errno === undefined ? {} : { errno: at.errno }),
      ...(at.retryAtMs === undefined ? {} : { retryAt: at.retryAtMs }),
    });
  }
  return { counts, exceptions, exceptionsTotal };
}

function interfacesOf({ ingresses }: Progress): InterfaceStatus[] {
  return ingresses.map(({ lost, ...one }) => ({
    ...one,
    attached: lost === undefined,
    ...(lost !== undefined && { reason: lost }),
  }));
}
