import { bytesOf } from '../../protocol/json.ts';
import { LIVE_STATES } from '../../protocol/live.ts';
import { SERIES_EVERY_MS, type TopItem, type TopOrder, type TopReply, type TopRequest } from '../../protocol/top.ts';
import type { Stand } from '../model/live.ts';
import { Best } from './best.ts';
import type { HostTraffic } from './host-traffic.ts';
import type { NameTable } from './name-table.ts';
import { rateOf } from './rates-now.ts';
import { seriesOf } from './series.ts';

const DEFAULT_LIMIT = 100;

export interface Told {
  readonly hosts: ReadonlyMap<string, HostTraffic>;
  readonly names: NameTable;
}

/** When it is asked, monotonic and since 1970; since when is listened; and how much room there is. */
interface Moment {
  readonly nowMs: number;
  readonly at: number;
  readonly since: number;
  readonly budgetBytes: number;
}

/** A redirect, on one host or on all that have it; rates are of those of which they are known. */
interface Row {
  readonly id: number;
  readonly name: string;
  readonly host?: string;
  known: boolean;
  packets: number;
  bytes: number;
  passed: number;
  stand: Stand | undefined;
  stands: number;
}

type Hosts = readonly (readonly [name: string, traffic: HostTraffic])[];

/** Says how fast packets meet redirects, those first that are asked for. Pure. */
export function answerTop({ hosts, names }: Told, request: TopRequest, moment: Moment): TopReply {
  const { host, split, filter = '', sort = 'packets', limit = DEFAULT_LIMIT } = request;
  const { nowMs } = moment;
  const chosen = [...hosts].filter(([name]) => host === undefined || host === name);
  const best = new Best<Row>(limit, ORDERS[sort]);
  const rows = split ? rowsByHost(chosen, names, filter, nowMs) : rowsOfAll(chosen, names, filter, nowMs);
  for (const row of rows) best.offer(row);
  const lines = best.items.map((row) => ({ id: row.id, on: row.host === undefined ? undefined : hosts.get(row.host) }));
  const all = chosen.map(([, traffic]) => traffic);
  const series = seriesOf(lines, all, names.size, nowMs);
  const told = {
    ...({ v: 1, at: moment.at, since: moment.since, everyMs: SERIES_EVERY_MS } as const),
    ...sumsOf(chosen, nowMs),
    total: best.offered,
  };
  const items = best.items.map((row, at) => itemOf(row, series[at] ?? []));
  return { ...told, items: fitting(items, moment.budgetBytes - bytesOf(told)) };
}

/** Every redirect that hosts told of, with what all of them say of it. */
function rowsOfAll(hosts: Hosts, names: NameTable, filter: string, nowMs: number): Iterable<Row> {
  const rows: (Row | undefined)[] = Array(names.size).fill(undefined);
  for (const [, traffic] of hosts) {
    const { ids } = traffic;
    for (const id of ids) rows[id] ??= rowOf(id, names);
    add(traffic, ids, nowMs, (id) => rows[id]);
  }
  return rows.filter((row) => row?.name.includes(filter) === true) as Row[];
}

/** Every redirect of every host. */
function* rowsByHost(hosts: Hosts, names: NameTable, filter: string, nowMs: number): Generator<Row> {
  for (const [host, traffic] of hosts) {
    const { ids } = traffic;
    const rows = new Map(ids.map((id) => [id, rowOf(id, names, host)]));
    add(traffic, ids, nowMs, (id) => rows.get(id));
    const all = host.includes(filter);
    for (const row of rows.values()) if (all || row.name.includes(filter)) yield row;
  }
}

function rowOf(id: number, names: NameTable, host?: string): Row {
  const name = names.nameOf(id);
  return { id, name, ...(host !== undefined && { host }), known: false, ...NOTHING };
}

const NOTHING = { packets: 0, bytes: 0, passed: 0, stand: undefined, stands: 0 };

