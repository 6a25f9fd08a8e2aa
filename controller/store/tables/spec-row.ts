import { Refused } from '../../../protocol/refused.ts';
import type { Selector } from '../../../protocol/spec.ts';
import { parseStoredSpec, type Spec, specToJson } from '../../../protocol/spec.ts';
import { type Claim, claimOf, needsOf, selectorText } from '../../model/claim.ts';
import type { SpecRow } from '../schema.ts';
import { Seal } from './seal.ts';

export const specSeal = new Seal<SpecRow>('specs', ['name', 'key', 'hosts', 'enabled', 'priority', 'body', 'spec']);

/** The row of a spec: its text, and what follows from it. */
export function rowFrom(spec: Spec): SpecRow {
  const { name, key, hosts, enabled, priority, body } = claimOf(spec);
  return specSeal.put({
    name,
    key,
    hosts: selectorText(hosts),
    enabled: enabled ? 1 : 0,
    priority,
    body,
    spec: JSON.stringify(specToJson(spec)),
  });
}

export function claimFrom(row: Omit<SpecRow, 'spec' | 'checksum'>): Claim {
  const { name, key, priority, body } = row;
  const hosts = JSON.parse(row.hosts) as Selector;
  return { name, key, hosts, enabled: row.enabled === 1, priority, body, needs: needsOf(body) };
}

/**
 * Answers what a row is to say by its text, which is the only truth of it; undefined where the text is not proven. Proof is
 * the checksum, of the row as it is or with all else made anew; or, where only the checksum is damaged, that all else
 * follows from the text.
 */
export function mended(row: SpecRow): SpecRow | undefined {
  const anew = fromText(row.spec);
  if (specSeal.fits(row)) return anew ?? row; // one that this release cannot read was written by a newer one
  if (anew === undefined) return undefined;
  return anew.checksum === row.checksum || sameWords(anew, row) ? anew : undefined;
}

function fromText(text: string): SpecRow | undefined {
  try {
    return rowFrom(parseStoredSpec(JSON.parse(text)));
  } catch (error) {
    if (error instanceof Refused || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function sameWords({ checksum, ...anew }: SpecRow, row: SpecRow): boolean {
  return specSeal.of(anew) === specSeal.of(row);
}
