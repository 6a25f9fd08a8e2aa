import type { Status } from '../../protocol/status.ts';

/** Where packets for an address come in: the interface of a host, and there they meet the program. */
export interface Door {
  readonly host: string;
  readonly interface: string;
}

export type Doors = ReadonlyMap<string, Door>;

/** The doors of hosts by their addresses, as they say; an address that several say is nobody's. */
export function doorsOf(statuses: Iterable<Pick<Status, 'host' | 'interfaces'>>): Doors {
  const doors = new Map<string, Door>();
  const shared = new Set<string>();
  for (const { host, interfaces } of statuses) {
    for (const { name, mode, attached, addresses = [] } of interfaces) {
      if (mode === 'none' || attached === false) continue;
      for (const address of addresses) {
        if (doors.has(address)) shared.add(address);
        else doors.set(address, { host, interface: name });
      }
    }
  }
  for (const address of shared) doors.delete(address);
  return doors;
}
