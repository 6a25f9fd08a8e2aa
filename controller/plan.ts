import type { Selector } from '../protocol/spec.ts';
import { type Claim, type Compiled, compareClaims, compileKeys, type HostFacts, isList, selects } from './compile.ts';
import { Concern } from './concern.ts';
import { KeyParts, type Overlaps, ShapeGroups, type Standing } from './overlap.ts';

/** What a request does to one spec; `same` when it is there already, word for word. */
export interface Move {
  readonly before: Claim | undefined;
  readonly after: Claim | undefined;
  readonly same: boolean;
}

export interface Proposal {
  /** Every claim as stored; bodies are looked at only where a move touches the key. */
  readonly standing: readonly Claim[];
  readonly moves: readonly Move[];
  readonly known: ReadonlyMap<string, HostFacts>;
}

export interface KeyChange {
  readonly op: 'add' | 'change' | 'delete';
  readonly key: string;
  readonly name: string;
  /** The redirect that had the key, where it is another one. */
  readonly was: string | undefined;
}

export interface Shadow {
  readonly key: string;
  readonly name: string;
  readonly by: string;
}

/** What would become of hosts that the same selectors select: it is the same on each. */
export interface GroupPlan {
  readonly hosts: readonly HostFacts[];
  readonly changes: readonly KeyChange[];
  readonly shadows: readonly Shadow[];
  readonly overlaps: Overlaps;
  readonly redirects: number;
  readonly shapes: Readonly<Record<4 | 6, number>>;
}

type Claims = ReadonlyMap<string, readonly Claim[]>;

interface Group {
  readonly hosts: HostFacts[];
  readonly selectors: readonly string[];
  readonly keys: ReadonlySet<string>;
}

/**
 * Works out what moves of specs would do to each host that they concern, without doing it. What stands on a host follows
 * from the selectors that select it, so hosts with the same ones are compiled once.
 */
export class Planner {
  readonly #proposal: Proposal;
  readonly #asked: ReadonlySet<string>;
  readonly #keyParts = new KeyParts();
  readonly #concern = new Concern();
  /** By key, the concerned ones only. */
  readonly #before: Claims;
  readonly #after: Claims;
  /** All claims afterwards, by their selector's text. */
  readonly #bySelector: Claims;
  readonly #selectors = new Map<string, Selector>();

