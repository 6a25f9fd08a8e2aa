import {
  type GetItem,
  type GetReply,
  type GetRequest,
  type HostItem,
  type HostsReply,
  type HostsRequest,
  MAX_ITEM_HOSTS,
} from '../../protocol/listings.ts';
import type { Status } from '../../protocol/status.ts';
import { Standings } from '../log/standings.ts';
import type { Transaction } from '../log/transaction.ts';
import { type Claim, contends, isAble, selects } from '../model/claim.ts';
import { Declined } from '../model/declined.ts';
import type { Fleet } from '../model/fleet.ts';
import type { Report } from '../ports.ts';
import type { StoredSpec } from '../store/tables/specs.ts';

const DEFAULT_LIMIT = 100;

/** Lists specs by name, each with the hosts where it stands and those where another has its key. */
export async function listSpecs(transaction: Transaction, request: GetRequest, budgetBytes: number): Promise<GetReply> {
  const { session, tables } = transaction;
  const fleet = await tables.hosts.fleet(session);
  const specs = await chooseSpecs(transaction, request);
  const items = await fill(specs, (spec) => itemOf(transaction, fleet, spec), budgetBytes);
  return { v: 1, items, next: nextOf(specs, items.length, limitOf(request), (spec) => spec.claim.name, request) };
}

/** Lists every host that reported or has a log. */
export async function listHosts(
  transaction: Transaction,
  request: HostsRequest,
  budgetBytes: number,
): Promise<HostsReply> {
  const { session, tables } = transaction;
  const hosts = await tables.heads.hosts(session, request.after ?? '', limitOf(request));
  const between = [hosts[0] ?? '', hosts.at(-1) ?? ''] as const;
  const reports = await tables.hosts.between(session, ...between);
  const heads = await tables.heads.between(session, ...between);
  const standings = new Standings(transaction);
  const demanding = await tables.specs.demanding(session);
  const make = async (host: string): Promise<HostItem> => {
    const item = await hostOf(host, heads.get(host) ?? 0, reports.get(host), standings);
    const unable = countUnable(demanding, reports.get(host)?.status);
    return { ...item, ...(unable > 0 && { unable }) };
  };
  const items = await fill(hosts, make, budgetBytes);
  return { v: 1, items, next: nextOf(hosts, items.length, limitOf(request), (host) => host) };
}

async function chooseSpecs({ session, tables }: Transaction, request: GetRequest): Promise<StoredSpec[]> {
  if (request.name === undefined) return tables.specs.list(session, request.after ?? '', limitOf(request));
  const spec = await tables.specs.find(session, request.name);
  return spec === undefined ? [] : [spec];
}

async function itemOf({ session, tables }: Transaction, fleet: Fleet, { claim, json }: StoredSpec): Promise<GetItem> {
  const hosts: string[] = [];
  const shadowed: { host: string; by: string }[] = [];
  let newest = 0;
  for (const { host, rev, name } of await tables.changes.holders(session, claim.key)) {
    if (name === claim.name) {
      hosts.push(host);
      newest = Math.max(newest, rev);
    } else if (contends(claim, fleet.get(host))) {
      shadowed.push({ host, by: name });
    }
  }
  return {
    spec: json,
    hosts: hosts.slice(0, MAX_ITEM_HOSTS),
    hostsTotal: hosts.length,
    shadowed: shadowed.slice(0, MAX_ITEM_HOSTS),
    shadowedTotal: shadowed.length,
    rev: newest,
    ...unableOf(claim, fleet),
  };
}

/** The hosts that a redirect is for and whose agents are too old for it. */
function unableOf(claim: Claim, fleet: Fleet): Pick<GetItem, 'unable' | 'unableTotal'> {
  if (!claim.enabled || claim.needs.length === 0) return {};
  const unable = [...fleet.selected(claim.hosts)].filter((host) => host.known && !isAble(host, claim));
  if (unable.length === 0) return {};
  const names = unable.map(({ host }) => host).sort();
  return { unable: names.slice(0, MAX_ITEM_HOSTS), unableTotal: names.length };
}

async function hostOf(host: string, head: number, report: Report | undefined, standings: Standings): Promise<HostItem> {
  if (report === undefined) return { ...UNHEARD, host, head };
  const { epoch, stored, applied, verified, counts, exceptionsTotal, labels } = report.status;
  const { problem, bypass, undelivered } = report.status;
  return {
    host,
    labels,
    seenAt: report.seenAtMs,
    epoch,
    head,
    stored,
    applied,
    verified,
    desired: counts.desired,
    installed: counts.installed,
    exceptions: exceptionsTotal,
    standing: await standings.of({ epoch, rev: stored }),
    ...(problem !== undefined && { problem }),
    ...(bypass !== undefined && { bypass }),
    ...(undelivered?.length && { undelivered: undelivered.length }),
  };
}

function countUnable(demanding: readonly Claim[], status: Status | undefined): number {
  if (status === undefined) return 0;
  const { host, labels, can = [] } = status;
  const facts = { host, labels, known: true, can };
  return demanding.filter((claim) => claim.enabled && selects(claim.hosts, facts) && !isAble(facts, claim)).length;
}

const UNHEARD: Omit<HostItem, 'host' | 'head'> = {
  labels: {},
  seenAt: null,
  epoch: '',
  stored: 0,
  applied: 0,
  verified: 0,
  desired: 0,
  installed: 0,
  exceptions: 0,
  standing: 'ok',
};

/** Makes items until the budget is used. Errors: Declined TOO_LARGE when not even the first fits. */
async function fill<From, Item>(
  from: readonly From[],
  make: (from: From) => Promise<Item>,
  budgetBytes: number,
): Promise<Item[]> {
  const items: Item[] = [];
  let bytes = 0;
  for (const one of from) {
    const item = await make(one);
    bytes += Buffer.byteLength(JSON.stringify(item)) + 1;
    if (bytes > budgetBytes) break;
    items.push(item);
  }
  if (items.length > 0 || from.length === 0) return items;
  throw new Declined('TOO_LARGE', `the next item alone takes ${bytes} bytes, and a reply has room for ${budgetBytes}`);
}

/** The place to go on from: after the last item given, when there is, or may be, another. */
function nextOf<From>(
  from: readonly From[],
  given: number,
  limit: number,
  placeOf: (from: From) => string,
  request: { readonly name?: string } = {},
): string | null {
  const last = from[given - 1];
  const ended = given === from.length && (from.length < limit || request.name !== undefined);
  return last === undefined || ended ? null : placeOf(last);
}

function limitOf(request: { readonly limit?: number }): number {
  return request.limit ?? DEFAULT_LIMIT;
}
