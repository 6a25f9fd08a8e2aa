import type { AnyCode } from '../../protocol/codes.ts';
import { bytesOf } from '../../protocol/json.ts';
import { LIVE_STATES, type LiveState } from '../../protocol/live.ts';
import { SILENT_MS } from '../../protocol/status.ts';
import { SERIES_EVERY_MS, type TopItem, type TopOrder, type TopReply, type TopRequest } from '../../protocol/top.ts';
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

interface Stand {
  readonly state: LiveState;
  readonly code?: AnyCode;
}

/** A redirect, on one host or on all that have it. */
export interface Row {
  readonly name: string;
  readonly host?: string;
  /** Those that told of it within minutes. */
  readonly on: HostTraffic[];
  known: boolean;
  packets: number;
  bytes: number;
  passed: number;
  stand: Stand | undefined;
  stands: number;
}

/** Says how fast packets meet redirects, those first that are asked for. Pure. */
export function answerTop({ hosts, names }: Told, request: TopRequest, moment: Moment): TopReply {
  const chosen = [...hosts].filter(([host]) => request.host === undefined || request.host === host);
  const rows = rowsOf(chosen, names, request, moment.nowMs);
  const first = rows.toSorted(ORDERS[request.sort ?? 'packets']).slice(0, request.limit ?? DEFAULT_LIMIT);
  const series = seriesOf(first, names, moment.nowMs);
  const told = {
    ...({ v: 1, at: moment.at, since: moment.since, everyMs: SERIES_EVERY_MS } as const),
    ...sumsOf(chosen, moment.nowMs),
    total: rows.length,
  };
  const items = first.map((row, at) => itemOf(row, series[at] ?? []));
  return { ...told, items: fitting(items, moment.budgetBytes - bytesOf(told)) };
}

/** Every redirect that hosts told of, with what its hosts say of it now. */
function rowsOf(
  hosts: readonly (readonly [string, HostTraffic])[],
  names: NameTable,
  { split, filter = '' }: TopRequest,
  nowMs: number,
): readonly Row[] {
  const rows = new Map<string, Row>();
  const rowOf = (name: string, host: string): Row | undefined => {
    const id = split ? `${name} ${host}` : name;
    const known = rows.get(id);
    if (known !== undefined) return known;
    if (!name.includes(filter) && !(split && host.includes(filter))) return undefined;
    const row = { name, ...(split && { host }), on: [], known: false, ...NOTHING };
    rows.set(id, row);
    return row;
  };
  for (const [host, traffic] of hosts) {
    const stands = standsOf(traffic, nowMs);
    for (const [name, rates] of ratesOf(traffic, names, stands, nowMs)) {
      const row = rowOf(name, host);
      if (row !== undefined) add(row, traffic, rates, stands(name));
    }
  }
  return [...rows.values()];
}

const NOTHING = { packets: 0, bytes: 0, passed: 0, stand: undefined, stands: 0 };

type RatesOf = readonly [packets: number, bytes: number, passed: number];

/** What a host says of its redirects; undefined where that is not known. */
function* ratesOf(
  traffic: HostTraffic,
  names: NameTable,
  stands: Stands,
  nowMs: number,
): Generator<readonly [name: string, rates: RatesOf | undefined]> {
  const now = traffic.sampleAt(nowMs);
  const rest: RatesOf | undefined = now?.complete === true ? [0, 0, 0] : undefined;
  const seen = new Set<string>();
  for (const [at, id] of (now?.ids ?? []).entries()) {
    const name = names.nameOf(id);
    seen.add(name);
    const [packets = 0, bytes = 0, passed = 0] = now?.rates.subarray(at * 3, at * 3 + 3) ?? [];
    yield [name, [packets, bytes, passed]];
  }
  const ids = new Set(traffic.samples.flatMap((sample) => [...sample.ids]));
  for (const name of [...[...ids].map((id) => names.nameOf(id)), ...stands.named]) {
    if (seen.has(name)) continue;
    seen.add(name);
    yield [name, rest];
  }
}

