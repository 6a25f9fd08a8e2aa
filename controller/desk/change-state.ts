import type { ChangeReply, ChangeRequest, Level, Undone, UndoneHost } from '../../protocol/change-state.ts';
import type { Exception } from '../../protocol/status.ts';
import { Standings } from '../log/standings.ts';
import type { Transaction } from '../log/transaction.ts';
import { type HostFacts, ingressOf, isList, lackOf, selects } from '../model/claim.ts';
import { undoneOn, type Word } from '../model/confirmation.ts';
import { Declined } from '../model/declined.ts';
import { type Fleet, fleetOf } from '../model/fleet.ts';
import { isMissed, type Said } from '../model/live.ts';
import type { Report } from '../ports.ts';
import type { Audit } from '../store/tables/audit.ts';
import type { Aim } from '../store/tables/audit-names.ts';
import type { LastWord } from '../store/tables/last-words.ts';
import { fill, limitOf, nextOf } from './paging.ts';

/** Several changes that begin alike are named as far as people read. */
const MAX_NAMED = 4;
/** What of joined hosts is looked for redirect by redirect; of more, all that they have is asked for. */
const MAX_LOOKED = 500_000;

/** Says on which hosts a change is done, and of the others why not. Errors: Declined UNKNOWN_CHANGE, AMBIGUOUS_CHANGE. */
export async function changeState(
  transaction: Transaction,
  { id, level = 'verified', also = [], ...paging }: ChangeRequest,
  nowMs: number,
  budgetBytes: number,
): Promise<ChangeReply> {
  const audit = await findChange(transaction, id);
  const view = await look(transaction, audit, also);
  const undone = await undoneHosts(transaction, view, level, nowMs);
  const count = (is: Undone): number => undone.filter((host) => host.is === is).length;
  const after = paging.after ?? '';
  const left = undone.filter(({ host }) => host > after);
  const limit = limitOf(paging, budgetBytes);
  const items = await fill(left.slice(0, limit), async (host) => host, nameOf, budgetBytes);
  const { unmatched, joined } = view;
  return {
    ...{
      v: 1,
      change: audit.change,
      verb: audit.verb,
      made: audit.atMs,
      ...audit.origin,
      level,
      ...(audit.confirm && { confirm: audit.confirm }),
    },
    total: view.revs.size,
    done: view.revs.size - undone.length,
    ...{ failed: count('failed'), stale: count('stale'), unreachable: count('unreachable') },
    ...(joined > 0 && { joined }),
    ...(unmatched > 0 && { unmatched }),
    items,
    next: nextOf(left.slice(0, limit), items.length, limit, nameOf),
  };
}

function nameOf({ host }: UndoneHost): string {
  return host;
}

/** The one change whose id begins like this. */
async function findChange({ session, tables }: Transaction, id: string): Promise<Audit> {
  const found = await tables.audit.startingWith(session, id, MAX_NAMED);
  const [audit, another] = found;
  if (audit === undefined)
    throw new Declined(
      'UNKNOWN_CHANGE',
      `there is no change ${id}: it never was, or is older than what is kept; see shunt history`,
    );
  if (another === undefined) return audit;
  const some = found.map(({ change }) => change).join(', ');
  throw new Declined('AMBIGUOUS_CHANGE', `several changes begin with ${id}: ${some}; write more of it`);
}

/** All that a change is judged by. */
interface View {
  readonly audit: Audit;
  readonly puts: boolean;
  readonly aims: readonly Aim[];
  readonly fleet: Fleet;
  /** Its hosts, each with its own rev. */
  readonly revs: ReadonlyMap<string, number>;
  readonly joined: number;
  readonly unmatched: number;
  /** Hosts that are not sent a redirect of it, which their agents are too old for. */
  readonly unsent: ReadonlyMap<string, string>;
  /** Redirects that are asked for as they are now. */
  readonly also: ReadonlySet<string>;
  /** What every host said last. */
  readonly words: ReadonlyMap<string, LastWord>;
}

async function look(transaction: Transaction, audit: Audit, also: readonly string[]): Promise<View> {
  const { session, tables } = transaction;
  const words = await tables.hosts.words.all(session);
  const fleet = fleetOf(words.values().map(({ report }) => report.status));
  const own = await tables.auditNames.aims(session, audit.id);
  const revs = new Map(await tables.audit.hostsOf(session, audit.id));
  const others = await joiners(transaction, audit, newcomers(own, fleet, revs));
  for (const [host, rev] of others) revs.set(host, rev);
  const joined = others.values().filter((rev) => rev > audit.revs.last);
  const aims = [...own, ...(await standing(transaction, also, revs))];
  const unsent = unsentOf(aims, fleet);
  for (const host of unsent.keys()) if (!revs.has(host)) revs.set(host, 0);
  return {
    audit,
    puts: also.length > 0 || (await tables.auditNames.puts(session, audit.id)),
    aims,
    fleet,
    revs,
    joined: joined.reduce((sum) => sum + 1, 0),
    unmatched: unmatchedOf(aims, fleet),
    unsent,
    also: new Set(also),
    words,
  };
}

