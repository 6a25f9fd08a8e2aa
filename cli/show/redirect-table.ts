import type { JsonObject } from '../../protocol/json.ts';
import type { GetItem } from '../../protocol/listings.ts';
import { actionText, ageText, matchText, selectorText } from './format.ts';
import { liveCell, standLines, stateCell } from './live.ts';
import { notSentTexts } from './not-sent.ts';
import { atLeast, rateText } from './rate.ts';
import { type Cell, type Column, fits, tableLines, textOf } from './table.ts';
import { fill, noteText, paint, type Terminal } from './terminal.ts';

type Screen = Pick<Terminal, 'width' | 'colour'>;

/** A column of the listing, and when it gives way to others on a narrow terminal: the lowest number first. */
interface Field {
  readonly column: Column;
  readonly gives?: number;
  /** Only where all is asked for. */
  readonly wide?: true;
  /** Undefined where it says nothing; then it is there for those of which it does. */
  readonly cell: (item: GetItem, nowMs: number) => Cell | undefined;
}

const FIELDS: readonly Field[] = [
  { column: { title: 'NAME', whole: true }, cell: ({ spec }) => String(spec.name) },
  { column: { title: 'MATCH', below: true }, cell: ({ spec }) => matchText(spec.match) },
  { column: { title: 'TO' }, gives: 6, cell: ({ spec }) => actionText(spec.to) },
  { column: { title: 'HOSTS' }, gives: 5, cell: ({ spec }) => selectorText(spec.hosts) },
  { column: { title: 'LIVE', align: 'right' }, cell: liveCell },
  { column: { title: 'STATE', whole: true }, cell: stateCell },
  { column: { title: 'PKT/S', align: 'right' }, gives: 4, cell: rateCell },
  {
    column: { title: 'AGE', align: 'right' },
    cell: ({ since }, nowMs) => (since === undefined ? '-' : ageText(nowMs - since)),
  },
  {
    column: { title: 'PRIORITY', align: 'right' },
    gives: 2,
    cell: ({ spec: { priority = 0 } }) => (priority === 0 ? undefined : String(priority)),
  },
  { column: { title: 'EXPIRES', whole: true }, gives: 3, cell: ({ spec }, nowMs) => expiresCell(spec, nowMs) },
  {
    column: { title: 'DESCRIPTION' },
    gives: 1,
    cell: ({ spec: { description } }) => (description === undefined ? undefined : String(description)),
  },
  { column: { title: 'SET', whole: true }, wide: true, cell: ({ set }) => set },
  { column: { title: 'REV', align: 'right' }, wide: true, cell: ({ rev }) => String(rev) },
];

/** Lays redirects out for people; below stands what of them is not as it should be, and on which hosts. */
export function redirectTable(items: readonly GetItem[], nowMs: number, screen: Screen & Amount): string {
  if (items.length === 0) return 'no redirects';
  const lines = standLines(items).flatMap((line) => shown(line, screen));
  const notes = items
    .flatMap((item) => [...notSentTexts(item), ...refusedTexts(item)])
    .map((text) => noteText(screen, text));
  const sections = [
    rowsOf(items, nowMs, screen).flat().join('\n'),
    lines.join('\n'),
    [...olderNote(items, screen), ...notes].join('\n'),
  ];
  return sections.filter((section) => section !== '').join('\n\n');
}

/** Whether all is asked for, as long as lines may become. */
interface Amount {
  readonly wide?: boolean;
}

/** The lines of the titles, and of each redirect. Where not all has room, what people need least is left out; what is left is cut last of all. */
export function rowsOf(
  items: readonly GetItem[],
  nowMs: number,
  { wide = false, colour, width }: Screen & Amount,
): readonly (readonly string[])[] {
  const screen = { colour, width: wide ? undefined : width };
  const said = FIELDS.filter((field) => wide || field.wide !== true).filter(({ cell }) =>
    items.some((item) => cell(item, nowMs) !== undefined),
  );
  const laid = (fields: readonly Field[]) =>
    [
      fields.map(({ column }) => column),
      items.map((item) => fields.map(({ cell }) => cell(item, nowMs) ?? '-')),
    ] as const;
  const leaving = said.filter(({ gives }) => gives !== undefined).sort((a, b) => (a.gives ?? 0) - (b.gives ?? 0));
  let fields = said;
  for (const { gives } of leaving) {
    if (fits(...laid(fields), screen, gives === 1 ? 'whole' : 'cut')) break;
    fields = fields.filter((field) => field.gives !== gives);
  }
  return tableLines(...laid(fields), screen);
}

function shown(line: Cell, screen: Screen): readonly string[] {
  const tone = typeof line === 'string' ? undefined : line.tone;
  const [first = '', ...rest] = fill(textOf(line), (screen.width ?? Number.POSITIVE_INFINITY) - 2);
  return [first, ...rest.map((more) => `  ${more}`)].map((text) => paint(screen, tone, text));
}

/** Where it is not known of all hosts that have it, it is more, or as much. */
function rateCell({ rate, hostsTotal }: GetItem): Cell {
  return rate === undefined ? '-' : atLeast(rateText(rate.packets), rate.hosts < hostsTotal);
}

/** When it ends, or that it has; a newer controller may write it in another way. */
function expiresCell({ expires }: JsonObject, nowMs: number): Cell | undefined {
  if (expires === undefined) return undefined;
  if (typeof expires !== 'number') return String(expires);
  return expires > nowMs ? `in ${ageText(expires - nowMs)}` : { text: 'expired', tone: 'warn' };
}

/** What an earlier release took and none would now. */
export function refusedTexts({ spec, refused }: GetItem): readonly string[] {
  if (refused === undefined) return [];
  const { code, path, message } = refused;
  return [`${spec.name} would be refused now: ${path}: ${message} (${code}); change it, or delete it`];
}

function olderNote(items: readonly GetItem[], screen: Screen): readonly string[] {
  if (items.every(({ live }) => live !== undefined)) return [];
  const text =
    'the controller is of an older release and does not say how redirects stand; shunt explain NAME asks the hosts';
  return [noteText(screen, text)];
}
