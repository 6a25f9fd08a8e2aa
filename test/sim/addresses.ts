import type { EntryKey } from '../../agent/model/entry-key.ts';
import { keyOf } from '../../protocol/key.ts';
import type { MemoryKernel } from '../fakes/memory-kernel.ts';

/** Neighbours, by both families, and addresses that no route leads to. */
export const NEIGHBOURS = {
  c: { 4: '192.0.2.7', 6: '2001:db8:2::7', mac: '02:00:00:00:01:07' },
  d: { 4: '192.0.2.9', 6: '2001:db8:2::9', mac: '02:00:00:00:01:09' },
} as const;
export const NOWHERE = { 4: '192.0.2.8', 6: '2001:db8:2::8' } as const;
export type Neighbour = keyof typeof NEIGHBOURS;
export const NEIGHBOUR_NAMES = ['c', 'd'] as const;

/** The interface of the only zone. */
export const INGRESS = 'eth0';

/** The key of the redirect that an entry was made for. */
export function redirectKey({ match, zone }: EntryKey): string {
  return keyOf(zone === 0 ? match : { ...match, in: INGRESS });
}

/** Gives a kernel its devices, the program on one of them, and neighbours behind the other. */
export function wire(kernel: MemoryKernel): void {
  kernel.netdev(INGRESS, { ifindex: 2, attached: 'native', zone: 1 });
  kernel.netdev('eth1', { ifindex: 3 });
  for (const { 4: v4, 6: v6, mac } of Object.values(NEIGHBOURS)) {
    for (const address of [v4, v6]) {
      kernel.route(address, 'eth1');
      kernel.neighbour('eth1', address, mac);
    }
  }
}
