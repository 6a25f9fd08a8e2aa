import { plain } from '../../protocol/plain.ts';
import { isEnded } from '../../protocol/rollout.ts';
import type { RolloutStatusReply } from '../../protocol/rollout-status.ts';
import { shortChange } from '../show/change-state.ts';
import { cut, spanText } from '../show/format.ts';
import { fill, paint, type Tone } from '../show/terminal.ts';
import { BAR_WIDTH, evidenceLine, gateLines, holdLines, type Paper, waveLines } from './sections.ts';
import { aboutText, causeText, leftText, STATE_TONES, standingText, waitingText } from './words.ts';

/** What a screen has. */
export interface Size {
  readonly columns: number;
  readonly rows: number;
  readonly colour: boolean;
}

const TIME_WIDTH = '00:00:00Z'.length;
/** And of the reason why what is shown is old. */
const MOST_PROBLEM = 2;
/** Of more waves, those around the one that it is at. */
const MOST_WAVES = 7;
/** An empty line and the newest two events have a place on each screen that is as high as a terminal is. */
const EVENT_ROOM = 3;
/** Lines of the reason why it stands still or goes back. */
const MOST_CAUSE = 3;

/** A whole screen of a rollout. `problem`: why what is shown is old. */
export function frame(
  status: RolloutStatusReply,
  { columns, rows, colour }: Size,
  problem?: string,
): readonly string[] {
  const paper = { width: columns, colour };
  const above = headLines(status, paper, problem);
  const blocks = [aroundNow(status, paper), gateLines(status, paper), holdLines(status, paper)];
  const body: string[] = [];
  const room = rows - above.length - 1;
  for (const block of blocks) {
    const left = room - body.length - EVENT_ROOM - 1;
    if (block.length > 0 && left > 1) body.push('', ...block.slice(0, left));
  }
  const left = Math.max(0, room - body.length - 1);
  const events = left === 0 ? [] : status.evidence.slice(-left).map((one) => evidenceLine(one, paper, true));
  if (events.length > 0) body.push('', ...events);
  const gap = Array.from({ length: Math.max(0, room - body.length) }, () => '');
  const below = line(footer(status), paper, 'strong');
  return [...above, ...body, ...gap, below].slice(0, rows);
}

/** Who leaves is told before that nothing is aborted by it. */
function footer({ rollout: { id, state } }: RolloutStatusReply): string {
  const short = shortChange(id);
  if (state === 'PAUSED') return `q leaves, it stays paused   shunt rollout resume|abort ${short}`;
  const more = state === 'RUNNING' ? `   shunt rollout pause|abort ${short}` : '';
  return `q leaves, it goes on${more}`;
}

/** The same for a listing, which is as long as it is. */
export function listing(status: RolloutStatusReply, paper: Paper): string {
  const head = headLines(status, { ...paper, width: undefined });
  const blocks = [
    head.flatMap((text) => fill(text, paper.width ?? Number.POSITIVE_INFINITY)),
    waveLines(status, paper),
    gateLines(status, paper),
    holdLines(status, paper),
    status.evidence.map((one) => evidenceLine(one, paper)),
  ];
  return blocks
    .filter((block) => block.length > 0)
    .map((block) => block.join('\n'))
    .join('\n\n');
}

function headLines(status: RolloutStatusReply, paper: Paper, problem?: string): readonly string[] {
  const { rollout, at } = status;
  const title = `rollout ${shortChange(rollout.id)}  ${standingText(rollout)}`;
  const first = paper.width === undefined ? title : `${title.padEnd(paper.width - TIME_WIDTH)}${clockText(at)}`;
  const cause =
    rollout.cause === undefined ? [] : fill(plain(causeText(rollout.cause)), paper.width ?? Number.POSITIVE_INFINITY);
  const problems = problem === undefined ? [] : fill(plain(problem), paper.width ?? Number.POSITIVE_INFINITY);
  const tone = rollout.state === 'PAUSED' ? 'warn' : 'bad';
  return [
    line(first, paper, STATE_TONES[rollout.state]),
    line(aboutText(rollout, at), paper),
    ...cause.slice(0, MOST_CAUSE).map((text) => line(text, paper, tone)),
    ...countdown(status).map((text) => line(text, paper)),
    ...problems.slice(0, MOST_PROBLEM).map((text) => line(text, paper, 'bad')),
  ];
}

function clockText(at: number): string {
  return `${new Date(at).toISOString().slice(11, 19)}Z`;
}

/** What it waits for, and how much of the time is over. A soak counts judged time only, so that it may take longer than it says. */
function countdown({ rollout, waits, soakedMs, soakMs, at }: RolloutStatusReply): readonly string[] {
  if (isEnded(rollout.state)) return [];
  const soaked = rollout.step === 'SOAK' && soakMs > 0 && `${spanText(soakedMs)} of ${spanText(soakMs)}`;
  const soak = soaked ? `soaked ${barText(soakedMs / soakMs)} ${soaked}` : undefined;
  if (waits === undefined) return soak === undefined ? [] : [soak];
  const left = leftText(waits, at);
  if (waits.for === 'soak' && soak !== undefined) return [`${soak}${waits.until === undefined ? '' : `, ${left}`}`];
  const { since, until } = waits;
  const bar = until === undefined ? ',' : ` ${barText((at - since) / (until - since))}`;
  return [`${waitingText(waits)}${bar} ${left}`, ...(soak === undefined ? [] : [soak])];
}

function barText(share: number): string {
  const full = Math.floor(Math.min(1, Math.max(0, share)) * BAR_WIDTH);
  return `${'█'.repeat(full)}${'░'.repeat(BAR_WIDTH - full)}`;
}

function aroundNow(status: RolloutStatusReply, paper: Paper): readonly string[] {
  const lines = waveLines(status, paper);
  if (lines.length <= MOST_WAVES) return lines;
  const at = status.waveList.findIndex(({ wave }) => wave === status.rollout.wave);
  const from = Math.min(Math.max(0, at - 3), lines.length - MOST_WAVES);
  return lines.slice(from, from + MOST_WAVES);
}

function line(text: string, paper: Paper, tone?: Tone): string {
  const shown = plain(text);
  return paint(paper, tone, cut(shown, paper.width ?? Number.POSITIVE_INFINITY));
}
