import type { GetItem, NotSent } from '../../protocol/listings.ts';
import { isInForce, LIVE_STATES, type Live, type LiveGroup, MAX_GROUPS, MAX_TOLD } from '../../protocol/live.ts';
import type { RedirectRate } from '../../protocol/top.ts';
import { Standings } from '../log/standings.ts';
import type { Transaction } from '../log/transaction.ts';
import { type Fleet, fleetOf } from '../model/fleet.ts';
import { type HostNow, hostNow, INSTALLED, isPlain, type Stand, standOf, type Wanted } from '../model/live.ts';
import type { RatesNow } from '../ports.ts';
import type { Held, Holders } from '../store/tables/holders.ts';

type Lists = Pick<GetItem, 'shadowed'> & { readonly notSent: readonly NotSent[] };
type Group = Omit<Stand, 'leftMs'> & { readonly by?: string; leftMs?: number; total: number; readonly hosts: string[] };

/** The whole fleet as a listing sees it: who holds what, what every host said last, and how it stands now. */
export class FleetView {
  /** As selectors see it. */
  readonly fleet: Fleet;
  readonly #transaction: Transaction;
  readonly #holders: Holders;
  readonly #nowMs: number;
  /** By the number of the host. */
  readonly #hosts: readonly HostNow[];
  /** By number: up to which rev all that a host is to have is installed there, for all that is said; -1 where it has to be asked. */
  readonly #plain: Float64Array;
  /** By number, whether it told of all rates; made when it is asked for. */
  #complete: Uint8Array | undefined;

  private constructor(transaction: Transaction, fleet: Fleet, hosts: readonly HostNow[], nowMs: number) {
    this.fleet = fleet;
    this.#transaction = transaction;
    this.#holders = transaction.tables.changes.holders;
    this.#hosts = hosts;
    this.#plain = Float64Array.from(hosts, (now) => (isPlain(now) ? now.applied : -1));
    this.#nowMs = nowMs;
  }

  static async read(transaction: Transaction, nowMs: number): Promise<FleetView> {
    const { session, tables } = transaction;
    const words = await tables.hosts.words.all(session);
    await tables.changes.holders.look(session);
    const standings = new Standings(transaction);
    const levels = new Map<string, Stand>();
    const hosts: HostNow[] = [];
    for (const host of tables.changes.holders.names) {
      const word = words.get(host);
      const { epoch = '', stored = 0 } = word?.report.status ?? {};
      const last = word && { said: word.said, seenAtMs: word.report.seenAtMs };
      const now = hostNow(last, await standings.of({ epoch, rev: stored }), nowMs);
      hosts.push({ ...now, level: now.level && alike(levels, now.level) });
    }
    const fleet = fleetOf(words.values().map(({ report }) => report.status));
    return new FleetView(transaction, fleet, hosts, nowMs);
  }

  /** Whoever holds a key. */
  holders(key: string): Promise<readonly Held[]> {
    return this.#holders.of(this.#transaction.session, key);
  }

