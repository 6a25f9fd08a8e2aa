import type { Collateral } from '../../protocol/effects.ts';
import type { Selector } from '../../protocol/spec.ts';
import {
  type Claim,
  compareClaims,
  type HostFacts,
  isAble,
  isList,
  isSeenBy,
  lackOf,
  selectorText,
  selects,
} from '../model/claim.ts';
import type { Fleet } from '../model/fleet.ts';
import { type Compiled, compileKeys } from './compile.ts';
import { changeOf, collateralOf, type KeyChange } from './effects.ts';
import { KeyParts, type Overlaps, type Placed, ShapeGroups } from './overlap.ts';

/** What a request does to one spec; `same` when it is there already, word for word. */
export interface Move {
  readonly before: Claim | undefined;
  readonly after: Claim | undefined;
  readonly same: boolean;
}

export interface Proposal {
  /** Every claim as stored. */
  readonly claims: readonly Claim[];
  readonly moves: readonly Move[];
  readonly fleet: Fleet;
  /** What ends before it stands nowhere any more. */
  readonly nowMs?: number;
}

/** A redirect that is for a host and not sent to it, because its agent does not say that it can do this. */
export interface NotSent {
  readonly name: string;
  readonly lacks: readonly string[];
}

export interface Shadow {
  readonly key: string;
  readonly name: string;
  readonly by: string;
  /** Decided by the names alone. */
  readonly tie: boolean;
}

/** What would become of hosts that the same selectors select, that rollouts have reached alike and that can do the same: it is the same on each. */
export interface GroupPreview {
  readonly hosts: readonly HostFacts[];
  readonly changes: readonly KeyChange[];
  readonly shadows: readonly Shadow[];
  readonly collateral: readonly Collateral[];
  readonly notSent: readonly NotSent[];
  readonly overlaps: Overlaps;
  readonly redirects: number;
  readonly shapes: Readonly<Record<4 | 6, number>>;
}

const NO_OVERLAPS: Overlaps = Object.freeze({ pairs: [], total: 0 });

type Claims = ReadonlyMap<string, readonly Claim[]>;

interface Group {
  readonly hosts: HostFacts[];
  readonly selectors: readonly string[];
}

/**
 * Works out what moves of specs would do to each host that they concern, without doing it. What stands on a host follows
 * from the selectors that select it and from what its agent can, so hosts that are alike in both are compiled once.
 */
export class Preview {
  readonly #proposal: Proposal;
  readonly #asked: ReadonlySet<string>;
  readonly #named: ReadonlySet<string>;
  readonly #keyParts = new KeyParts();
  /** The keys that moves touch, by the texts of the selectors through which they concern hosts. */
  readonly #touched = new Map<string, Set<string>>();
  /** By key, the touched ones only. */
  readonly #before: Claims;
  readonly #after: Claims;
  /** All claims afterwards, by their selector's text. */
  readonly #bySelector: Claims;
  readonly #selectors = new Map<string, Selector>();

