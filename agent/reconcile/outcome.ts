import type { Code } from '../../protocol/codes.ts';
import type { Counter } from '../model/counter.ts';
import { sameEntry } from '../model/entry.ts';
import type { OpResult } from '../model/op.ts';
import { type EntryState, standsOn } from '../model/state.ts';
import type { ObservedEntry } from '../ports.ts';
import { backoffMs, classify } from './backoff.ts';
import type { Decision } from './decision.ts';
import { cameSince } from './idle.ts';

export interface OutcomeInput {
  readonly decision: Decision;
  readonly results: readonly OpResult[];
  readonly before: EntryState | undefined;
  /** What the kernel says stands under the decision's id now. */
  readonly seen: ObservedEntry | undefined;
  readonly tries: number;
  /** Somebody else undoes again and again what is written for this key. */
  readonly fought: boolean;
  /** The counts of an entry that is gone, once no CPU can count into it any more. */
  readonly last?: Counter | undefined;
  /** It was found idle just before, and is only if nobody came since. */
  readonly givenUp: boolean;
  readonly jiffies: bigint;
  /** How many keys are to be tried again. */
  readonly crowd: number;
  readonly nowMs: number;
  readonly random: number;
}

/** Says where a desired key stands after its ops: what the kernel says counts, not what we asked for. Pure. */
export function stateAfter(input: OutcomeInput): EntryState {
  const { decision, results } = input;
  const failed = results.find((result) => !result.done);
  if (failed?.done === false) return failure(input, failed.errno);
  if (decision.want !== undefined) {
    const stands = input.seen?.sound === true && sameEntry(input.seen.value, decision.want.value);
    if (!stands) return failure(input, undefined);
    // It stands now, and will not for long: that is looked at when everything is.
    if (input.fought) return settle(input, { ...standing(input), state: 'failed', code: 'FOREIGN_WRITER' });
  }
  if (input.givenUp && cameSince(input.before?.counted, input.last)) return settle(input, { state: 'pending' });
  return settle(input, {
    state: decision.state,
    ...(decision.code === undefined ? {} : { code: decision.code }),
    ...(decision.state === 'installed' || standsOn(decision) ? standing(input) : {}),
    ...(decision.state === 'idle' || decision.slot === null ? counted(input) : {}),
  });
}

/** Silence counts from when a revision came to stand; of what stands on under the brake it does not count, nor for what comes after it. */
function standing(input: OutcomeInput): Pick<EntryState, 'installedAtMs' | 'armed'> {
  const { decision, before, jiffies } = input;
  const installedAtMs = installedAt(input);
  if (decision.intent?.idle === undefined || standsOn(decision)) return { installedAtMs };
  const stood = hasStood(before) && before.rev === decision.intent.rev;
  return { installedAtMs, armed: (stood ? before.armed : undefined) ?? Number(jiffies) };
}

function counted({ before, last }: OutcomeInput): Pick<EntryState, 'counted'> {
  const counter = last ?? before?.counted;
  return counter === undefined ? {} : { counted: counter };
}

function installedAt({ before, nowMs }: OutcomeInput): number {
  return hasStood(before) ? (before.installedAtMs ?? nowMs) : nowMs;
}

/** What is fought over stands again after each repair: that is no new beginning. */
function hasStood(before: EntryState | undefined): before is EntryState {
  return before !== undefined && (before.state === 'installed' || before.code === 'FOREIGN_WRITER' || standsOn(before));
}

/** Without an errno the kernel took the write, and something else stands there: somebody fights us. */
function failure(input: OutcomeInput, errno: string | undefined): EntryState {
  const kind = errno === undefined ? 'retry' : classify(errno);
  const undone = input.fought ? 'FOREIGN_WRITER' : 'READ_BACK';
  const code: Code = errno === undefined ? undone : kind === 'blocked' ? 'MAP_FULL' : 'KERNEL_REFUSED';
  return settle(input, {
    state: kind === 'blocked' ? 'blocked' : 'failed',
    code,
    ...(errno === undefined ? {} : { errno }),
    ...(kind === 'terminal' ? {} : { retryAtMs: input.nowMs + backoffMs(input.tries + 1, input.random, input.crowd) }),
  });
}

function settle(
  input: OutcomeInput,
  now: Pick<EntryState, 'state'> & Partial<Omit<EntryState, 'key' | 'slot' | 'rev' | 'sinceMs'>>,
): EntryState {
  const { before, decision } = input;
  const same = before?.state === now.state && before.code === now.code;
  return {
    key: decision.key,
    slot: decision.slot,
    rev: decision.rev ?? decision.intent?.rev ?? 0,
    sinceMs: same ? before.sinceMs : input.nowMs,
    ...now,
  };
}

/** True when the difference is worth a row in the store. */
export function sameState(a: EntryState | undefined, b: EntryState): boolean {
  return (
    a !== undefined &&
    a.slot === b.slot &&
    a.rev === b.rev &&
    a.state === b.state &&
    a.code === b.code &&
    a.errno === b.errno &&
    a.retryAtMs === b.retryAtMs &&
    a.armed === b.armed &&
    a.counted?.seen === b.counted?.seen
  );
}
