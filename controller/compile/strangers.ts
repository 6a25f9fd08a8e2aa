import { type Claim, isList, selectorText } from '../model/claim.ts';
import type { Fleet } from '../model/fleet.ts';

/** What of some redirects finds nobody: selectors that no known host fits, and listed hosts that never reported. */
export class Strangers {
  readonly #fleet: Fleet;
  readonly #unheard = new Set<string>();
  readonly #unmatched: string[] = [];
  /** By selector: most redirects share theirs with others. */
  readonly #found = new Map<string, boolean>();

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
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
    if (isList(hosts)) for (const host of hosts) if (!this.#fleet.knows(host)) this.#unheard.add(host);
    const text = selectorText(hosts);
    const matches = this.#found.get(text) ?? this.#fleet.selected(hosts).some(({ known }) => known);
    this.#found.set(text, matches);
    if (!matches) this.#unmatched.push(name);
  }
}
