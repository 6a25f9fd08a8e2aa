import type { PassedStatus } from '../../protocol/packets.ts';

/** Why packets that match a redirect are passed and not sent, and what ends it. */
interface Reason {
  readonly means: string;
  readonly mend: string;
}

/** By the verdict's name. */
const REASONS: Readonly<Record<string, Reason>> = {
  TOO_BIG: {
    means: 'longer than the egress takes',
    mend:
      'at a sender behind a veth: ethtool -K IF tx off; on the ports of a bridge, and below a VLAN device: ' +
      'ethtool -K PORT gro off; else raise the MTU of the egress',
  },
  NO_PORT: { means: 'the egress cannot take them now', mend: 'shunt explain says what its next hop lacks' },
  TTL: {
    means: 'TTL or hop limit used up',
    mend: 'a traceroute does that; other packets may go round in a loop',
  },
  VLAN: {
    means: 'tagged as of a VLAN, and the egress is another interface',
    mend: 'take the tag off before, or send them back out of the interface that they came in by',
  },
  UNKNOWN_ACTION: {
    means: 'the attached program does not know what the redirect does',
    mend: 'it is older than the agent: shunt detach, then shunt attach',
  },
};

/** Also for a reason that a newer host has. */
export function reasonOf(name: string): Reason {
  return (
    (Object.hasOwn(REASONS, name) ? REASONS[name] : undefined) ?? {
      means: 'this version does not know why',
      mend: 'look with the release that the host runs',
    }
  );
}

/** Writes reasons with their counts, the most first: `TOO_BIG 1200, TTL 3`. */
export function reasonsText(reasons: PassedStatus['reasons']): string {
  const sorted = Object.entries(reasons).sort(([, a], [, b]) => (BigInt(a) < BigInt(b) ? 1 : -1));
  return sorted.map(([name, packets]) => `${name} ${packets}`).join(', ');
}

/** Adds up what several redirects say. */
export function sumReasons(passed: readonly PassedStatus[]): ReadonlyMap<string, bigint> {
  const sums = new Map<string, bigint>();
  for (const { reasons } of passed) {
    for (const [name, packets] of Object.entries(reasons)) sums.set(name, (sums.get(name) ?? 0n) + BigInt(packets));
  }
  return sums;
}