  /** The hosts that hold it, or the first of them, in the order of their names. */
  namesOf(held: Held, most = held.hosts.length): string[] {
    return Array.from(held.hosts.subarray(0, most), (number) => this.#holders.nameOf(number));
  }

  /** How fast packets meet it, on the hosts that hold it. */
  rateOf(held: Held | undefined, rates: RatesNow | undefined): RedirectRate | undefined {
    if (held === undefined || rates === undefined) return undefined;
    this.#complete ??= Uint8Array.from(this.#holders.names, (host) => Number(rates.isComplete(host)));
    const told = this.#complete;
    let complete = 0;
    for (const number of held.hosts) complete += told[number] ?? 0;
    return rates.of(held.name, { total: held.hosts.length, complete });
  }

  /** How a redirect stands on all hosts that it is for. */
  live(wanted: Wanted, held: Held | undefined, { shadowed, notSent }: Lists): Live {
    const all = held === undefined ? new Map<string, Group>() : merge(this.#grouped(wanted, held));
    for (const { host, by } of shadowed) add(all, { state: 'shadowed', by }, host);
    for (const { host, code } of notSent) add(all, { state: 'unsent', code }, host);
    const states = [...all.values()].sort(compareGroups);
    return {
      hosts: sum(states.filter(isInForce)),
      total: sum(states),
      states: states.slice(0, MAX_GROUPS),
    };
  }

  /** Most hosts of a fleet have nothing wrong: those are counted, and no more. */
  #grouped(wanted: Wanted, { hosts, revs }: Held): Iterable<Group> {
    const installed: Group = { ...INSTALLED, total: 0, hosts: [] };
    const groups = new Map<Stand, Group>([[INSTALLED, installed]]);
    const lasts = wanted.expires === undefined || wanted.expires > this.#nowMs;
    for (let at = 0; at < hosts.length; at += 1) {
      const number = hosts[at] ?? 0;
      const rev = revs[at] ?? 0;
      if (lasts && rev <= (this.#plain[number] ?? -1)) {
        installed.total += 1;
        if (installed.hosts.length < MAX_TOLD) installed.hosts.push(this.#holders.nameOf(number));
        continue;
      }
      const stand = this.#stand(wanted, number, rev);
      count(groups, stand, stand, () => this.#holders.nameOf(number));
    }
    return groups.values().filter(({ total }) => total > 0);
  }

  #stand(wanted: Wanted, number: number, rev: number): Stand {
    const host = this.#hosts[number];
    return host === undefined ? UNHEARD : standOf(wanted, rev, host, this.#nowMs);
  }
}

const NEVER = Number.POSITIVE_INFINITY;
const UNHEARD: Stand = Object.freeze({ state: 'unheard' });

/** One object for all that are equal: a thousand redirects on a thousand silent hosts are counted by it. */
function alike(levels: Map<string, Stand>, level: Stand): Stand {
  const text = textOf(level);
  const known = levels.get(text) ?? level;
  levels.set(text, known);
  return known;
}

function count<Key>(groups: Map<Key, Group>, key: Key, of: Stand & { readonly by?: string }, host: () => string): void {
  const group = groups.get(key) ?? { ...of, total: 0, hosts: [] };
  if (group.total === 0) groups.set(key, group);
  group.total += 1;
  if (of.leftMs !== undefined) group.leftMs = Math.min(of.leftMs, group.leftMs ?? of.leftMs);
  if (group.hosts.length < MAX_TOLD) group.hosts.push(host());
}

function add(groups: Map<string, Group>, of: Stand & { readonly by?: string }, host: string): void {
  count(groups, textOf(of), of, () => host);
}

/** Groups of equal stands as one; the first hosts stay the first. */
function merge(parts: Iterable<Group>): Map<string, Group> {
  const groups = new Map<string, Group>();
  for (const part of parts) {
    const known = groups.get(textOf(part));
    if (known === undefined) groups.set(textOf(part), part);
    else {
      const hosts = [...known.hosts, ...part.hosts].sort().slice(0, MAX_TOLD);
      const left = Math.min(known.leftMs ?? NEVER, part.leftMs ?? NEVER);
      const soonest = left < NEVER ? { leftMs: left } : {};
      groups.set(textOf(part), { ...known, ...soonest, total: known.total + part.total, hosts });
    }
  }
  return groups;
}

function textOf({ state, code = '', by = '' }: Stand & { readonly by?: string }): string {
  return `${state} ${code} ${by}`;
}

/** The worst first; of equals what is on most hosts. */
function compareGroups(a: Group, b: Group): number {
  return (
    LIVE_STATES.indexOf(a.state) - LIVE_STATES.indexOf(b.state) || b.total - a.total || (textOf(a) < textOf(b) ? -1 : 1)
  );
}

function sum(groups: readonly LiveGroup[]): number {
  return groups.reduce((total, group) => total + group.total, 0);
}
