import { textDigest } from '../../protocol/digest.ts';
import type { Claim, HostFacts } from '../model/claim.ts';
import { claimsOf, type GroupPreview, type Proposal } from './preview.ts';

/**
 * A digest of all that a preview relies on: the redirects that it names, every claim to their keys, the hosts that are
 * concerned with their labels and what their agents can, and where packets go on them today and then. Two are equal as long as
 * an apply of the same does the same.
 */
export class Basis {
  readonly #lines: string[];

  constructor({ moves, claims }: Omit<Proposal, 'fleet'>) {
    const touched = new Set(claimsOf(moves).map(({ key }) => key));
    this.#lines = [
      ...moves.map(({ before, after, same }) => JSON.stringify([before?.name ?? after?.name, same])),
      ...claims.filter(({ key }) => touched.has(key)).map((claim) => JSON.stringify(arranged(claim))),
    ];
  }

  add({ hosts, changes, shadows }: GroupPreview): void {
    const effects = changes.map(({ op, key, name, was, from, to }) => JSON.stringify([op, key, name, was, from, to]));
    const losers = shadows.map(({ key, name, by }) => JSON.stringify([key, name, by]));
    const group = digestOf([...effects.sort(), ...losers.sort()]);
    for (const facts of hosts) this.#lines.push(JSON.stringify([group, ...factsOf(facts)]));
  }

  digest(): string {
    return digestOf(this.#lines.toSorted());
  }
}

function arranged({ name, key, hosts, enabled, priority, body }: Claim): unknown {
  return [name, key, hosts, enabled, priority, body];
}

function factsOf({ host, labels, known, can }: HostFacts): readonly unknown[] {
  return [host, labels, known, can];
}

function digestOf(lines: readonly string[]): string {
  return textDigest(lines.join('\n'));
}