  constructor(proposal: Proposal) {
    const { claims, moves } = proposal;
    this.#proposal = proposal;
    for (const { key, hosts } of claimsOf(moves)) addTo(this.#touched, selectorText(hosts), key);
    this.#asked = new Set(moves.flatMap(({ after }) => (after?.enabled ? [after.key] : [])));
    const keys = new Set([...claimsOf(moves)].map(({ key }) => key));
    const moved = new Set([...claimsOf(moves)].map(({ name }) => name));
    this.#named = moved;
    const after = claimsAfter(proposal);
    const touched = ({ key }: Claim): boolean => keys.has(key);
    this.#before = Map.groupBy(claims.filter(touched), ({ key }) => key);
    this.#after = Map.groupBy(after.filter(touched), ({ key }) => key);
    this.#bySelector = Map.groupBy(after, ({ hosts }) => selectorText(hosts));
    for (const { hosts } of [...claims, ...after]) this.#selectors.set(selectorText(hosts), hosts);
  }

  /** What becomes of one group of hosts after the other, with so many overlaps at most; 0: none is looked for. Undefined: nothing is ready yet, and others may work in between. */
  *groups(overlapLimit: number): Generator<GroupPreview | undefined> {
    yield undefined;
    for (const group of this.#grouped()) yield* this.#ofGroup(group, overlapLimit);
  }

  #grouped(): Iterable<Group> {
    const concerned = this.#concernedHosts();
    const texts = [...this.#selectors.keys()];
    const selectorsOf = selections(this.#selectors.values(), concerned);
    const reached = reachedOf(this.#proposal.claims);
    const groups = new Map<string, Group>();
    for (const host of concerned) {
      const chosen = selectorsOf.get(host.host) ?? [];
      const text = JSON.stringify([chosen, host.can, reached.map((hosts) => hosts.has(host.host))]);
      const group = groups.get(text);
      if (group === undefined) groups.set(text, { hosts: [host], selectors: chosen.map((at) => texts[at] ?? '') });
      else group.hosts.push(host);
    }
    return groups.values();
  }

  #concernedHosts(): readonly HostFacts[] {
    const { fleet } = this.#proposal;
    const hosts = new Map<string, HostFacts>();
    for (const text of this.#touched.keys())
      for (const facts of fleet.selected(this.#selectors.get(text) ?? [])) hosts.set(facts.host, facts);
    return [...hosts.values()].sort((a, b) => (a.host < b.host ? -1 : 1));
  }

  *#ofGroup({ hosts, selectors }: Group, overlapLimit: number): Generator<GroupPreview | undefined> {
    const [host] = hosts as [HostFacts];
    const keys = new Set(selectors.flatMap((text) => [...(this.#touched.get(text) ?? [])]));
    const before = compileKeys(keys, this.#before, host);
    yield undefined;
    const after = compileKeys(keys, this.#after, host);
    yield undefined;
    const placed = this.#placed(selectors, host);
    yield undefined;
    const shapes = new ShapeGroups(placed, this.#keyParts);
    yield undefined;
    const changes = this.#changes(keys, before, after, shapes);
    yield {
      hosts,
      changes,
      collateral: changes.flatMap((change) =>
        collateralOf(change, before.get(change.key) !== undefined, (name) => this.#named.has(name)),
      ),
      shadows: [...after].flatMap(([key, compiled]) => shadowsOf(key, compiled)),
      notSent: [...keys].flatMap((key) => this.#notSent(key, host)),
      overlaps: overlapLimit === 0 ? NO_OVERLAPS : shapes.overlaps(overlapLimit),
      redirects: placed.length,
      shapes: { 4: shapes.count(4), 6: shapes.count(6) },
    };
  }

  #changes(
    keys: ReadonlySet<string>,
    before: ReadonlyMap<string, Compiled | undefined>,
    after: ReadonlyMap<string, Compiled | undefined>,
    shapes: ShapeGroups,
  ): readonly KeyChange[] {
    const stood = [...before].flatMap(([key, one]) => (one === undefined ? [] : [{ ...one, key, asked: false }]));
    const scene = {
      after: shapes,
      before: new ShapeGroups(stood, this.#keyParts),
      isTouched: (key: string) => keys.has(key),
      nowMs: this.#proposal.nowMs ?? 0,
    };
    return [...keys].flatMap((key) => changeOf(key, before.get(key), after.get(key), scene) ?? []);
  }

  /** What the request asks for at a key and the host's agent cannot do. */
  #notSent(key: string, host: HostFacts): readonly NotSent[] {
    const claims = (this.#after.get(key) ?? []).filter(
      (claim) => claim.enabled && isSeenBy(claim, host) && selects(claim.hosts, host),
    );
    const lacking = claims.map((claim) => ({ name: claim.name, lacks: lackOf(claim, host) }));
    return lacking.filter(({ lacks }) => lacks.length > 0);
  }

  /** What would stand on a host: the winner of each key. */
  #placed(selectors: readonly string[], host: HostFacts): readonly Placed[] {
    const winners = new Map<string, Claim>();
    for (const text of selectors) {
      for (const claim of this.#bySelector.get(text) ?? []) {
        if (!claim.enabled || !isSeenBy(claim, host) || !isAble(host, claim)) continue;
        const best = winners.get(claim.key);
        if (best === undefined || compareClaims(claim, best) < 0) winners.set(claim.key, claim);
      }
    }
    return [...winners.values()].map(({ key, name, body }) => ({ key, name, body, asked: this.#asked.has(key) }));
  }
}

/** Every claim as it would be. */
export function claimsAfter({ claims, moves }: Pick<Proposal, 'claims' | 'moves'>): readonly Claim[] {
  const moved = new Set(claimsOf(moves).map(({ name }) => name));
  return [...claims.filter(({ name }) => !moved.has(name)), ...moves.flatMap((move) => move.after ?? [])];
}

/** What stands of the redirects that moves are about, before and after them. */
export function* claimsOf(moves: readonly Move[]): Generator<Claim> {
  for (const { before, after } of moves) {
    if (before !== undefined) yield before;
    if (after !== undefined) yield after;
  }
}

/** The hosts that rollouts have reached, of each that is under way. */
function reachedOf(claims: readonly Claim[]): readonly ReadonlySet<string>[] {
  return [...new Set(claims.map(({ onlyOn, notOn }) => onlyOn ?? notOn))].filter((hosts) => hosts !== undefined);
}

/** Which of the selectors select each of some hosts: by their numbers, since the text of a list may be long. */
function selections(
  selectors: Iterable<Selector>,
  hosts: readonly HostFacts[],
): ReadonlyMap<string, readonly number[]> {
  const chosen = new Map<string, number[]>(hosts.map(({ host }) => [host, []]));
  for (const [at, selector] of Iterator.from(selectors).toArray().entries()) {
    const names = isList(selector) ? selector : hosts.filter((host) => selects(selector, host)).map(({ host }) => host);
    for (const host of names) chosen.get(host)?.push(at);
  }
  return chosen;
}

function shadowsOf(key: string, compiled: Compiled | undefined): readonly Shadow[] {
  return (
    compiled?.shadowed.map((name, at) => ({ key, name, by: compiled.name, tie: compiled.tie === true && at === 0 })) ??
    []
  );
}

function addTo(sets: Map<string, Set<string>>, name: string, value: string): void {
  const set = sets.get(name);
  if (set === undefined) sets.set(name, new Set([value]));
  else set.add(value);
}
