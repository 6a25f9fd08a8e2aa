import type { GateVerdict, Verdict } from '../../protocol/gate.ts';
import type { Evidence, HoldUp, RolloutStatusReply, WaveNow } from '../../protocol/rollout-status.ts';
import { cut, secondText, spanText } from '../show/format.ts';
import { type Cell, type Column, tableLines } from '../show/table.ts';
import { paint, type Terminal, type Tone } from '../show/terminal.ts';
import { shortShareText } from './words.ts';

export type Paper = Pick<Terminal, 'width' | 'colour'>;

export const BAR_WIDTH = 24;
/** What a part of a bar says: has it for sure; is to have it; had it, or cannot have it; is yet to come. */
const SIGNS = { verified: '█', published: '▒', back: '×', planned: '·' } as const;
const SIGN_TONES: Readonly<Record<keyof typeof SIGNS, Tone | undefined>> = {
  verified: 'good',
  published: 'warn',
  back: 'bad',
  planned: undefined,
};

/** A line for each wave: which one, how far it goes, its hosts, a bar of them, and the numbers that are not nothing. */
export function waveLines(status: RolloutStatusReply, paper: Paper): readonly string[] {
  const { waveList, rollout } = status;
  const names = waveList.map(({ wave, tail }) => (tail ? 'late' : String(wave)));
  const shares = waveList.map(({ share, tail }) => (tail ? '' : share));
  const nameWidth = Math.max(4, ...names.map(({ length }) => length));
  const shareWidth = Math.max(0, ...shares.map(({ length }) => length));
  const hostsWidth = Math.max(1, ...waveList.map(({ hosts }) => String(hosts).length));
  return waveList.map((wave, at) => {
    const isNow = wave.wave === rollout.wave && rollout.step !== undefined && rollout.step !== 'PROMOTE';
    const name = `${isNow ? '▶' : ' '} ${(names[at] ?? '').padStart(nameWidth)}`;
    const left = `${name}  ${(shares[at] ?? '').padStart(shareWidth)}  ${String(wave.hosts).padStart(hostsWidth)}  `;
    const room = (paper.width ?? Number.POSITIVE_INFINITY) - left.length - BAR_WIDTH - 2;
    const text = numbersOf(wave).slice(0, Math.max(0, room));
    return `${paint(paper, isNow ? 'strong' : undefined, left)}${barOf(wave, paper)}  ${text}`.trimEnd();
  });
}

function barOf(wave: WaveNow, paper: Paper): string {
  const verified = Math.min(wave.verified, wave.published);
  const parts = {
    verified,
    published: wave.published - verified,
    back: wave.withdrawn + wave.excluded + wave.left,
    planned: wave.planned + wave.deferred,
  };
  const total = Math.max(1, wave.hosts);
  let before = 0;
  let drawn = 0;
  return Object.entries(parts)
    .map(([part, count]) => {
      before += count;
      const until = Math.round((Math.min(before, total) / total) * BAR_WIDTH);
      const text = SIGNS[part as keyof typeof SIGNS].repeat(Math.max(0, until - drawn));
      drawn = Math.max(drawn, until);
      return text === '' ? '' : paint(paper, SIGN_TONES[part as keyof typeof SIGNS], text);
    })
    .join('');
}

/** Verified among published is what one looks for; of all others those that there are. */
function numbersOf(wave: WaveNow): string {
  const { published, verified } = wave;
  const first = published === 0 ? [] : [`${verified} of ${published} verified`];
  const others = ['reverted', 'silent', 'withdrawn', 'deferred', 'excluded', 'left', 'planned'] as const;
  const rest = others.flatMap((word) => (wave[word] === 0 ? [] : [`${wave[word]} ${word}`]));
  const confirmed = wave.confirmed > 0 && wave.confirmed < published ? [`${wave.confirmed} confirmed`] : [];
  return [...first, ...rest, ...confirmed].join(', ');
}

const VERDICT_TONES: Readonly<Record<Verdict, Tone>> = { PASS: 'good', FAIL: 'bad', INCONCLUSIVE: 'warn' };
const GATE_COLUMNS: readonly Column[] = [
  { title: 'GATE', whole: true },
  { title: 'VERDICT', whole: true },
  { title: 'WAVE', whole: true },
  { title: 'OTHER HOSTS', whole: true },
  { title: '', below: true, prose: true },
];

/** The gates under their titles, each with the numbers of the hosts that have it against those that have not. */
export function gateLines({ gates }: RolloutStatusReply, paper: Paper): readonly string[] {
  if (gates.length === 0) return [];
  return tableLines(GATE_COLUMNS, gates.map(gateRow), paper).flat();
}

function gateRow({ gate, verdict, code, why, host, wave, control }: GateVerdict): readonly Cell[] {
  const of = [code, host && `on ${host}`].filter(Boolean).join(' ');
  const because = verdict === 'PASS' ? '' : [of, why].filter(Boolean).join(': ');
  return [
    gate,
    { text: verdict, tone: VERDICT_TONES[verdict] },
    shortShareText(wave),
    shortShareText(control),
    because,
  ];
}

const HOLD_COLUMNS: readonly Column[] = [
  { title: 'HELD UP BY', whole: true },
  { title: 'WAVE', align: 'right' },
  { title: 'IS', whole: true },
  { title: 'REV', whole: true },
  { title: 'HEARD', whole: true },
  { title: 'BECAUSE' },
];

/** Hosts that hold it up. */
export function holdLines(status: RolloutStatusReply, paper: Paper): readonly string[] {
  const { holdUps, at } = status;
  if (holdUps.length === 0) return [];
  const rows = holdUps.map((one) => holdRow(one, at));
  return tableLines(HOLD_COLUMNS, rows, paper).flat();
}

function holdRow({ host, wave, state, is, rev, at, seenAt, code, name }: HoldUp, nowMs: number): readonly Cell[] {
  const behind = rev === undefined ? '-' : `${at ?? '?'} of ${rev}`;
  const heard = seenAt === null ? 'never' : `${spanText(nowMs - seenAt)} ago`;
  const because = [code, name && `of ${name}`].filter(Boolean).join(' ') || '-';
  const stands = is === state || state === 'published' ? is : `${state}, ${is}`;
  return [host, String(wave), { text: stands, tone: 'warn' }, behind, heard, because];
}

const EVIDENCE_TONES: Readonly<Record<string, Tone>> = { FAIL: 'bad', INCONCLUSIVE: 'warn' };

/** A line of what happened. Of a screen, whose head says the day, only with the time. */
export function evidenceLine({ at, message, verdict, actor }: Evidence, paper: Paper, short = false): string {
  const time = short ? new Date(at).toISOString().slice(11, 19) : secondText(at);
  const by = actor === undefined || message.includes(actor) ? '' : ` (${actor})`;
  const text = `${message}${by}`;
  const room = short ? (paper.width ?? Number.POSITIVE_INFINITY) - time.length - 2 : Number.POSITIVE_INFINITY;
  return `${time}  ${paint(paper, verdict && EVIDENCE_TONES[verdict], cut(text, room))}`;
}
