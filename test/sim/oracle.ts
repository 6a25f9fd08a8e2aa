import { keyOf } from '../../protocol/key.ts';
import { parseSpec, type Spec, specToJson } from '../../protocol/spec.ts';
import { NEIGHBOURS, NOWHERE } from './addresses.ts';
import type { HostName, Wish } from './schedule.ts';

const NOTHING = 'nothing';
const NOWHERES: readonly string[] = Object.values(NOWHERE);
/** Matches of more shapes than a host has room for, of both families, and of one interface. */
const MATCHES: readonly { readonly dst: string; readonly [field: string]: string | number }[] = [
  { dst: '203.0.113.0', proto: 'udp', dport: 443 },
  { dst: '203.0.113.1', proto: 'udp', dport: 443, in: 'eth0' },
  { dst: '203.0.113.2', proto: 'udp', dport: 443 },
  { dst: '203.0.113.3', proto: 'udp' },
  { dst: '203.0.113.4' },
  { dst: '2001:db8::5', proto: 'udp', dport: 443 },
  { dst: '2001:db8::6', proto: 'udp', in: 'eth0' },
];

function targetOf({ dst, to }: Wish): object | string {
  if (to === 'pass' || to === 'drop') return to;
  const family = MATCHES[dst]?.dst.includes(':') ? 6 : 4;
  return { nexthop: to === 'nowhere' ? NOWHERE[family] : NEIGHBOURS[to][family] };
}

/** A spec as an operator writes it. */
export function written(wish: Wish, nowMs: number): object {
  const { name, hosts, dst, priority, enabled, lifeMs, idleMs, rearm } = wish;
  const expires = lifeMs === 0 ? {} : { expires: nowMs + lifeMs };
  const match = MATCHES[dst];
  const idle = idleMs === 0 ? {} : { idle: { after: idleMs, rearm } };
  return { name, hosts, enabled, match, to: targetOf(wish), priority, ...expires, ...idle };
}

/** What an operation that was asked for would leave of each name that it names: a spec's text, or nothing. */
type Effect = ReadonlyMap<string, string>;

/**
 * What operators asked for, and what of it may be in effect: what was answered is, what was not may be. It knows nothing of
 * how a controller works.
 */
export class Oracle {
  /** By name, everything that it may be now. */
  #possible = new Map<string, Set<string>>();
  /** Asked and not answered. */
  #open = new Set<Effect>();
  /** Of these, what a database that was put back may have lost before it was answered. */
  readonly #overtaken = new WeakSet<Effect>();

