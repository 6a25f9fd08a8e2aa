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

/** Equal selectors have one text. */
export function selectorText(selector: Selector): string {
  return JSON.stringify(selector);
}

export function isList(selector: Selector): selector is readonly string[] {
  return Array.isArray(selector);
}

/** Orders claims to one key on one host, the winner first: higher priority, then narrower selector, then smaller name. */
export function compareClaims(a: Claim, b: Claim): number {
  return b.priority - a.priority || breadth(a.hosts) - breadth(b.hosts) || (a.name < b.name ? -1 : 1);
}

function breadth(selector: Selector): number {
  if (isList(selector)) return 0;
  return selector === 'all' ? 2 : 1;
}
