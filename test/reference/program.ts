/** What the program does with a frame: its answer to the kernel, the bytes as they are then, and what it counts. */
import { PASS_REASONS, type PassReason, type Verdict } from '../../agent/kernel/abi.ts';
import { type Decision, decide } from './decide.ts';
import { forward } from './forward.ts';
import type { Entry, State } from './state.ts';

export interface Answer {
  readonly xdp: 'PASS' | 'DROP' | 'TX' | 'REDIRECT';
  /** Counted once. */
  readonly verdict: Verdict;
  readonly entry: Entry | undefined;
  readonly bytes: Uint8Array;
  /** One packet more of this slot and so many bytes, last seen now. */
  readonly hit: { readonly slot: number; readonly bytes: number } | undefined;
  /** One packet more that hit this slot, and was passed for this reason. */
  readonly passed: { readonly slot: number; readonly reason: PassReason } | undefined;
}

/** All others pass. */
const ENDS: Partial<Record<Verdict, Answer['xdp']>> = { SENT: 'REDIRECT', SENT_BACK: 'TX', DROPPED: 'DROP' };
/** The packet met an entry, and that is not counted. */
const UNCOUNTED: ReadonlySet<Verdict> = new Set(['RACE', 'EXPIRED', 'PROTECTED', 'RETURNED', 'OVERHEARD']);

export function answer(frame: Uint8Array, state: State): Answer {
  const decision = decide(frame, state);
  const { verdict, entry } = decision;
  const slot = countedSlot(decision, state);
  const reason = PASS_REASONS.find((name) => name === verdict);
  return {
    xdp: ENDS[verdict] ?? 'PASS',
    verdict,
    entry,
    bytes: bytesOf(frame, decision),
    hit: slot === undefined ? undefined : { slot, bytes: frame.length },
    passed: slot === undefined || reason === undefined ? undefined : { slot, reason },
  };
}

/** No byte changes of what is not sent. */
function bytesOf(frame: Uint8Array, { verdict, link, entry }: Decision): Uint8Array {
  const isSent = verdict === 'SENT' || verdict === 'SENT_BACK';
  return isSent && entry !== undefined ? forward(frame, link, entry.value) : frame;
}

function countedSlot({ verdict, entry }: Decision, { slots }: State): number | undefined {
  if (entry === undefined || UNCOUNTED.has(verdict)) return undefined;
  return entry.value.slot < slots ? entry.value.slot : undefined;
}
