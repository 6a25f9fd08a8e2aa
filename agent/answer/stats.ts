import type { Stats } from '../../protocol/stats.ts';
import type { Network } from '../model/network.ts';
import type { Counts } from '../ports.ts';

/** Verdicts that send a packet on. */
export const REDIRECTED: readonly string[] = ['SENT', 'SENT_BACK'];

/** Answers `ask … stats`: what the program decided, and what died after that, since the maps were made. */
export function summariseTraffic(
  host: string,
  counts: Pick<Counts, 'verdicts' | 'losses'>,
  network: Network,
  nowMs: number,
): Stats {
  const verdicts = counts.verdicts();
  const { losses, unwatched } = counts.losses();
  const names = new Map(network.netdevs.map((dev) => [dev.ifindex, dev.name]));
  return {
    ...{ v: 1, host, at: nowMs },
    packets: sum(verdicts.values()),
    redirected: sum(REDIRECTED.map((name) => verdicts.get(name) ?? 0n)),
    lost: sum(losses.map((loss) => loss.packets)),
    verdicts: Object.fromEntries([...verdicts].map(([name, packets]) => [name, packets.toString()])),
    losses: losses.map(({ ifindex, tracepoint, errno, packets }) => ({
      ...{ interface: names.get(ifindex) ?? null, ifindex, tracepoint },
      ...(errno !== undefined && { errno }),
      packets: packets.toString(),
    })),
    unwatched,
  };
}

/** What died in all is said beside them. Undefined where there is none to be left out. */
export function fewerLosses<T extends Pick<Stats, 'losses'>>(told: T): T | undefined {
  const { losses } = told;
  return losses.length === 0 ? undefined : { ...told, losses: losses.slice(0, losses.length >> 1) };
}

function sum(counts: Iterable<bigint>): string {
  let total = 0n;
  for (const count of counts) total += count;
  return total.toString();
}
