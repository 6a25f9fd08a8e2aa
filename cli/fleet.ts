import { MAX_LIMIT } from '../protocol/ask.ts';
import type { SpecsDamage } from '../protocol/damage.ts';
import { type Labels, readHost } from '../protocol/host.ts';
import {
  encodeGetRequest,
  encodeHostsRequest,
  type GetItem,
  type HostItem,
  parseGetReply,
  parseHostsReply,
  type Rest,
} from '../protocol/listings.ts';
import { compareNames } from '../protocol/order.ts';
import { askHosts, type Failed } from './ask-hosts.ts';
import type { Bus } from './client.ts';
import { EXIT, type Exit, Failure, usage } from './line/failure.ts';
import type { Format } from './line/options.ts';
import { orElse } from './line/refusal.ts';
import { collect, complete } from './paging.ts';
import { labelsText, nearText, someText } from './show/format.ts';
import { notice, type Terminal } from './show/terminal.ts';

/** Reads every host that the controller knows, and what is missing from its database. */
export async function readFleet(
  bus: Pick<Bus, 'api'>,
  terminal: Pick<Terminal, 'progress'>,
): Promise<{
  readonly items: readonly HostItem[];
  readonly damage: SpecsDamage | undefined;
  /** The controller's time, by which hosts are silent; one of an older release does not say. */
  readonly nowMs: number;
}> {
  let damage: SpecsDamage | undefined;
  let nowMs = Date.now();
  const items = await collect(async (after) => {
    const request = encodeHostsRequest({ v: 1, ...(after !== undefined && { after }), limit: MAX_LIMIT });
    const page = await bus.api('hosts', request, parseHostsReply);
    damage = page.damage;
    nowMs = page.at ?? nowMs;
    return page;
  }, terminal);
  return { items: items.toSorted((a, b) => compareNames(a.host, b.host)), damage, nowMs };
}

/** Those of some hosts that have all the labels; all where there are none. Errors: Failure where no host has them. */
export function chosenBy(labels: Labels | undefined, items: readonly HostItem[]): readonly HostItem[] {
  if (labels === undefined) return items;
  const wanted = Object.entries(labels);
  const chosen = items.filter((item) => wanted.every(([key, value]) => item.labels[key] === value));
  if (chosen.length > 0) return chosen;
  throw new Failure(EXIT.refused, 'FAILED', `no host has ${labelsText(labels)}; see shunt hosts`);
}

/** One redirect with all its hosts. Errors: Failure where there is none of the name; `more` is what else is to be said then. */
export async function readRedirect(
  bus: Pick<Bus, 'api'>,
  name: string,
  more = '',
): Promise<Omit<GetItem, 'selector' | 'rest'>> {
  const ask = (rest?: Rest) =>
    bus.api('get', encodeGetRequest({ v: 1, name, ...(rest !== undefined && { rest }) }), parseGetReply);
  const { items, near = [] } = await ask();
  const [item] = items;
  if (item !== undefined) return complete(item, async (rest) => (await ask(rest)).items);
  const advice = nearText(name, near) || '; see shunt get';
  throw new Failure(EXIT.refused, 'FAILED', `there is no redirect ${name}${advice}${more}`);
}

/** How hosts to ask are named: one by one, by their labels, or all; `host` is the one that is meant where nothing is said. */
export interface Choice {
  readonly options: { readonly host: string; readonly selector?: Labels | undefined; readonly all: boolean };
  readonly written: ReadonlyMap<string, readonly string[]>;
}

/** Which hosts are to be asked; a single one that is named, or meant, is a text. Errors: Failure, also where nobody is meant. */
export async function chooseHosts(
  { options: { host, selector, all }, written }: Choice,
  bus: Pick<Bus, 'api'>,
  terminal: Pick<Terminal, 'progress'>,
): Promise<string | readonly string[]> {
  const named = [...new Set(written.get('host'))];
  const ways = [named.length > 0 && '--host', selector !== undefined && '-l', all && '--all'].filter(Boolean);
  if (ways.length > 1) throw usage(`${ways.join(' and ')}: each says which hosts; leave one of them out`);
  if (named.length > 1) return named.map(requireHost);
  if (selector === undefined && !all) return host;
  const { items } = await readFleet(bus, terminal);
  if (items.length === 0) throw new Failure(EXIT.refused, 'FAILED', 'the controller knows no host; see shunt hosts');
  return chosenBy(selector, items).map((item) => item.host);
}

function requireHost(host: string): string {
  return orElse(
    () => readHost(host, ''),
    ({ message }) => usage(`--host: ${message}`),
  );
}

/** What is told of one host, for programs and for people. */
interface Told {
  readonly json: object;
  readonly text: () => string;
  /** It is not all that there is to be told. */
  readonly partial?: boolean;
}

/** Asks one host, or several, and prints what each says. Of several, one that does not answer is named, and keeps no other from its answer. */
export async function tellHosts(
  hosts: string | readonly string[],
  ask: (host: string) => Promise<Told>,
  output: Format,
  terminal: Terminal,
): Promise<Exit> {
  if (typeof hosts === 'string') {
    const { json, text, partial } = await ask(hosts);
    terminal.print(output === 'json' ? JSON.stringify(json) : text());
    return partial === true ? EXIT.unfinished : EXIT.done;
  }
  const { answers, failed } = await askHosts(hosts, ask, terminal);
  if (output === 'json') terminal.print(JSON.stringify({ items: answers.map(({ json }) => json), failed }));
  else if (answers.length > 0) terminal.print(answers.map(({ text }) => text()).join('\n\n'));
  noteFailed(failed, terminal);
  return failed.length === 0 && !answers.some(({ partial }) => partial) ? EXIT.done : EXIT.unfinished;
}

/** Names the hosts that did not do what they were asked for, those with one reason together. */
export function noteFailed(failed: readonly Failed[], terminal: Parameters<typeof notice>[0]): void {
  for (const [code, some] of Map.groupBy(failed, (one) => one.code)) {
    const [first] = some;
    const hosts = some.map(({ host }) => host);
    const why = some.length === 1 ? (first?.message ?? '') : `${code}; of ${hosts[0]}: ${first?.message}`;
    notice(terminal, `no answer from ${someText(hosts)}: ${why}`);
  }
}
