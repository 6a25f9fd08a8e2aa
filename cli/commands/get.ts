import type { Near } from '../../protocol/api.ts';
import { MAX_LIMIT } from '../../protocol/ask.ts';
import { type Explanation, encodeExplainRequest, parseExplainReply } from '../../protocol/explain.ts';
import { encodeGetRequest, type GetItem, type GetReply, parseGetReply, type Rest } from '../../protocol/listings.ts';
import { didYouMean } from '../../protocol/near.ts';
import { compareNames } from '../../protocol/order.ts';
import { askHosts, type Failed } from '../ask-hosts.ts';
import { Bus } from '../client.ts';
import { command } from '../line/command.ts';
import { EXIT, Failure } from '../line/failure.ts';
import { requireName } from '../line/name.ts';
import { BUS_OPTIONS } from '../line/options.ts';
import { collect, complete } from '../paging.ts';
import { deletingTable } from '../show/deleting.ts';
import { nearText } from '../show/format.ts';
import { redirectTable } from '../show/redirect-table.ts';
import { silenceTable } from '../show/silence.ts';
import { noteText, type Terminal } from '../show/terminal.ts';

type Screen = Pick<Terminal, 'width' | 'colour'>;

export const get = command({
  synopsis: '[NAME]',
  about: `Shows redirects as the controller has them, and how they stand by what hosts said last: what they match, where packets go,
for which hosts they are, on how many of these they are in force (live), the worst of the others, how many packets meet them
a second (- where no host told within 45 s, ≥ where some did not), and since when they are as they
are (age); where some have them and there is room, also priority, end (expires) and description. Below stands which hosts do not
do what, which are not sent one, and what an apply would refuse now, each with the reason; shunt explain NAME asks the hosts. A host
that was not heard for a minute is silent, and nothing on it counts as in force. Of one NAME that has idle, hosts are asked how it stands there: how much time it has left, or since
when it is idle and what has it stand again, and its last count. With -o json every host of each is named.`,
  examples: ['shunt get', 'shunt get drain-web-2 -o json'],
  options: BUS_OPTIONS,
  operands: { placeholder: 'NAME', min: 0, max: 1, asks: 'redirects' },
  async run({ options, operands: [given], terminal }) {
    const name = given === undefined ? undefined : requireName(given);
    await using bus = await Bus.open(options);
    let near: readonly Near[] = [];
    let nowMs = Date.now();
    const pages = new Pages(bus, name === undefined && options.output !== 'json');
    let gone: Gone = {};
    const listed = await collect(async (after) => {
      const page = await pages.read(name, after);
      near = page.near ?? [];
      nowMs = page.at ?? nowMs;
      if (after === undefined) gone = goneOf(page);
      return page;
    }, terminal);
    const items = listed.toSorted((a, b) => compareNames(String(a.spec.name), String(b.spec.name)));
    if (name !== undefined && items.length === 0 && gone.deleting === undefined)
      throw new Failure(
        EXIT.refused,
        'FAILED',
        `there is no redirect ${name}${nearText(name, near) || wordHint(name)}`,
      );
    const all = options.output === 'json' ? await completeAll(items, bus, terminal) : items;
    const silence = name === undefined ? undefined : await readSilence(all[0], options.output, bus, terminal);
    if (options.output === 'json') terminal.print(JSON.stringify({ items: all, ...silence, ...gone }));
    else {
      const shown = name !== undefined && items.length === 0 ? '' : redirectTable(items, nowMs, terminal);
      const parts = [shown, ...silenceLines(silence, all[0], terminal), deletingTable(gone, nowMs, terminal)];
      terminal.print(parts.filter((part) => part !== '').join('\n\n'));
    }
    return EXIT.done;
  },
});

type Gone = Pick<GetReply, 'deleting' | 'deletingTotal'>;

