import type { Selector } from '../../protocol/spec.ts';
import { type Claim, type HostFacts, selectorText } from '../model/claim.ts';
import type { Fleet } from '../model/fleet.ts';

/**
 * The keys whose claims changed, each with the selectors, old and new, through which it concerns hosts.
 * Equal selectors are kept once, however many specs carry them.
 */
export class Concern {
  readonly #selectors = new Map<string, Selector>();
  readonly #byKey = new Map<string, Set<string>>();

  get keys(): IterableIterator<string> {
    return this.#byKey.keys();
  }

  /** Notes that a claim came, went or changed. */
  add(claim: Pick<Claim, 'key' | 'hosts'>): void {
    const text = selectorText(claim.hosts);
    if (!this.#selectors.has(text)) this.#selectors.set(text, claim.hosts);
    const noted = this.#byKey.get(claim.key);
    if (noted === undefined) this.#byKey.set(claim.key, new Set([text]));
    else noted.add(text);
  }

  /** Answers which of some keys each concerned host has to look at again. */
  hostsOf(keys: readonly string[], fleet: Fleet): Map<HostFacts, Set<string>> {
    const concerned = new Map<string, { facts: HostFacts; keys: Set<string> }>();
    for (const [text, group] of this.#groupBySelector(keys)) {
      for (const facts of fleet.selected(this.#selectors.get(text) ?? [])) {
        const entry = concerned.get(facts.host) ?? { facts, keys: new Set<string>() };
        concerned.set(facts.host, entry);
        for (const key of group) entry.keys.add(key);
      }
    }
    return new Map([...concerned.values()].map(({ facts, keys }) => [facts, keys]));
  }

  #groupBySelector(keys: readonly string[]): Map<string, string[]> {
    const groups = new Map<string, string[]>();
    for (const key of keys) {
      for (const text of this.#byKey.get(key) ?? []) {
        const group = groups.get(text);
        if (group === undefined) groups.set(text, [key]);
        else group.push(key);
      }
    }
    return groups;
  }
}
