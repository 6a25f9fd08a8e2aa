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
  /** What an agent has to be able to do for it. */
  readonly needs: readonly string[];
  /** Of what a rollout brings: the hosts that it has reached, and no other sees it. */
  readonly onlyOn?: ReadonlySet<string>;
  /** Of what stands while a rollout changes it: the hosts that the rollout has reached do not see it. */
  readonly notOn?: ReadonlySet<string>;
}

/** A host as selectors see it. One that never reported is selected by its name alone. */
export interface HostFacts {
  readonly host: string;
  readonly labels: Labels;
  readonly known: boolean;
  /** What its agent says that it can. */
  readonly can: readonly string[];
}

export function claimOf(spec: Spec): Claim {
  const { name, hosts, enabled, priority } = spec;
  const body = intentBody(spec);
  return { name, key: keyOf(spec.match), hosts, enabled, priority, body, needs: needsOf(body) };
}

/** Options of an intent that an agent ignores at the cost of its meaning: it gets them only if it says that it can. */
export const ABILITIES = ['idle', 'confirm'] as const;

/** What an intent's body asks of an agent. Within its texts every quote is escaped, so a field is not mistaken. */
export function needsOf(body: string): readonly string[] {
  return ABILITIES.filter((word) => body.includes(`"${word}":`));
}

/** The interface that the packets of a claim come in by; undefined for any. */
export function ingressOf({ body }: Pick<Claim, 'body'>): string | undefined {
  return (JSON.parse(body) as { readonly match: { readonly in?: string } }).match.in;
}

/** What a claim needs of an agent that the one of a host does not say that it can. */
export function lackOf({ needs }: Pick<Claim, 'needs'>, { can }: Pick<HostFacts, 'can'>): readonly string[] {
  return needs.filter((word) => !can.includes(word));
}

export function isAble(host: Pick<HostFacts, 'can'>, claim: Pick<Claim, 'needs'>): boolean {
  return lackOf(claim, host).length === 0;
}

/** Whether a claim may stand on a host: it is enabled and for that host, whose agent is able to do it. */
export function contends(claim: Claim, host: HostFacts): boolean {
  return claim.enabled && isSeenBy(claim, host) && selects(claim.hosts, host) && isAble(host, claim);
}

/** Whether a host is one of those that a claim counts for, as far as a rollout has come. */
export function isSeenBy(
  { onlyOn, notOn }: Pick<Claim, 'onlyOn' | 'notOn'>,
  { host }: Pick<HostFacts, 'host'>,
): boolean {
  return (onlyOn?.has(host) ?? true) && !notOn?.has(host);
}

/** Whether it sends packets to a next hop: nothing else can have them go round. */
export function hasNextHop({ enabled, body }: Pick<Claim, 'enabled' | 'body'>): boolean {
  return enabled && body.includes('"nexthop":');
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

/** Equal selectors have one text. */
export function selectorText(selector: Selector): string {
  return JSON.stringify(selector);
}

export function isList(selector: Selector): selector is readonly string[] {
  return Array.isArray(selector);
}

/** Orders claims to one key on one host, the winner first: higher priority, then narrower selector, then smaller name. */
export function compareClaims(a: Claim, b: Claim): number {
  return compareWeights(a, b) || (a.name < b.name ? -1 : 1);
}

/** Whether their names alone decide between two. */
export function isTie(a: Claim, b: Claim): boolean {
  return compareWeights(a, b) === 0;
}

function compareWeights(a: Claim, b: Claim): number {
  return b.priority - a.priority || breadth(a.hosts) - breadth(b.hosts);
}

function breadth(selector: Selector): number {
  if (isList(selector)) return 0;
  return selector === 'all' ? 2 : 1;
}
