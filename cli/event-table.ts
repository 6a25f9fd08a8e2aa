import type { Event } from '../protocol/event.ts';
import { timeText } from './format.ts';
import { type Cell, type Column, table } from './table.ts';
import type { Terminal, Tone } from './terminal.ts';

const TONES: Readonly<Partial<Record<Event['kind'], Tone>>> = {
  applied: 'good',
  blocked: 'bad',
  denied: 'bad',
  failed: 'bad',
  refused: 'bad',
  undelivered: 'bad',
  drift: 'warn',
  reverted: 'warn',
};

type EventColumn = 'host' | 'name' | 'key';

/** Lays events out as they came, a line each; `left` are columns that say nothing here. */
export function eventTable(
  events: readonly Event[],
  left: readonly EventColumn[],
  screen: Pick<Terminal, 'width' | 'colour'>,
): string {
  const shown = COLUMNS.filter(({ of }) => of === undefined || !left.includes(of));
  return table(
    shown.map(({ column }) => column),
    events.map((event) => shown.map(({ cell }) => cell(event))),
    screen,
  );
}

const COLUMNS: readonly {
  readonly column: Column;
  readonly of?: EventColumn;
  readonly cell: (event: Event) => Cell;
}[] = [
  { column: { title: 'TIME', whole: true }, cell: ({ at }) => timeText(at) },
  { column: { title: 'HOST' }, of: 'host', cell: ({ host }) => host },
  { column: { title: 'EVENT', whole: true }, cell: ({ kind }) => ({ text: kind, tone: TONES[kind] }) },
  { column: { title: 'REV', align: 'right' }, cell: ({ rev }) => (rev === undefined ? '-' : String(rev)) },
  { column: { title: 'NAME' }, of: 'name', cell: ({ name }) => name ?? '-' },
  {
    column: { title: 'CODE', whole: true },
    cell: ({ code, detail }) => [code ?? '-', detail ?? ''].join(' ').trimEnd(),
  },
  { column: { title: 'KEY' }, of: 'key', cell: ({ key }) => key ?? '-' },
];
