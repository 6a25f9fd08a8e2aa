import { encodeAskRequest } from '../../protocol/ask.ts';
import { type Event, parseEvent, parseEventsReply } from '../../protocol/event.ts';
import { Refused } from '../../protocol/refused.ts';
import { Bus } from '../client.ts';
import { command } from '../line/command.ts';
import { EXIT, usage } from '../line/failure.ts';
import { BUS_OPTIONS } from '../line/options.ts';
import { stopSignal } from '../line/signals.ts';
import { Portion } from '../paging.ts';
import { EventLines } from '../show/event-table.ts';

/** An event as it is told: over the bus it comes again as the flight recorder has it. */
type Hear = (event: Event) => void;

export const events = command({
  synopsis: '[--host HOST] [--follow] [--all]',
  about: `Shows what happened on a host, the newest last, as the flight recorder of its agent has it; with --follow it goes on
with what happens, until it is interrupted. With --all it follows every host, and shows nothing of the past. With -o
json each event is a line.`,
  examples: [
    'shunt events --host edge-7 --last 20',
    'shunt events --host edge-7 --follow',
    'shunt events --all -o json',
  ],
  options: ['host', 'last', 'follow', 'all', ...BUS_OPTIONS],
  async run({ options: { host, last, follow, all, ...options }, written, terminal }) {
    if (all && written.has('host')) throw usage('--all is every host, and --host is one: leave one of them out');
    if (all && written.has('last')) throw usage('--last is of one host: name it with --host, and leave --all out');
    const lines = new EventLines(terminal, all);
    const show: Hear = (event) =>
      terminal.print(options.output === 'json' ? JSON.stringify(event) : lines.lines(event));
    await using bus = await Bus.open(options);
    const live = new Live();
    if (follow || all) await bus.events(all ? undefined : host, (data, from) => live.hear(data, from));
    const past = all ? [] : await readPast(bus, host, last);
    lines.expect(past);
    for (const event of past) show(event);
    if (!follow && !all) {
      if (past.length === 0 && options.output !== 'json') terminal.print('no events');
      return EXIT.done;
    }
    live.goOn(past, show);
    await bus.stayUntil(stopSignal());
    return EXIT.done;
  },
});

/** Reads the newest events, page by page back in time; oldest first. */
async function readPast(bus: Pick<Bus, 'ask'>, host: string, last: number): Promise<readonly Event[]> {
  const pages: (readonly Event[])[] = [];
  const portion = new Portion();
  let wanted = last;
  for (let after: string | undefined; wanted > 0; ) {
    const place = after;
    const ask = (limit: number) => {
      const request = encodeAskRequest({ v: 1, ...(place !== undefined && { after: place }), limit });
      return bus.ask(host, 'events', request, parseEventsReply);
    };
    const { items, next } = await portion.read(ask, wanted);
    pages.unshift(items);
    wanted -= items.length;
    if (next === null || next === after) break;
    after = next;
  }
  return pages.flat();
}

/** What comes over the bus: kept while the past is read, then shown once. Events that are not understood are left out. */
class Live {
  #kept: Event[] = [];
  #hear: Hear = (event) => this.#kept.push(event);

  hear(data: Uint8Array, host: string): void {
    try {
      this.#hear(parseEvent(data, host));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
    }
  }

  goOn(past: readonly Event[], show: Hear): void {
    const known = new Set(past.map((event) => JSON.stringify(event)));
    for (const event of this.#kept) if (!known.has(JSON.stringify(event))) show(event);
    this.#kept = [];
    this.#hear = show;
  }
}