/** Adds what a host says now to the rows of its redirects. */
function add(
  traffic: HostTraffic,
  ids: readonly number[],
  nowMs: number,
  rowOfId: (id: number) => Row | undefined,
): void {
  const sample = traffic.sampleAt(nowMs);
  const level = traffic.levelAt(nowMs);
  for (const id of ids) {
    const row = rowOfId(id);
    if (row === undefined) continue;
    if (sample?.complete === true) row.known = true;
    judge(row, level ?? traffic.stands.get(id));
  }
  if (sample === undefined) return;
  const { rates } = sample;
  for (let at = 0; at < sample.ids.length; at += 1) {
    const row = rowOfId(sample.ids[at] ?? 0);
    if (row === undefined) continue;
    row.known = true;
    row.packets += rates[at * 3] ?? 0;
    row.bytes += rates[at * 3 + 1] ?? 0;
    row.passed += rates[at * 3 + 2] ?? 0;
  }
}

/** Keeps the worst that is said, and of how many hosts. */
function judge(row: Row, stand: Stand | undefined): void {
  if (stand === undefined) return;
  const worse = gravity(stand) - gravity(row.stand);
  if (worse < 0) {
    row.stand = stand;
    row.stands = 1;
  } else if (worse === 0 && stand.code === row.stand?.code) row.stands += 1;
}

/** The less, the worse. */
function gravity(stand: Stand | undefined): number {
  return stand === undefined ? LIVE_STATES.length : LIVE_STATES.indexOf(stand.state);
}

const ORDERS: Readonly<Record<TopOrder, (a: Row, b: Row) => number>> = {
  packets: (a, b) => known(a, b) || b.packets - a.packets || byName(a, b),
  bytes: (a, b) => known(a, b) || b.bytes - a.bytes || byName(a, b),
  passed: (a, b) => b.passed - a.passed || gravity(a.stand) - gravity(b.stand) || ORDERS.packets(a, b),
  name: byName,
};

function known(a: Row, b: Row): number {
  return Number(b.known) - Number(a.known);
}

function byName(a: Row, b: Row): number {
  if (a.name !== b.name) return a.name < b.name ? -1 : 1;
  return (a.host ?? '') < (b.host ?? '') ? -1 : 1;
}

function itemOf({ name, host, stand, stands, ...row }: Row, series: TopItem['series']): TopItem {
  const rate = (perSecond: number): number | null => (row.known ? rateOf(perSecond) : null);
  return {
    name,
    ...(host !== undefined && { host }),
    ...{ packets: rate(row.packets), bytes: rate(row.bytes), passed: rate(row.passed) },
    ...(stand !== undefined && { ...stand, stateHosts: stands }),
    series,
  };
}

/** What packets did on the hosts whose rates are known, a second. */
function sumsOf(hosts: Hosts, nowMs: number): Pick<TopReply, 'hosts' | 'hostsKnown' | 'verdicts' | 'lost'> {
  const verdicts = new Map<string, number>();
  let lost: number | null = null;
  let hostsKnown = 0;
  for (const [, traffic] of hosts) {
    const last = traffic.lastAt(nowMs);
    if (last === undefined) continue;
    hostsKnown += 1;
    const perSecond = 1000 / last.spanMs;
    for (const name in last.verdicts)
      verdicts.set(name, (verdicts.get(name) ?? 0) + (last.verdicts[name] ?? 0) * perSecond);
    if (last.lost !== null) lost = (lost ?? 0) + last.lost * perSecond;
  }
  const told = Object.fromEntries([...verdicts].map(([name, perSecond]) => [name, rateOf(perSecond)]));
  return { hosts: hosts.length, hostsKnown, verdicts: told, lost: lost === null ? null : rateOf(lost) };
}

/** The first of them, as many as there is room for. */
function fitting(items: readonly TopItem[], budgetBytes: number): readonly TopItem[] {
  let left = budgetBytes;
  const end = items.findIndex((item) => {
    left -= bytesOf(item) + 1;
    return left < 0;
  });
  return end === -1 ? items : items.slice(0, end);
}
