import { LIVE_STATES, type LiveState } from '../../protocol/live.ts';
import { plain } from '../../protocol/plain.ts';
import type { TopItem, TopReply } from '../../protocol/top.ts';
import { ageText, countText } from '../show/format.ts';
import { standText, toneOfState } from '../show/live.ts';
import { rateText, sparkline } from '../show/rate.ts';
import { type Cell, type Column, fits, table } from '../show/table.ts';
import { paint, type Terminal, type Tone } from '../show/terminal.ts';
import type { View } from './view.ts';

type Paper = Pick<Terminal, 'width' | 'colour'>;

/** Verdicts that send a packet on. */
const SENT: readonly string[] = ['SENT', 'SENT_BACK'];
/** Below it a series is drawn half as wide. */
const WIDE = 110;
/** A controller that listens for less may not have heard each host. */
const LISTENS_MS = 45_000;

/** A column, its cells, and when it gives way on a narrow terminal: the lowest number first. */
interface Field {
  readonly column: Column;
  readonly gives?: number;
  readonly cell: (item: TopItem) => Cell;
}

/** Lays the rows out; what was not sent as it should be is red. */
export function rows({ items }: TopReply, paper: Paper): string {
  const half = paper.width !== undefined && paper.width < WIDE;
  const laid = (fields: readonly Field[]) =>
    [fields.map(({ column }) => column), items.map((item) => fields.map(({ cell }) => cell(item)))] as const;
  let fields = fieldsOf(
    half,
    items.some(({ host }) => host !== undefined),
  );
  for (let gives = 1; gives <= GIVING && !fits(...laid(fields), paper, 'cut'); gives += 1)
    fields = fields.filter((field) => field.gives !== gives);
  return table(...laid(fields), paper);
}

const GIVING = 4;

function fieldsOf(half: boolean, split: boolean): readonly Field[] {
  return [
    { column: { title: 'NAME' }, cell: ({ name }) => name },
    ...(split ? [{ column: { title: 'HOST' }, cell: ({ host = '' }: TopItem) => host }] : []),
    { column: { title: 'PKT/S', align: 'right' }, cell: ({ packets }) => rateCell(packets) },
    { column: { title: 'BYTE/S', align: 'right' }, gives: 2, cell: ({ bytes }) => rateCell(bytes) },
    { column: { title: 'PASSED/S', align: 'right' }, gives: 4, cell: ({ passed }) => rateCell(passed, 'bad') },
    { column: { title: 'STATE' }, gives: 3, cell: stateCell },
    {
      column: { title: half ? '5 MINUTES' : 'LAST 5 MINUTES', whole: true },
      gives: 1,
      cell: ({ series }) => sparkline(half ? halved(series) : series),
    },
  ];
}

function rateCell(rate: number | null, tone?: Tone): Cell {
  if (rate === null) return '-';
  return { text: rateText(rate), tone: rate > 0 ? tone : undefined };
}

/** That all is well is not said: a row has packets. */
function stateCell({ state, code, stateHosts, host }: TopItem): Cell {
  if (state === undefined) return '';
  const text = standText({ state, ...(code !== undefined && { code }) });
  const known = LIVE_STATES.includes(state as LiveState);
  return {
    text: stateHosts === undefined || host !== undefined ? text : `${text} on ${stateHosts}`,
    tone: known ? toneOfState(state) : 'bad',
  };
}

/** Two points each as the higher of them: what was there for a moment is not to vanish. */
function halved(series: TopItem['series']): TopItem['series'] {
  return series.flatMap((rate, at) => {
    if (at % 2 !== series.length % 2) return [];
    const pair = [rate, series[at + 1]].filter((one) => typeof one === 'number');
    return pair.length === 0 ? [null] : [Math.max(...pair)];
  });
}

/** What packets do on all hosts that are known, each a second. */
export function sums({ verdicts, lost }: TopReply): string {
  const sum = (is: (verdict: string) => boolean): string =>
    rateText(Object.entries(verdicts).reduce((total, [name, rate]) => total + (is(name) ? rate : 0), 0));
  return [
    `seen ${sum(() => true)}`,
    `redirected ${sum((name) => SENT.includes(name))}`,
    `dropped ${sum((name) => name === 'DROPPED')}`,
    `passed ${sum((name) => !SENT.includes(name) && name !== 'DROPPED')}`,
    `lost after that ${lost === null ? '-' : rateText(lost)}`,
  ].join('   ');
}

/** Of whom it is, as far as they are known, and what more there is. */
export function heading({ hosts, hostsKnown, items, total }: TopReply, { of, host }: View): string {
  const whose = of === 'host' ? `host ${host}` : countText(hosts, 'host');
  const known = hostsKnown < hosts ? `, ${hostsKnown} with rates` : '';
  const cut = items.length < total ? `, the first ${items.length}` : '';
  const what = of === 'each' ? 'redirects by host' : countText(total, 'redirect');
  return of === 'each' ? `${whose}${known}: ${total} ${what}${cut}` : `${whose}${known}: ${what}${cut}`;
}

/** What keeps it from being all. */
export function caveat({ at, since, hosts, hostsKnown }: TopReply, { of, host }: View): string | undefined {
  const heard = at - since;
  if (heard < LISTENS_MS) return `the controller has listened for ${ageText(heard)}; hosts tell rates every 15 s`;
  if (hosts === 0)
    return of === 'host' ? `no status of ${host} came within five minutes` : 'no host was heard within five minutes';
  return hostsKnown === 0
    ? 'no host told its rates within 45 s: they are of a release before rates, or do not speak'
    : undefined;
}

const KEYS = 'p packets  b bytes  s passed  n name  h hosts  / filter  q quit';

/** A whole screen. `problem`: why what is shown is old. */
export function frame(
  reply: TopReply,
  view: View,
  { columns, rows: height, colour }: { readonly columns: number; readonly rows: number; readonly colour: boolean },
  problem?: string,
): readonly string[] {
  const paper = { width: columns, colour };
  const line = (text: string, tone?: Tone): string => paint(paper, tone, plain(text).slice(0, columns));
  const time = new Date(reply.at).toISOString().slice(11, 19);
  const title = `${heading(reply, view)}   by ${view.sort}${view.filter === '' ? '' : `   filter ${view.filter}`}`;
  const warning = problem ?? caveat(reply, view);
  const above = [
    line(`${title.slice(0, columns - 11).padEnd(columns - 9)}${time}Z`, 'strong'),
    line(sums(reply)),
    line(warning ?? '', problem === undefined ? 'warn' : 'bad'),
  ];
  const listed = rows(reply, paper).split('\n');
  const body = listed.slice(0, Math.max(1, height - above.length - 1));
  const gap = Array.from({ length: Math.max(0, height - above.length - body.length - 1) }, () => '');
  const below = view.writing === undefined ? line(KEYS, 'strong') : line(`filter: ${view.writing}_`, 'strong');
  return [...above, ...body, ...gap, below].slice(-height);
}
