import type { Event } from '../../protocol/event.ts';
import { timeText } from './format.ts';
import { type Cell, type Column, GAP, table } from './table.ts';
import { paint, type Terminal, type Tone } from './terminal.ts';

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
  { column: { title: 'KEY', below: true }, of: 'key', cell: ({ key }) => key ?? '-' },
];

/** The longest kind that there is now. */
const KIND_WIDTH = 'undelivered'.length;
const NAME_WIDTH = 12;
const SECOND_MS = 1000;

/**
 * Writes events a line each, as they come: time in UTC to the second, host where there are several, kind, name, why, and
 * the key; what does not fit goes on below. A column grows with what comes, and never shrinks.
 */
export class EventLines {
  readonly #screen: Pick<Terminal, 'width' | 'colour'>;
  readonly #width: number;
  readonly #withHost: boolean;
  #hostWidth = 0;
  #nameWidth = NAME_WIDTH;

  constructor(screen: Pick<Terminal, 'width' | 'colour'>, withHost: boolean) {
    this.#screen = screen;
    this.#width = screen.width ?? Number.POSITIVE_INFINITY;
    this.#withHost = withHost;
  }

  /** Makes room for these at once, so that they stand below one another. */
  expect(events: readonly Event[]): void {
    for (const { host, name = '' } of events) {
      this.#hostWidth = Math.max(this.#hostWidth, host.length);
      this.#nameWidth = Math.max(this.#nameWidth, name.length);
    }
  }

  line(event: Event): string {
    this.expect([event]);
    const { at, host, kind, name = '-', code = '', detail = '', key = '' } = event;
    const second = timeText(at - (at % SECOND_MS));
    const columns = this.#withHost ? [second, host.padEnd(this.#hostWidth)] : [second];
    const why = [code, detail].filter((part) => part !== '').join(' ');
    const rest = [why, key].filter((part) => part !== '').map((part) => GAP + part);
    const left = columns.join(GAP) + GAP;
    const start = left.length + KIND_WIDTH + GAP.length + this.#nameWidth;
    const fits = (count: number): boolean => start + rest.slice(0, count).join('').length <= this.#width;
    let beside = rest.length;
    while (beside > 0 && !fits(beside)) beside -= 1;
    const known = `${left}${paint(this.#screen, TONES[kind], kind.padEnd(KIND_WIDTH))}${GAP}${name.padEnd(this.#nameWidth)}`;
    const below = rest.slice(beside).join('');
    return (known + rest.slice(0, beside).join('')).trimEnd() + (below === '' ? '' : `\n${below}`);
  }
}
