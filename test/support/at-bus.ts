import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Product, startHost } from './operator.ts';
import { BUS, C, type Testbed } from './testbed.ts';

/** To attach the program also where packets of the bus come in. */
export const AT_BUS = ['--interface', 'to-bus'] as const;

/** What comes from the bus is to go to C. */
export function catchBus(hosts: object): object {
  return { name: 'catch', hosts, match: { src: BUS, proto: 'tcp', sport: 4222 }, to: { nexthop: C.v4 } };
}

/** The guard file of a host; nothing makes it. */
export function guardOf(bed: Testbed): string {
  return join(bed.folder, 'guard.yaml');
}

/** Has a host's guard let packets of the bus be caught. */
export async function openGuard(bed: Testbed): Promise<void> {
  await writeFile(guardOf(bed), 'protect: [ssh]\n', { mode: 0o644 });
}

/** Starts a host whose redirects may meet packets of the bus. */
export function startHostAtBus(bed: Testbed): Promise<Pick<Product, 'agent' | 'operator'>> {
  return startHost(bed, AT_BUS, ['--guard', guardOf(bed)]);
}
