import type { Selector } from '../../protocol/spec.ts';
import type { Transaction } from '../log/transaction.ts';
import { type Claim, claimOf, hasNextHop, selectorText } from '../model/claim.ts';
import type { Fleet } from '../model/fleet.ts';

/** What a rollout is about; it does not change while it is under way. */
export interface About {
  readonly names: readonly string[];
  readonly keys: readonly string[];
  /** Whom it is for, by what is in force before or after it. */
  readonly selectors: readonly Selector[];
  /** What it brings that sends packets to a next hop. */
  readonly sending: readonly Claim[];
}

export async function readAbout({ session, tables, turn }: Transaction, id: string): Promise<About> {
  const names: string[] = [];
  const keys = new Set<string>();
  const selectors = new Map<string, Selector>();
  const sending: Claim[] = [];
  for (const { name, before, after } of await tables.rolloutSpecs.of(session, id)) {
    names.push(name);
    for (const spec of [before, after]) {
      if (spec === undefined) continue;
      const claim = claimOf(spec);
      const { key, hosts, enabled } = claim;
      keys.add(key);
      if (spec === after && hasNextHop(claim)) sending.push(claim);
      if (enabled) selectors.set(selectorText(hosts), hosts);
    }
    if (names.length % NAMES_AT_ONCE === 0) await turn();
  }
  return { names, keys: [...keys], selectors: [...selectors.values()], sending };
}

const NAMES_AT_ONCE = 500;

/** The hosts that ever reported and that it is for. */
export function hostsOf({ selectors }: Pick<About, 'selectors'>, fleet: Fleet): ReadonlySet<string> {
  const hosts = new Set<string>();
  for (const selector of selectors) for (const { host, known } of fleet.selected(selector)) if (known) hosts.add(host);
  return hosts;
}
