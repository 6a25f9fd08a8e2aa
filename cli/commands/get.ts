import type { Near } from '../../protocol/api.ts';
import { MAX_LIMIT } from '../../protocol/ask.ts';
import { type Explanation, encodeExplainRequest, parseExplainReply } from '../../protocol/explain.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { encodeGetRequest, type GetItem, parseGetReply, type Rest } from '../../protocol/listings.ts';
import { didYouMean } from '../../protocol/near.ts';
import { compareNames } from '../../protocol/order.ts';
import { askHosts, type Failed } from '../ask-hosts.ts';
import { Bus } from '../client.ts';
import { command } from '../line/command.ts';
import { EXIT, Failure } from '../line/failure.ts';
import { requireName } from '../line/name.ts';
import { BUS_OPTIONS } from '../line/options.ts';
import { collect, complete } from '../paging.ts';
import { actionText, ageText, matchText, nearText, someText } from '../show/format.ts';
import { notSentTexts } from '../show/not-sent.ts';
import { silenceTable } from '../show/silence.ts';
import { type Cell, type Column, table } from '../show/table.ts';
import { noteText, type Terminal } from '../show/terminal.ts';

type Screen = Pick<Terminal, 'width' | 'colour'>;

const COLUMNS: readonly Column[] = [
  { title: 'NAME', whole: true },
  { title: 'MATCH', below: true },
  { title: 'TO' },
  { title: 'HOSTS' },
  { title: 'SHADOWED' },
  { title: 'REV', align: 'right' },
];
/** Only where some redirect says something of the kind. */
const FURTHER: readonly {
  readonly column: Column;
  readonly cell: (spec: JsonObject, nowMs: number) => Cell | undefined;
}[] = [
  {
    column: { title: 'PRIORITY', align: 'right' },
    cell: ({ priority = 0 }) => (priority === 0 ? undefined : String(priority)),
  },
  { column: { title: 'EXPIRES', whole: true }, cell: expiresCell },
  {
    column: { title: 'DESCRIPTION' },
    cell: ({ description }) => (description === undefined ? undefined : String(description)),
  },
];

export const get = command({
  synopsis: '[NAME]',
  about: `Shows redirects as the controller has them: what they match, where packets go, on which hosts they win, and where
another one with the same match wins over them (shadowed); where some have them, also priority, end (expires) and
description. Below stands which hosts are not sent one, and what an apply would refuse
now, each with the reason. Of one NAME that has idle, hosts are asked how it stands there: how much time it has left, or since
when it is idle and what has it stand again, and its last count. With -o json every host of each is named.`,
  examples: ['shunt get', 'shunt get drain-web-2 -o json'],
  options: BUS_OPTIONS,
  operands: { placeholder: 'NAME', min: 0, max: 1 },
  async run({ options, operands: [given], terminal }) {
    const name = given === undefined ? undefined : requireName(given);
    await using bus = await Bus.open(options);
    let near: readonly Near[] = [];
    const listed = await collect(async (after) => {
      const page = await bus.api('get', request(name, after), parseGetReply);
      near = page.near ?? [];
      return page;
    }, terminal);
    const items = listed.toSorted((a, b) => compareNames(String(a.spec.name), String(b.spec.name)));
    if (name !== undefined && items.length === 0)
      throw new Failure(
        EXIT.refused,
        'FAILED',
        `there is no redirect ${name}${nearText(name, near) || wordHint(name)}`,
      );
    const all = options.output === 'json' ? await completeAll(items, bus, terminal) : items;
    const silence = name === undefined ? undefined : await readSilence(all[0], options.output, bus, terminal);
    if (options.output === 'json') terminal.print(JSON.stringify({ items: all, ...silence }));
    else terminal.print([layOut(items, Date.now(), terminal), ...silenceLines(silence, all[0], terminal)].join('\n\n'));
    return EXIT.done;
  },
});

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

function request(name: string | undefined, after: string | undefined): Uint8Array {
  const place = after === undefined ? {} : { after };
  return encodeGetRequest({ v: 1, ...(name !== undefined && { name }), ...place, limit: MAX_LIMIT });
}

function layOut(items: readonly GetItem[], nowMs: number, screen: Screen): string {
  if (items.length === 0) return 'no redirects';
  const notes = items
    .flatMap((item) => [...notSentTexts(item), ...refusedTexts(item)])
    .map((text) => noteText(screen, text));
  const further = FURTHER.filter(({ cell }) => items.some(({ spec }) => cell(spec, nowMs) !== undefined));
  const columns = [...COLUMNS, ...further.map(({ column }) => column)];
  const rows = items.map((item) => [...row(item), ...further.map(({ cell }) => cell(item.spec, nowMs) ?? '-')]);
  const listed = table(columns, rows, screen);
  return notes.length === 0 ? listed : [listed, notes.join('\n')].join('\n\n');
}

/** When it ends, or that it has; a newer controller may write it in another way. */
function expiresCell({ expires }: JsonObject, nowMs: number): Cell | undefined {
  if (expires === undefined) return undefined;
  if (typeof expires !== 'number') return String(expires);
  return expires > nowMs ? `in ${ageText(expires - nowMs)}` : { text: 'expired', tone: 'warn' };
}

/** What an earlier release took and none would now. */
function refusedTexts({ spec, refused }: GetItem): readonly string[] {
  if (refused === undefined) return [];
  const { code, path, message } = refused;
  return [`${spec.name} would be refused now: ${path}: ${message} (${code}); change it, or delete it`];
}

function row({ spec, hosts, hostsTotal, shadowed, shadowedTotal, rev }: GetItem): Cell[] {
  const where =
    spec.enabled === false ? { text: 'disabled', tone: 'warn' as const } : someText(hosts, hostsTotal) || '-';
  const losing = someText(
    shadowed.map(({ host, by }) => `${host} by ${by}`),
    shadowedTotal,
  );
  return [
    String(spec.name),
    matchText(spec.match),
    actionText(spec.to),
    where,
    { text: losing || '-', tone: losing === '' ? undefined : 'warn' },
    String(rev),
  ];
}
