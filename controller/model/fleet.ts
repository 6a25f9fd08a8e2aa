import type { Selector } from '../../protocol/spec.ts';
import type { Status } from '../../protocol/status.ts';
import { type HostFacts, isList, selects } from './claim.ts';

/** The hosts as selectors see them: those that reported, and any other that a selector lists. */
export class Fleet {
  readonly #known: ReadonlyMap<string, HostFacts>;

  constructor(known: Iterable<HostFacts>) {
    this.#known = new Map(Iterator.from(known).map((facts) => [facts.host, facts]));
  }

  /** A host that never reported is one without labels. */
  get(host: string): HostFacts {
    return this.#known.get(host) ?? { host, labels: {}, known: false, can: [] };
  }

  /** Tells whether a host ever reported. */
  knows(host: string): boolean {
    return this.#known.has(host);
  }

  /** The hosts that a selector is for. A listed one has a log at once, also before it first reports. */
  *selected(selector: Selector): Generator<HostFacts> {
    if (isList(selector)) yield* selector.map((host) => this.get(host));
    else yield* this.#known.values().filter((facts) => selects(selector, facts));
  }
}

/** The hosts that said something, by what each said last. */
export function fleetOf(statuses: Iterable<Pick<Status, 'host' | 'labels' | 'can'>>): Fleet {
  return new Fleet(Iterator.from(statuses).map(({ host, labels, can = [] }) => ({ host, labels, known: true, can })));
}
