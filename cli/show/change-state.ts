import { type ChangeReply, isDone, type Undone, type UndoneHost } from '../../protocol/change-state.ts';
import { compareNames } from '../../protocol/order.ts';
import { countText, cut, someText, spanText, waitText } from './format.ts';
import { type Cell, type Column, table } from './table.ts';
import type { Terminal, Tone } from './terminal.ts';

type Screen = Pick<Terminal, 'width' | 'colour'>;

/** What became of a change, how long that was waited for, and how long it might have been. */
interface Outcome {
  readonly state: ChangeReply;
  readonly waitedMs: number;
  readonly withinMs: number;
}

/** As much of an id as tells it from all others: most are random hex digits. */
const SHORT = 8;
const RANDOM = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$|^[0-9a-f]{32}$/;

/** Writes the id of a change as it may be given to any command. */
export function shortChange(change: string): string {
  return RANDOM.test(change) ? change.slice(0, SHORT) : change;
}

/** What is there to say of a level, of a change that puts redirects and of one that deletes them. */
function doneText({ verb, level, confirm, done, total }: ChangeReply): string {
  if (total === 0) return 'no host has anything of it';
  if (confirm !== undefined && level !== 'stored') return `confirmed on ${done} of ${countText(total, 'host')}`;
  const far = verb === 'delete' && level !== 'stored' ? 'gone from' : `${level} on`;
  return `${far} ${done} of ${countText(total, 'host')}`;
}

function leftText({ failed, stale, unreachable, joined = 0, confirm }: ChangeReply): string {
  const late = confirm === undefined ? 'stale' : 'not yet';
  const parts = [failed > 0 && `${failed} failed`, stale > 0 && `${stale} ${late}`];
  const more = [unreachable > 0 && `${unreachable} unreachable`, joined > 0 && `${joined} joined since`];
  return [...parts, ...more]
    .filter(Boolean)
    .map((part) => `, ${part}`)
    .join('');
}

/** The line that a terminal shows while it waits. */
export function changeProgress(
  state: ChangeReply,
  { leftMs, width = Number.POSITIVE_INFINITY }: { readonly leftMs: number; readonly width: number | undefined },
): string {
  const text = `change ${shortChange(state.change)}: ${doneText(state)}${leftText(state)}; ${countdownText(state) ?? `${spanText(leftMs)} left`}`;
  return cut(text, width - 1);
}

/** When a host takes back what is not confirmed there. */
function countdownText({ items }: ChangeReply): string | undefined {
  const leftMs = items.find((item) => item.leftMs !== undefined)?.leftMs;
  return leftMs === undefined ? undefined : `else taken back in ${spanText(leftMs)}`;
}

/** What became of a change that was waited for. */
export function changeText({ state, waitedMs, withinMs }: Outcome, screen: Screen): string {
  const head = `change ${shortChange(state.change)}: ${doneText(state)}`;
  const took = waitText(Math.round(waitedMs / 100) * 100);
  if (isDone(state)) return `${head}${leftText({ ...state, failed: 0, stale: 0, unreachable: 0 })}, after ${took}`;
  const { unmatched = 0 } = state;
  return [
    `${head} ${waitedMs < withinMs ? `after ${took}` : `within ${waitText(withinMs)}`}${leftText(state)}`,
    ...(unmatched > 0
      ? [`${countText(unmatched, 'redirect')} of it: for no host that ever reported; see shunt hosts`]
      : []),
    ...(state.items.length > 0 ? [undoneTable(state.items, screen)] : []),
  ].join('\n');
}

const COLUMNS: readonly Column[] = [
  { title: '', whole: true },
  { title: 'STATE', whole: true },
  { title: 'REDIRECT' },
  { title: 'HOSTS' },
];
const TONES: Readonly<Record<Undone, Tone>> = { failed: 'bad', stale: 'warn', unreachable: 'bad' };

/** The hosts that are not done, those together that are not done alike. */
function undoneTable(items: readonly UndoneHost[], screen: Screen): string {
  const groups = Object.values(
    Object.groupBy(items, ({ is, state, code = '', name = '' }) => [is, state, code, name].join(' ')),
  ).flatMap((some) => (some === undefined ? [] : [some]));
  const order: readonly Undone[] = ['failed', 'unreachable', 'stale'];
  const rank = ([first]: readonly UndoneHost[]): number => (first === undefined ? 0 : order.indexOf(first.is));
  const rows = groups.toSorted((a, b) => rank(a) - rank(b)).map(row);
  return table(COLUMNS, rows, screen);
}

function row(some: readonly UndoneHost[]): readonly Cell[] {
  const [first] = some;
  if (first === undefined) return [];
  const { is, name = '-' } = first;
  return [{ text: is, tone: TONES[is] }, stateText(first), name, someText(some.map(({ host }) => host))];
}

/** A state with its code: `blocked NO_NEIGHBOUR`. */
function stateText({ state, code }: Pick<UndoneHost, 'state' | 'code'>): string {
  return code === undefined ? state : `${state} ${code}`;
}

/** Who still redirects what was deleted, as far as the controller knows; or that nobody does. */
export function remainingText({ items, total }: ChangeReply): string {
  if (items.length === 0) return total === 0 ? 'no host had any of it' : 'gone from all hosts that had it';
  const groups = Map.groupBy(items, stateText);
  const parts = [...groups].map(
    ([state, some]) => `${someText(some.map(({ host }) => host).sort(compareNames))} (${state})`,
  );
  return `not confirmed yet by ${items.length} of ${countText(total, 'host')}, which may still redirect: ${parts.join(', ')}`;
}