function add(row: Row, traffic: HostTraffic, rates: RatesOf | undefined, stand: Stand | undefined): void {
  row.on.push(traffic);
  if (rates !== undefined) {
    row.known = true;
    row.packets += rates[0];
    row.bytes += rates[1];
    row.passed += rates[2];
  }
  if (stand === undefined) return;
  const worse = gravity(stand) - gravity(row.stand);
  if (worse > 0) return;
  row.stands = worse < 0 ? 1 : row.stands + Number(stand.code === row.stand?.code);
  if (worse < 0) row.stand = stand;
}

/** What is wrong with a redirect on a host, as the host said last; undefined where it says nothing. */
interface Stands {
  (name: string): Stand | undefined;
  readonly named: Iterable<string>;
}

function standsOf({ said, heardMs }: HostTraffic, nowMs: number): Stands {
  const byName = new Map<string, Stand>();
  for (const { name } of said?.passed ?? []) byName.set(name, { state: 'passed', code: 'HITS_PASSED' });
  for (const { redirects } of said?.undelivered ?? [])
    for (const name of redirects) byName.set(name, { state: 'undelivered', code: 'UNDELIVERED' });
  for (const { name, state, code } of said?.exceptions ?? []) byName.set(name, { state, code });
  const level = said?.ended ? ENDED : nowMs - heardMs > SILENT_MS ? SILENT : said?.bypass ? BYPASS : undefined;
  return Object.assign((name: string) => level ?? byName.get(name), { named: byName.keys() });
}

const ENDED: Stand = Object.freeze({ state: 'ended' });
const SILENT: Stand = Object.freeze({ state: 'silent' });
const BYPASS: Stand = Object.freeze({ state: 'bypass' });

/** The less, the worse. */
function gravity(stand: Stand | undefined): number {
  return stand === undefined ? LIVE_STATES.length : LIVE_STATES.indexOf(stand.state);
}

const ORDERS: Readonly<Record<TopOrder, (a: Row, b: Row) => number>> = {
  packets: (a, b) => known(a, b) || b.packets - a.packets || byName(a, b),
  bytes: (a, b) => known(a, b) || b.bytes - a.bytes || byName(a, b),
  lost: (a, b) => b.passed - a.passed || gravity(a.stand) - gravity(b.stand) || ORDERS.packets(a, b),
  name: byName,
};

function known(a: Row, b: Row): number {
  return Number(b.known) - Number(a.known);
}

function byName(a: Row, b: Row): number {
  if (a.name !== b.name) return a.name < b.name ? -1 : 1;
  return (a.host ?? '') < (b.host ?? '') ? -1 : 1;
}

function itemOf(
  { name, host, known: told, packets, bytes, passed, stand, stands }: Row,
  series: TopItem['series'],
): TopItem {
  const rate = (perSecond: number): number | null => (told ? rateOf(perSecond) : null);
  return {
    name,
    ...(host !== undefined && { host }),
    ...{ packets: rate(packets), bytes: rate(bytes), passed: rate(passed) },
    ...(stand !== undefined && { ...stand, stateHosts: stands }),
    series,
  };
}

/** What packets did on the hosts whose rates are known, a second. */
function sumsOf(
  hosts: readonly (readonly [string, HostTraffic])[],
  nowMs: number,
): Pick<TopReply, 'hosts' | 'hostsKnown' | 'verdicts' | 'lost'> {
  const verdicts: Record<string, number> = {};
  let lost: number | null = null;
  let hostsKnown = 0;
  for (const [, traffic] of hosts) {
    const last = traffic.lastAt(nowMs);
    if (last === undefined) continue;
    hostsKnown += 1;
    for (const [name, packets] of Object.entries(last.verdicts))
      verdicts[name] = (verdicts[name] ?? 0) + (packets * 1000) / last.spanMs;
    if (last.lost !== null) lost = (lost ?? 0) + (last.lost * 1000) / last.spanMs;
  }
  const told = Object.entries(verdicts).map(([name, perSecond]) => [name, rateOf(perSecond)] as const);
  return {
    hosts: hosts.length,
    hostsKnown,
    verdicts: Object.fromEntries(told),
    lost: lost === null ? null : rateOf(lost),
  };
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
