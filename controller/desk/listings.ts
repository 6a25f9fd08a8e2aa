import { MAX_UNFOUNDED, type SpecsDamage } from '../../protocol/damage.ts';
import { bytesOf } from '../../protocol/json.ts';
import type { GetReply, GetRequest, HostItem, HostsReply, HostsRequest } from '../../protocol/listings.ts';
import { Standings } from '../log/standings.ts';
import type { Transaction } from '../log/transaction.ts';
import { lackOf } from '../model/claim.ts';
import { type Damage, namelessOf } from '../model/damage.ts';
import { fleetOf } from '../model/fleet.ts';
import type { RatesNow, Report } from '../ports.ts';
import type { LastWord } from '../store/tables/last-words.ts';
import type { StoredSpec } from '../store/tables/specs.ts';
import { listDeleting } from './deleting.ts';
import { FleetView } from './fleet-view.ts';
import { troublesOf } from './host-troubles.ts';
import { nearNames } from './near-names.ts';
import { fill, fitting, limitOf, nextOf } from './paging.ts';
import { redirectItem } from './redirect-item.ts';

/** When a listing is made, and what it may take. */
interface Terms {
  readonly nowMs: number;
  readonly budgetBytes: number;
  readonly rates?: RatesNow | undefined;
}

/** Lists specs by name, each with the hosts where it stands and those where another has its key. */
export async function listSpecs(
  transaction: Transaction,
  request: GetRequest,
  { nowMs, budgetBytes, rates }: Terms,
): Promise<GetReply> {
  const limit = limitOf(request, budgetBytes);
  const specs = await chooseSpecs(transaction, request, limit);
  const view = await FleetView.read(transaction, nowMs);
  const sets = request.rest === undefined ? await setsOf(transaction, specs) : new Map<string, string>();
  const { rest, brief = false } = request;
  const cut = { rest, brief, rates, budgetBytes: budgetBytes - SET_BYTES };
  const make = async (spec: StoredSpec) => {
    const set = sets.get(nameOf(spec));
    return { ...(await redirectItem(view, spec, cut)), ...(set !== undefined && { set }) };
  };
  const items = await fill(specs, make, nameOf, budgetBytes);
  const next = nextOf(specs, items.length, limit, nameOf, request);
  const missing = request.name !== undefined && specs.length === 0 ? [request.name] : [];
  const isBegun = request.after === undefined && request.rest === undefined;
  const deleting = isBegun ? await listDeleting(transaction, request.name) : {};
  return { v: 1, items, next, at: nowMs, ...(await nearNames(transaction, missing)), ...deleting };
}

/** What the set of an item takes. */
const SET_BYTES = 80;
/** Of a reply, what is missing from the database may take so much: each page says it anew. */
const DAMAGE_PART = 1 / 4;

/** Lists every host that reported or has a log. */
export async function listHosts(
  transaction: Transaction,
  request: HostsRequest,
  { nowMs, budgetBytes }: Terms,
): Promise<HostsReply> {
  const { session, tables } = transaction;
  const limit = limitOf(request, budgetBytes);
  const hosts = await tables.heads.listed(session, request.after ?? '', limit);
  const between = [hosts[0] ?? '', hosts.at(-1) ?? ''] as const;
  const words = await tables.hosts.words.all(session);
  const heads = await tables.heads.between(session, ...between);
  const standings = new Standings(transaction);
  const notSent = await countNotSent(transaction, hosts, words);
  const make = async (host: string): Promise<HostItem> => {
    const item = await hostOf(host, heads.get(host) ?? 0, words.get(host)?.report, standings);
    const redirects = notSent.get(host);
    return { ...item, ...(redirects !== undefined && { notSent: { code: 'AGENT_TOO_OLD', redirects } }) };
  };
  const damage = transaction.damage && damageOf(transaction.damage, budgetBytes * DAMAGE_PART);
  const name = (host: string): string => host;
  const items = await fill(hosts, make, name, budgetBytes - bytesOf(damage ?? {}));
  const next = nextOf(hosts, items.length, limit, name);
  return { v: 1, items, next, at: nowMs, ...(damage !== undefined && { damage }) };
}

function damageOf(damage: Damage, budgetBytes: number): SpecsDamage {
  const { lost, standing } = damage;
  const told = { code: 'SPECS_DAMAGED', missing: lost, nameless: namelessOf(damage), standingTotal: standing.length };
  return { ...told, standing: fitting(standing.slice(0, MAX_UNFOUNDED), budgetBytes - bytesOf(told)) };
}

function nameOf({ claim }: StoredSpec): string {
  return claim.name;
}

async function chooseSpecs(
  { session, tables }: Transaction,
  request: GetRequest,
  limit: number,
): Promise<StoredSpec[]> {
  const { name, after = '', set, labels } = request;
  if (name === undefined && set === undefined && labels === undefined) return tables.specs.list(session, after, limit);
  const filter = { ...(set && { set }), ...(labels && { hosts: labels }) };
  const named = name === undefined ? await tables.sets.names(session, filter, { after, limit }) : [{ name }];
  const specs = await Promise.all(named.map((one) => tables.specs.find(session, one.name)));
  return specs.filter((spec) => spec !== undefined);
}

/** The sets that some redirects are in, by their names. */
async function setsOf(
  { session, tables }: Transaction,
  specs: readonly StoredSpec[],
): Promise<ReadonlyMap<string, string>> {
  const [first, last] = [specs.at(0), specs.at(-1)];
  return first === undefined || last === undefined
    ? new Map()
    : tables.sets.between(session, nameOf(first), nameOf(last));
}

async function hostOf(host: string, head: number, report: Report | undefined, standings: Standings): Promise<HostItem> {
  if (report === undefined) return { ...UNHEARD, host, head };
  const { epoch, stored, applied, verified, counts, exceptionsTotal, labels, agent, program } = report.status;
  const { problems, bypass, ended, undelivered, passedTotal } = report.status;
  const problem = problems?.[0]?.code ?? report.status.problem;
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
    agent,
    ...(program !== undefined && { program }),
    ...(bypass !== undefined && { bypass }),
    ...(ended !== undefined && { ended }),
    ...(counts.idle > 0 && { idle: counts.idle }),
    ...(undelivered?.length && { undelivered: undelivered.length }),
    ...(passedTotal && { passed: passedTotal }),
    ...troublesOf(report.status),
  };
}

/** How many redirects are for each of some hosts and not sent to it, because its agent is too old for them. */
async function countNotSent(
  { session, tables }: Transaction,
  hosts: readonly string[],
  words: ReadonlyMap<string, LastWord>,
): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  const demands = await tables.specs.demands(session);
  if (demands.length === 0) return counts;
  const asked = new Set(hosts);
  const fleet = fleetOf(words.values().map(({ report }) => report.status));
  for (const { hosts: selector, needs, redirects } of demands) {
    for (const { host, can } of fleet.selected(selector)) {
      if (asked.has(host) && lackOf({ needs }, { can }).length > 0)
        counts.set(host, (counts.get(host) ?? 0) + redirects);
    }
  }
  return counts;
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
