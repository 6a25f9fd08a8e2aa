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

const TIME_WIDTH = '2026-01-01T00:00:00.000Z'.length;
const TITLES = { time: 'TIME', host: 'HOST', kind: 'EVENT', rev: 'REV', name: 'NAME', why: 'CODE', key: 'KEY' };
/** The longest kind that there is now. */
const KIND_WIDTH = 'undelivered'.length;
const REV_WIDTH = 5;
const NAME_WIDTH = 12;
/** A code without what the kernel said to it. */
const WHY_WIDTH = 16;
/** What is longer shifts its own line, and no other. */
const MOST_WHY_WIDTH = 40;
/** A key of IPv4 with ports. */
const KEY_WIDTH = 54;

/**
 * Writes events a line each, as they come, under one header: time in UTC, host where there are several, kind, revision,
 * name, why, and the key, which stands below where it does not fit. What is absent is `-`. A column grows with what comes,
 * and never shrinks.
 */
export class EventLines {
  readonly #screen: Pick<Terminal, 'width' | 'colour'>;
  readonly #room: number;
  readonly #withHost: boolean;
  #widths = { host: 'HOST'.length, rev: REV_WIDTH, name: NAME_WIDTH, why: WHY_WIDTH };
  #begun = false;

  constructor(screen: Pick<Terminal, 'width' | 'colour'>, withHost: boolean) {
    this.#screen = screen;
    this.#room = screen.width ?? Number.POSITIVE_INFINITY;
    this.#withHost = withHost;
  }

  /** Makes room for these at once, so that they stand below one another. */
  expect(events: readonly Event[]): void {
    for (const event of events) {
      const { host, rev = 0, name = '' } = event;
      const { host: hosts, rev: revs, name: names, why } = this.#widths;
      this.#widths = {
        host: Math.max(hosts, host.length),
        rev: Math.max(revs, String(rev).length),
        name: Math.max(names, name.length),
        why: Math.max(why, Math.min(whyOf(event).length, MOST_WHY_WIDTH)),
      };
    }
  }

  /** The lines of an event, and before those of the first one the header. */
  lines(event: Event): string {
    this.expect([event]);
    const { at, host, kind, rev, name = '-', key = '-' } = event;
    const time = new Date(at).toISOString();
    const cells = { time, host, kind, rev: String(rev ?? '-'), name, why: whyOf(event) || '-', key };
    const text = this.#lay(cells, TONES[kind]);
    if (this.#begun) return text;
    this.#begun = true;
    return `${this.#lay(TITLES, 'strong')}\n${text}`;
  }

  #lay({ time, host, kind, rev, name, why, key }: typeof TITLES, tone: Tone | undefined): string {
    const widths = this.#widths;
    const title = time === TITLES.time;
    const bold = title ? tone : undefined;
    const hosts = this.#withHost ? [this.#paint(bold, host.padEnd(widths.host))] : [];
    const cells = [
      this.#paint(bold, time.padEnd(TIME_WIDTH)),
      ...hosts,
      this.#paint(tone, kind.padEnd(KIND_WIDTH)),
      this.#paint(bold, rev.padStart(widths.rev)),
      this.#paint(bold, name.padEnd(widths.name)),
    ];
    const others = this.#withHost ? [widths.host] : [];
    const start = [TIME_WIDTH, ...others, KIND_WIDTH, widths.rev, widths.name].reduce(
      (sum, it) => sum + it + GAP.length,
      0,
    );
    const beside = start + widths.why + GAP.length + (title ? KEY_WIDTH : key.length) <= this.#room;
    if (beside) return [...cells, this.#paint(bold, why.padEnd(widths.why)), this.#paint(bold, key)].join(GAP);
    const below = key === '-' ? '' : `\n${GAP}${this.#paint(bold, key)}`;
    if (start + why.length <= this.#room) return [...cells, this.#paint(bold, why)].join(GAP) + below;
    return `${cells.join(GAP).trimEnd()}\n${GAP}${this.#paint(bold, why)}${below.replace('\n', '')}`;
  }

  #paint(tone: Tone | undefined, text: string): string {
    return paint(this.#screen, tone, text);
  }
}

function whyOf({ code = '', detail = '' }: Event): string {
  return [code, detail].filter((part) => part !== '').join(' ');
}