/** What was deleted, and not everywhere yet. */
function goneOf({ deleting, deletingTotal }: GetReply): Gone {
  return deleting === undefined ? {} : { deleting, deletingTotal: deletingTotal ?? deleting.length };
}

/** What hosts say of a redirect that is given up in silence, and which of them said nothing. */
interface Silences {
  readonly idle: readonly Explanation[];
  readonly failed: readonly Failed[];
}

/** For people, so many hosts are asked. */
const MAX_ASKED = 32;

/** Asks the hosts of a redirect that has `idle` how it stands there. */
async function readSilence(
  item: Pick<GetItem, 'spec' | 'hosts'> | undefined,
  output: 'json' | 'table',
  bus: Pick<Bus, 'ask'>,
  terminal: Pick<Terminal, 'progress'>,
): Promise<Silences | undefined> {
  if (item?.spec.idle === undefined) return undefined;
  const request = encodeExplainRequest({ v: 1, name: String(item.spec.name) });
  const hosts = item.hosts.toSorted(compareNames).slice(0, output === 'json' ? undefined : MAX_ASKED);
  const { answers, failed } = await askHosts(
    hosts,
    (host) => bus.ask(host, 'explain', request, parseExplainReply),
    terminal,
  );
  return { idle: answers, failed };
}

function silenceLines(
  silences: Silences | undefined,
  item: Pick<GetItem, 'hostsTotal'> | undefined,
  screen: Screen,
): readonly string[] {
  if (silences === undefined) return [];
  const { idle, failed } = silences;
  const notes = failed.map(({ message }) => noteText(screen, message)).join('\n');
  const left = (item?.hostsTotal ?? 0) - idle.length - failed.length;
  const more = left > 0 ? `… and ${left} more hosts; -o json asks all` : '';
  return [idle.length === 0 ? '' : silenceTable(idle, Date.now(), screen), more, notes].filter((text) => text !== '');
}

/** What other tools have after this word; each may be the name of a redirect. */
function wordHint(name: string): string {
  if (/^(hosts?|nodes?|agents?)$/.test(name)) return `; ${didYouMean('shunt hosts')}`;
  return /^(redirects?|rules?|routes?|all)$/.test(name) ? `; ${didYouMean('shunt get')}` : '; see shunt get';
}

/** For people the first hosts of each redirect will do; programs get all. */
async function completeAll(
  items: readonly GetItem[],
  bus: Pick<Bus, 'api'>,
  terminal: Pick<Terminal, 'progress'>,
): Promise<readonly GetItem[]> {
  const whole: GetItem[] = [];
  for (const item of items) {
    const name = String(item.spec.name);
    const read = async (rest: Rest) => {
      terminal.progress(`reading the hosts of ${name}, ${whole.length + 1} of ${items.length}`);
      return (await bus.api('get', encodeGetRequest({ v: 1, name, rest }), parseGetReply)).items;
    };
    whole.push(await complete(item, read));
  }
  terminal.progress('');
  return whole;
}

/** For people the first hosts of each list will do; a controller of an older release gives all that it has room for. */
class Pages {
  readonly #bus: Pick<Bus, 'api'>;
  #brief: boolean;

  constructor(bus: Pick<Bus, 'api'>, brief: boolean) {
    this.#bus = bus;
    this.#brief = brief;
  }

  async read(name: string | undefined, after: string | undefined): Promise<GetReply> {
    try {
      return await this.#bus.api('get', request(name, after, this.#brief), parseGetReply);
    } catch (error) {
      if (!this.#brief || !(error instanceof Failure) || error.code !== 'UNKNOWN_FIELD') throw error;
      this.#brief = false;
      return this.read(name, after);
    }
  }
}

function request(name: string | undefined, after: string | undefined, brief: boolean): Uint8Array {
  const place = after === undefined ? {} : { after };
  const one = name !== undefined && { name };
  return encodeGetRequest({ v: 1, ...one, ...place, limit: MAX_LIMIT, ...(brief && { brief }) });
}
