import { textDigest } from '../../protocol/digest.ts';
import type { Labels } from '../../protocol/host.ts';

export const DEFAULT_WAVES: readonly string[] = Object.freeze(['1', '10%', '50%', '100%']);

/** A wave: how far it goes, as it was asked for, and how many hosts it adds to those before it. */
export interface Wave {
  readonly share: string;
  readonly size: number;
}

/** A host that is to have its turn. */
export interface WaveHost {
  readonly host: string;
  readonly labels: Labels;
  /** Something becomes different on it. */
  readonly moves: boolean;
}

/**
 * How many hosts each wave adds. Shares are cumulative and rounded up, each wave has at least one host more than the last, and
 * the last has all; those for which no host is left fall away.
 */
export function wavesOf(shares: readonly string[], hosts: number): readonly Wave[] {
  const waves: Wave[] = [];
  let reached = 0;
  for (const share of [...shares, '100%']) {
    if (reached >= hosts) break;
    const upTo = Math.min(Math.max(countOf(share, hosts, Math.ceil), reached + 1), hosts);
    waves.push({ share, size: upTo - reached });
    reached = upTo;
  }
  return waves;
}

/** What a number of hosts or a share of them comes to. */
export function countOf(share: string, hosts: number, round: (count: number) => number): number {
  return share.endsWith('%') ? round((hosts * Number(share.slice(0, -1))) / 100) : Number(share);
}

/**
 * The order in which hosts have their turn: drawn by the seed, the same each time; with a label, its values take turns. Hosts on
 * which nothing becomes different prove nothing, and come last.
 */
export function orderOf(hosts: readonly WaveHost[], seed: string, spread: string | undefined): readonly string[] {
  const drawn = hosts
    .map((one) => ({ ...one, lot: textDigest(`${seed} ${one.host}`) }))
    .sort((a, b) => (a.lot < b.lot ? -1 : 1));
  return [true, false].flatMap((moves) => {
    const some = drawn.filter((one) => one.moves === moves);
    return spread === undefined ? some.map(({ host }) => host) : takingTurns(some, spread);
  });
}

/** One host of each value of the label, and again, as long as there are some. */
function takingTurns(hosts: readonly WaveHost[], label: string): string[] {
  const groups = [...Map.groupBy(hosts, ({ labels }) => labels[label] ?? '').values()];
  const rounds = Math.max(0, ...groups.map((group) => group.length));
  return Array.from({ length: rounds }, (_, round) => groups.flatMap((group) => group[round]?.host ?? [])).flat();
}
