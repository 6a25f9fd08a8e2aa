import { setTimeout as after } from 'node:timers/promises';
import { isEnded } from '../../protocol/rollout.ts';
import type { RolloutStatusReply } from '../../protocol/rollout-status.ts';
import { EXIT, Failure } from '../line/failure.ts';
import { ageText, secondText } from '../show/format.ts';
import { notice, type Terminal } from '../show/terminal.ts';
import { evidenceLine } from './sections.ts';
import { EVERY_MS } from './watch.ts';
import { leftText, standingText, waitingText } from './words.ts';

/** A controller that does not answer for so long is given up; the rollout goes on without anybody who looks. */
const PATIENCE_MS = 300_000;

/** Asks for what happened after a `seq`. Errors: Failure. */
export type LookAfter = (seq: number | undefined) => Promise<RolloutStatusReply>;

/** How a change is told: `status` has only what is new of what happened. */
type Tell = (status: RolloutStatusReply) => void;

/**
 * Tells each change of a rollout, until it has ended, until somebody has to do something about it, or the signal. Answers how it
 * was seen last. Errors: Failure, also where nobody answers for long.
 */
export async function follow(
  first: RolloutStatusReply,
  look: LookAfter,
  tell: Tell,
  terminal: Pick<Terminal, 'colour' | 'noteWidth' | 'note'>,
  signal: AbortSignal,
  everyMs = EVERY_MS,
): Promise<RolloutStatusReply> {
  let status = first;
  let seq = seqOf(first, undefined);
  let awaySince: number | undefined;
  tell(first);
  while (!isEnded(status.rollout.state) && !needsSomebody(status)) {
    const goesOn = await after(everyMs, true, { signal }).catch(() => false);
    if (!goesOn) return status;
    const next = await look(seq).catch((error: unknown) => {
      if (!(error instanceof Failure) || error.exit === EXIT.refused) throw error;
      if (awaySince === undefined) notice(terminal, `${error.message}; it is asked again`);
      awaySince ??= performance.now();
      const awayMs = performance.now() - awaySince;
      if (awayMs > PATIENCE_MS) throw givenUp(error, awayMs);
    });
    if (next === undefined) continue;
    awaySince = undefined;
    if (isOtherwise(status, next)) tell(next);
    seq = seqOf(next, seq);
    status = next;
  }
  return status;
}

/** One that waits for hosts to be heard again goes on by itself. */
function needsSomebody({ rollout, waits }: RolloutStatusReply): boolean {
  return rollout.state === 'PAUSED' && waits?.for !== 'telemetry';
}

function givenUp(error: Failure, awayMs: number): Failure {
  const message = `nobody told for ${ageText(awayMs)} how the rollout stands, which goes on all the same: ${error.message}`;
  return new Failure(error.exit, error.code, message, { cause: error });
}

function seqOf({ evidence }: RolloutStatusReply, before: number | undefined): number | undefined {
  return evidence.at(-1)?.seq ?? before;
}

/** Something that happened, another step, or a gate that says otherwise. That it has soaked longer is nothing new. */
function isOtherwise(before: RolloutStatusReply, now: RolloutStatusReply): boolean {
  return now.evidence.length > 0 || standingOf(before) !== standingOf(now);
}

function standingOf({ rollout, waits, gates }: RolloutStatusReply): string {
  return [standingText(rollout), waits?.for, ...gates.map(({ gate, verdict }) => `${gate} ${verdict}`)].join('; ');
}

/** The lines of a change for people: what happened, or how it stands where nothing says so. */
export function changeLines(
  before: RolloutStatusReply | undefined,
  now: RolloutStatusReply,
  colour: boolean,
): readonly string[] {
  const paper = { width: undefined, colour };
  const lines = now.evidence.map((one) => evidenceLine(one, paper));
  const stands = standingText(now.rollout);
  const moved = before === undefined || standingText(before.rollout) !== stands;
  const { waits } = now;
  const waiting = waits === undefined ? undefined : `${waitingText(waits)}, ${leftText(waits, now.at)}`;
  if (moved) lines.push(`${secondText(now.at)}  ${[stands, waiting].filter(Boolean).join(': ')}`);
  else if (waiting !== undefined && before?.waits?.for !== waits?.for) lines.push(`${secondText(now.at)}  ${waiting}`);
  return [...lines, ...verdictLines(before, now)];
}

/** That nothing is known of a wave before it has the change is no news; while it soaks, all but a pass is. */
function verdictLines(before: RolloutStatusReply | undefined, now: RolloutStatusReply): readonly string[] {
  const known = new Map(before && soaks(before) ? before.gates.map(({ gate, verdict }) => [gate, verdict]) : []);
  return now.gates.flatMap(({ gate, verdict, why, host }) => {
    if ((known.get(gate) ?? 'PASS') === verdict || !(soaks(now) || verdict === 'FAIL')) return [];
    const of = host === undefined || verdict === 'PASS' ? '' : ` on ${host}`;
    return [`${secondText(now.at)}  ${gate}: ${verdict}${of}${verdict === 'PASS' ? '' : `; ${why}`}`];
  });
}

function soaks({ rollout }: RolloutStatusReply): boolean {
  return rollout.step === 'SOAK';
}
