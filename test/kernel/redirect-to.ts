import { entryId } from '../../agent/model/entry-key.ts';
import type { Entries } from '../../agent/ports.ts';
import { parseMatch } from '../../protocol/match.ts';
import { shapeOf } from '../../protocol/shape.ts';

/** Has packets to an IPv4 address sent out of a device, with MAC addresses of nobody; `present` in `ports`, or not. */
export function redirectTo(entries: Pick<Entries, 'apply'>, dst: string, ifindex: number, present = true): void {
  const match = parseMatch({ dst });
  const key = { match, zone: 0 };
  const macs = { dmac: '02:00:00:00:02:00', smac: '02:00:00:00:02:01' };
  const value = { rev: 1, until: 0n, slot: 0, ifindex, action: 'send', keepTtl: false, mtu: 1500, ...macs } as const;
  entries.apply([
    { op: 'port', ifindex, present },
    { op: 'shapes', family: 4, shapes: [shapeOf(match)] },
    { op: 'write', id: entryId(key), key, value },
  ]);
}