  /** Notes an operation; answers what to call with what became of it. */
  asked(specs: readonly object[], deleted: readonly string[]): (became: 'done' | 'refused' | 'unknown') => void {
    const effect: Effect = new Map([
      ...deleted.map((name) => [name, NOTHING] as const),
      ...specs.map((spec) => textOf(spec)),
    ]);
    const alone = this.#open.size === 0;
    const before = new Map([...effect.keys()].map((name) => [name, new Set(this.#of(name))]));
    this.#open.add(effect);
    for (const [name, text] of effect) this.#of(name).add(text);
    return (became) => {
      const undisturbed = alone && this.#open.size === 1 && this.#open.has(effect);
      if (became !== 'unknown') this.#open.delete(effect);
      if (!undisturbed || became === 'unknown' || this.#overtaken.has(effect)) return;
      for (const [name, text] of effect) {
        this.#possible.set(name, became === 'done' ? new Set([text]) : (before.get(name) ?? new Set([NOTHING])));
      }
    };
  }

  /** Compares with what a controller says that there is, and answers what cannot be. From then on that is what there is. */
  settle(found: readonly object[]): readonly string[] {
    const texts = new Map(found.map(textOf));
    const names = new Set([...this.#possible.keys(), ...texts.keys()]);
    const wrong = [...names].flatMap((name) => {
      const is = texts.get(name) ?? NOTHING;
      const might = this.#of(name);
      return might.has(is) ? [] : [`${name} is ${is}, and can only be ${[...might].join(' or ')}`];
    });
    this.#possible = new Map([...texts].map(([name, text]) => [name, new Set([text])]));
    this.#open = new Set();
    return wrong;
  }

  /** As it was when a database was copied. */
  copy(): () => void {
    const possible = new Map([...this.#possible].map(([name, texts]) => [name, new Set(texts)]));
    const open = new Set(this.#open);
    return () => {
      this.#possible = new Map([...possible].map(([name, texts]) => [name, new Set(texts)]));
      // What nobody has answered may be on its way still, and be carried out on what was put back.
      for (const effect of this.#open) {
        this.#overtaken.add(effect);
        for (const [name, text] of effect) this.#of(name).add(text);
      }
      this.#open = new Set([...open, ...this.#open]);
    };
  }

  #of(name: string): Set<string> {
    const known = this.#possible.get(name) ?? new Set([NOTHING]);
    this.#possible.set(name, known);
    return known;
  }
}

const read = new WeakMap<object, Spec>();

/** Reads it once. */
function specOf(json: object): Spec {
  const spec = read.get(json) ?? parseSpec(json);
  read.set(json, spec);
  return spec;
}

function textOf(spec: object): [string, string] {
  const parsed = specOf(spec);
  return [parsed.name, JSON.stringify(specToJson(parsed))];
}

/** What has to stand in the kernel of a host, by key. */
export function expectedOn(
  host: HostName,
  labels: Readonly<Record<string, string>>,
  specs: readonly object[],
  { can, nowMs }: { readonly can: readonly string[]; readonly nowMs: number },
): { readonly wanted: readonly string[]; readonly standing: ReadonlyMap<string, 'pass' | 'drop' | 'send'> } {
  const winners = winnersOn({ host, labels, can }, specs.map(specOf));
  // Nobody has come for longer than any of them waits.
  const acting = [...winners].filter(
    ([, { expires = Number.POSITIVE_INFINITY, idle }]) => expires > nowMs && idle === undefined,
  );
  const standing = acting.flatMap(([key, { to }]): [string, 'pass' | 'drop' | 'send'][] => {
    if (to === 'pass' || to === 'drop') return [[key, to]];
    return 'nexthop' in to && !NOWHERES.includes(to.nexthop) ? [[key, 'send']] : [];
  });
  return { wanted: [...winners.keys()].sort(), standing: new Map(standing) };
}

/** A host as specs see it. One that nobody has heard has no labels, and only its name selects it. */
export interface Seen {
  readonly host: string;
  readonly labels: Readonly<Record<string, string>> | undefined;
  readonly can: readonly string[];
}

/** Which of some specs are to stand on a host, by key. */
export function winnersOn(seen: Seen, specs: Iterable<Spec>): ReadonlyMap<string, Spec> {
  const winners = new Map<string, Spec>();
  for (const spec of specs) {
    if (!spec.enabled || !isFor(spec, seen)) continue;
    if (spec.idle !== undefined && !seen.can.includes('idle')) continue;
    const key = keyOf(spec.match);
    const other = winners.get(key);
    if (other === undefined || beats(spec, other)) winners.set(key, spec);
  }
  return winners;
}

function isFor({ hosts }: Spec, { host, labels }: Seen): boolean {
  if (isList(hosts)) return hosts.includes(host);
  if (labels === undefined) return false;
  if (hosts === 'all') return true;
  return Object.entries(hosts).every(([label, value]) => labels[label] === value);
}

/** Higher priority, then list before labels before all, then the smaller name. */
function beats(a: Spec, b: Spec): boolean {
  if (a.priority !== b.priority) return a.priority > b.priority;
  const [wide, other] = [breadth(a), breadth(b)];
  return wide === other ? a.name < b.name : wide < other;
}

function breadth({ hosts }: Spec): number {
  if (hosts === 'all') return 2;
  return isList(hosts) ? 0 : 1;
}

function isList(hosts: Spec['hosts']): hosts is readonly string[] {
  return Array.isArray(hosts);
}
