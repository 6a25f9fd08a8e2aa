import type { Labels } from '../../protocol/host.ts';
import { intentBody } from '../../protocol/intent.ts';
import { keyOf } from '../../protocol/key.ts';
import type { Selector, Spec } from '../../protocol/spec.ts';

/** What a spec asks of the hosts that it selects. What an intent says does not depend on the host, so it is made once. */
export interface Claim {
  readonly name: string;
  readonly key: string;
  readonly hosts: Selector;
  readonly enabled: boolean;
  readonly priority: number;
  readonly body: string;
}

/** A host as selectors see it. One that never reported is selected by its name alone. */
export interface HostFacts {
  readonly host: string;
  readonly labels: Labels;
  readonly known: boolean;
}

/** What stands at a key of a host: the winner's body, and who would have it if the winner went, best first. */
export interface Compiled {
  readonly name: string;
  readonly body: string;
  readonly shadowed: readonly string[];
}

export function claimOf(spec: Spec): Claim {
  const { name, hosts, enabled, priority } = spec;
  return { name, key: keyOf(spec.match), hosts, enabled, priority, body: intentBody(spec) };
}

/** Tells whether a selector is for a host: all its labels match, or it lists the host, or it says `all`. */
export function selects(selector: Selector, host: HostFacts): boolean {
  if (isList(selector)) return selector.includes(host.host);
  if (!host.known) return false;
  if (selector === 'all') return true;
  return Object.entries(selector).every(
    ([label, value]) => Object.hasOwn(host.labels, label) && host.labels[label] === value,
  );
}

export function isList(selector: Selector): selector is readonly string[] {
  return Array.isArray(selector);
}

/** Orders claims to one key on one host, the winner first: higher priority, then narrower selector, then smaller name. */
export function compareClaims(a: Claim, b: Claim): number {
  return b.priority - a.priority || breadth(a.hosts) - breadth(b.hosts) || (a.name < b.name ? -1 : 1);
}

/**
 * Compiles some keys of one host from every claim to them: `undefined` where nobody claims the key any more.
 * The same for one changed key and for the whole of a host.
 */
export function compileKeys(
  keys: Iterable<string>,
  claims: ReadonlyMap<string, readonly Claim[]>,
  host: HostFacts,
): Map<string, Compiled | undefined> {
  const compiled = new Map<string, Compiled | undefined>();
  for (const key of keys) compiled.set(key, compileKey(claims.get(key) ?? [], host));
  return compiled;
}

function compileKey(claims: readonly Claim[], host: HostFacts): Compiled | undefined {
  const standing = claims.filter((claim) => claim.enabled && selects(claim.hosts, host)).sort(compareClaims);
  const [winner, ...losers] = standing;
  return winner && { name: winner.name, body: winner.body, shadowed: losers.map((loser) => loser.name) };
}

function breadth(selector: Selector): number {
  if (isList(selector)) return 0;
  return selector === 'all' ? 2 : 1;
}
