import {
  type GetItem,
  type GetReply,
  type GetRequest,
  type HostItem,
  type HostsReply,
  type HostsRequest,
  MAX_ITEM_HOSTS,
  MAX_UNFOUNDED,
  type NotSent,
  type SpecsDamage,
} from '../../protocol/listings.ts';
import { Standings } from '../log/standings.ts';
import type { Transaction } from '../log/transaction.ts';
import { type Claim, contends, lackOf } from '../model/claim.ts';

import { type Damage, namelessOf } from '../model/damage.ts';

import type { Fleet } from '../model/fleet.ts';
import type { Report } from '../ports.ts';
import type { StoredSpec } from '../store/tables/specs.ts';
import { bytesOf, fill, limitOf, nextOf } from './paging.ts';

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
  const notSent = await countNotSent(transaction);
  const make = async (host: string): Promise<HostItem> => {
    const item = await hostOf(host, heads.get(host) ?? 0, reports.get(host), standings);
    const redirects = notSent.get(host);
    return { ...item, ...(redirects !== undefined && { notSent: { code: 'AGENT_TOO_OLD', redirects } }) };
  };
  const damage = transaction.damage && damageOf(transaction.damage);
  const items = await fill(hosts, make, budgetBytes - bytesOf(damage ?? {}));
  const next = nextOf(hosts, items.length, limitOf(request), (host) => host);
  return { v: 1, items, next, ...(damage !== undefined && { damage }) };
}

function damageOf(damage: Damage): SpecsDamage {
  const { lost, standing } = damage;
  return {
    code: 'SPECS_DAMAGED',
    missing: lost,
    nameless: namelessOf(damage),
    standing: standing.slice(0, MAX_UNFOUNDED),
    standingTotal: standing.length,
  };
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
    ...notSentOf(claim, fleet),
  };
}

/** The hosts that a redirect is for and whose agents are too old for it. */
function notSentOf(claim: Claim, fleet: Fleet): Pick<GetItem, 'notSent' | 'notSentTotal'> {
  if (!claim.enabled || claim.needs.length === 0) return {};
  const notSent = [...fleet.selected(claim.hosts)].flatMap((host): NotSent[] => {
    const lacks = lackOf(claim, host);
    return lacks.length === 0 ? [] : [{ host: host.host, code: 'AGENT_TOO_OLD', lacks }];
  });
  if (notSent.length === 0) return {};
  notSent.sort((a, b) => (a.host < b.host ? -1 : 1));
  return { notSent: notSent.slice(0, MAX_ITEM_HOSTS), notSentTotal: notSent.length };
}

async function hostOf(host: string, head: number, report: Report | undefined, standings: Standings): Promise<HostItem> {
  if (report === undefined) return { ...UNHEARD, host, head };
  const { epoch, stored, applied, verified, counts, exceptionsTotal, labels } = report.status;
  const { problems, bypass, undelivered, passedTotal } = report.status;
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
    ...(bypass !== undefined && { bypass }),
    ...(undelivered?.length && { undelivered: undelivered.length }),
    ...(passedTotal && { passed: passedTotal }),
  };
}

/** How many redirects are for each host and not sent to it, because its agent is too old for them. */
async function countNotSent({ session, tables }: Transaction): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  const demands = await tables.specs.demands(session);
  if (demands.length === 0) return counts;
  const fleet = await tables.hosts.fleet(session);
  for (const { hosts, needs, redirects } of demands) {
    for (const { host, can } of fleet.selected(hosts)) {
      if (lackOf({ needs }, { can }).length > 0) counts.set(host, (counts.get(host) ?? 0) + redirects);
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