  constructor(proposal: Proposal) {
    const { standing, moves } = proposal;
    this.#proposal = proposal;
    for (const claim of claimsOf(moves)) this.#concern.add(claim);
    this.#asked = new Set(moves.flatMap(({ after }) => (after?.enabled ? [after.key] : [])));
    const keys = new Set(this.#concern.keys);
    const moved = new Set([...claimsOf(moves)].map(({ name }) => name));
    const after = [...standing.filter(({ name }) => !moved.has(name)), ...moves.flatMap((move) => move.after ?? [])];
    for (const { hosts } of [...standing, ...after]) this.#selectors.set(textOf(hosts), hosts);
    const concerned = ({ key }: Claim): boolean => keys.has(key);
    this.#before = Map.groupBy(standing.filter(concerned), ({ key }) => key);
    this.#after = Map.groupBy(after.filter(concerned), ({ key }) => key);
    this.#bySelector = Map.groupBy(after, ({ hosts }) => textOf(hosts));
  }

  /** Plans one group of hosts at a time, so that the caller can let others work in between. */
  *plan(overlapLimit: number): Generator<GroupPlan> {
    for (const group of this.#groups()) yield this.#planGroup(group, overlapLimit);
  }

  #groups(): Iterable<Group> {
    const concerned = this.#concern.hostsOf([...this.#concern.keys], this.#proposal.known);
    const selectorsOf = selections(this.#selectors, [...concerned.keys()]);
    const groups = new Map<string, Group>();
    for (const [host, keys] of [...concerned].sort(([a], [b]) => (a.host < b.host ? -1 : 1))) {
      const selectors = selectorsOf.get(host.host) ?? [];
      const text = JSON.stringify(selectors);
      const group = groups.get(text);
      if (group === undefined) groups.set(text, { hosts: [host], selectors, keys });
      else group.hosts.push(host);
    }
    return groups.values();
  }

  #planGroup({ hosts, selectors, keys }: Group, overlapLimit: number): GroupPlan {
    const [host] = hosts as [HostFacts];
    const before = compileKeys(keys, this.#before, host);
    const after = compileKeys(keys, this.#after, host);
    const standing = this.#standing(selectors);
    const shapes = new ShapeGroups(standing, this.#keyParts);
    return {
      hosts,
      changes: [...keys].flatMap((key) => changeOf(key, before.get(key), after.get(key)) ?? []),
      shadows: [...after].flatMap(([key, compiled]) => shadowsOf(key, compiled)),
      overlaps: shapes.overlaps(overlapLimit),
      redirects: standing.length,
      shapes: { 4: shapes.count(4), 6: shapes.count(6) },
    };
  }

  /** What would stand on a host: the winner of each key. */
  #standing(selectors: readonly string[]): readonly Standing[] {
    const winners = new Map<string, Claim>();
    for (const text of selectors) {
      for (const claim of this.#bySelector.get(text) ?? []) {
        if (!claim.enabled) continue;
        const best = winners.get(claim.key);
        if (best === undefined || compareClaims(claim, best) < 0) winners.set(claim.key, claim);
      }
    }
    return [...winners.values()].map(({ key, name }) => ({ key, name, asked: this.#asked.has(key) }));
  }
}

/** Answers the redirects whose selectors find no known host, and the hosts that they list and that never reported. */
export function strangers({ moves, known }: Pick<Proposal, 'moves' | 'known'>): {
  readonly unmatched: readonly string[];
  readonly unheard: readonly string[];
} {
  const unheard = new Set<string>();
  const found = new Map<string, boolean>();
  const unmatched: string[] = [];
  for (const { after } of moves) {
    if (!after?.enabled) continue;
    const text = textOf(after.hosts);
    if (isList(after.hosts)) for (const host of after.hosts) if (!known.has(host)) unheard.add(host);
    const matches = found.get(text) ?? known.values().some((host) => selects(after.hosts, host));
    found.set(text, matches);
    if (!matches) unmatched.push(after.name);
  }
  return { unmatched, unheard: [...unheard].sort() };
}

function* claimsOf(moves: readonly Move[]): Generator<Claim> {
  for (const { before, after } of moves) {
    if (before !== undefined) yield before;
    if (after !== undefined) yield after;
  }
}

/** The selectors that select each of some hosts, by their texts and always in the same order. */
function selections(
  selectors: ReadonlyMap<string, Selector>,
  hosts: readonly HostFacts[],
): ReadonlyMap<string, readonly string[]> {
  const chosen = new Map<string, string[]>(hosts.map(({ host }) => [host, []]));
  for (const [text, selector] of selectors) {
    const names = isList(selector) ? selector : hosts.filter((host) => selects(selector, host)).map(({ host }) => host);
    for (const host of names) chosen.get(host)?.push(text);
  }
  return chosen;
}

function changeOf(key: string, before: Compiled | undefined, after: Compiled | undefined): KeyChange | undefined {
  if (before?.body === after?.body) return undefined;
  if (after === undefined) return { op: 'delete', key, name: before?.name ?? '', was: undefined };
  const was = before === undefined || before.name === after.name ? undefined : before.name;
  return { op: before === undefined ? 'add' : 'change', key, name: after.name, was };
}

function shadowsOf(key: string, compiled: Compiled | undefined): readonly Shadow[] {
  return compiled?.shadowed.map((name) => ({ key, name, by: compiled.name })) ?? [];
}

function textOf(selector: Selector): string {
  return JSON.stringify(selector);
}
