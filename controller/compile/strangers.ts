import { type Claim, type HostFacts, isList, selects } from '../model/claim.ts';

/** What of some redirects finds nobody: selectors that no known host fits, and listed hosts that never reported. */
export class Strangers {
  readonly #known: ReadonlyMap<string, HostFacts>;
  readonly #unheard = new Set<string>();
  readonly #unmatched: string[] = [];
  /** By selector: most redirects share theirs with others. */
  readonly #found = new Map<string, boolean>();

  constructor(known: ReadonlyMap<string, HostFacts>) {
    this.#known = known;
  }

  /** Names of redirects, in the order in which they came. */
  get unmatched(): readonly string[] {
    return this.#unmatched;
  }

  get unheard(): readonly string[] {
    return [...this.#unheard].sort();
  }

  add({ name, enabled, hosts }: Pick<Claim, 'name' | 'enabled' | 'hosts'>): void {
    if (!enabled) return;
    if (isList(hosts)) for (const host of hosts) if (!this.#known.has(host)) this.#unheard.add(host);
    const text = JSON.stringify(hosts);
    const matches = this.#found.get(text) ?? this.#known.values().some((host) => selects(hosts, host));
    this.#found.set(text, matches);
    if (!matches) this.#unmatched.push(name);
  }
}