/** Asks hosts for redirects as they are now, beside what they are asked for already. Answers whom these are for. */
async function standing(
  { session, tables, turn }: Transaction,
  names: readonly string[],
  revs: Map<string, number>,
): Promise<readonly Aim[]> {
  const { holders } = tables.changes;
  if (names.length > 0) await holders.look(session);
  const aims: Aim[] = [];
  for (const name of names) {
    const claim = (await tables.specs.find(session, name))?.claim;
    if (claim === undefined || !claim.enabled) continue;
    aims.push({ hosts: claim.hosts, needs: claim.needs, ingress: ingressOf(claim), redirects: 1, name });
    const held = (await holders.of(session, claim.key)).find((one) => one.name === name);
    for (const [at, number] of held?.hosts.entries() ?? []) {
      const [host, rev] = [holders.nameOf(number), held?.revs[at] ?? 0];
      revs.set(host, Math.max(revs.get(host) ?? 0, rev));
    }
    await turn();
  }
  return aims;
}

/** Hosts that redirects of the change are for, and that were told nothing of it when it was made: they had it, or were not there. */
function newcomers(aims: readonly Aim[], fleet: Fleet, revs: ReadonlyMap<string, number>): readonly HostFacts[] {
  const found = new Map<string, HostFacts>();
  for (const { hosts } of aims)
    for (const facts of fleet.selected(hosts)) if (facts.known && !revs.has(facts.host)) found.set(facts.host, facts);
  return [...found.values()];
}

/** Of other hosts, those that have something of the change in their logs, and the rev that they are asked for. */
async function joiners(
  { session, tables, turn }: Transaction,
  { id, names }: Audit,
  hosts: readonly HostFacts[],
): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>();
  const isMuch = hosts.length * names > MAX_LOOKED;
  for (const { host } of hosts) {
    const rev = isMuch
      ? (await tables.heads.find(session, host)).rev
      : await tables.auditNames.revOn(session, id, host);
    if (rev > 0) found.set(host, rev);
    await turn();
  }
  return found;
}

function unsentOf(aims: readonly Aim[], fleet: Fleet): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const aim of aims.filter(({ needs }) => needs.length > 0))
    for (const facts of fleet.selected(aim.hosts))
      if (facts.known && lackOf(aim, facts).length > 0) found.set(facts.host, aim.name);
  return found;
}

/** How many redirects are for no host that ever reported; what lists its hosts has told them. */
function unmatchedOf(aims: readonly Aim[], fleet: Fleet): number {
  return aims
    .filter(({ hosts }) => !isList(hosts) && fleet.selected(hosts).next().done === true)
    .reduce((sum, { redirects }) => sum + redirects, 0);
}

async function undoneHosts(
  transaction: Transaction,
  view: View,
  level: Level,
  nowMs: number,
): Promise<readonly UndoneHost[]> {
  const puts = view.puts ? { isMine: await exceptionsOf(transaction, view), isMissed: missedBy(view) } : undefined;
  const { revs } = view.audit;
  const toConfirm = view.audit.confirm && revs;
  const standings = new Standings(transaction);
  const undone: UndoneHost[] = [];
  for (const [host, rev] of view.revs) {
    const heard = view.words.get(host);
    const word = heard && (await wordOf(heard, standings));
    const left =
      undoneOn({ rev, level, puts, toConfirm, revs }, word, nowMs) ??
      unsentOn(host, view, { rev, report: heard?.report });
    if (left !== undefined) undone.push({ host, ...left });
  }
  return undone.sort((a, b) => (a.host < b.host ? -1 : 1));
}

/** Tells of a host whether packets of some redirect that is for it come in there where the program does not run. */
function missedBy({ aims, fleet }: View): (said: Said) => boolean {
  return (said) => {
    const facts = fleet.get(said.status.host);
    return aims.some(({ hosts, ingress }) => isMissed(said, ingress) && selects(hosts, facts));
  };
}

async function wordOf({ report, said }: LastWord, standings: Standings): Promise<Word> {
  return { said, seenAtMs: report.seenAtMs, standing: await standings.of(cursorOf(report)) };
}

function unsentOn(
  host: string,
  { unsent }: View,
  { rev, report }: { readonly rev: number; readonly report: Report | undefined },
): Omit<UndoneHost, 'host'> | undefined {
  const name = unsent.get(host);
  if (name === undefined || report === undefined) return undefined;
  const { status, seenAtMs } = report;
  return { is: 'failed', rev, at: status.verified, seenAt: seenAtMs, state: 'unsent', code: 'AGENT_TOO_OLD', name };
}

function cursorOf({ status }: Report): { readonly epoch: string; readonly rev: number } {
  return { epoch: status.epoch, rev: status.stored };
}

/**
 * Tells which exceptions are of what the change put: the rev is one that it gave, or a later one that the host got as it
 * joined, came back or was mended, and nobody changed the redirect since.
 */
async function exceptionsOf(
  { session, tables }: Transaction,
  { audit, revs, words, also }: View,
): Promise<(exception: Exception) => boolean> {
  const names = new Set<string>();
  for (const host of revs.keys())
    for (const { name, rev } of words.get(host)?.report.status.exceptions ?? [])
      if (rev >= audit.revs.first) names.add(name);
  const newest = new Map<string, number | undefined>();
  for (const name of names) newest.set(name, await tables.auditNames.newestSince(session, audit.id, name));
  return ({ name, rev }) => {
    if (also.has(name)) return true;
    const last = newest.get(name);
    if (last === undefined || rev < audit.revs.first) return false;
    return rev <= audit.revs.last || last === audit.id;
  };
}
