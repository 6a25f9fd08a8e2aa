import type { Clock } from '../../../daemon/clock.ts';
import type { Status } from '../../../protocol/status.ts';
import type { LightHost } from './host.ts';

const MAX_LISTED = 64;

/** How a made-up host stands, in the words of the protocol. */
export function statusOf(host: LightHost, clock: Pick<Clock, 'nowMs' | 'monotonicMs'>): Status {
  const { name, bent, disk, kernel, failing, boot, seq, applied, verified } = host;
  const nowMs = clock.nowMs();
  const failed = [...failing].map(([key, code]) => {
    const { rev = 0, name: of = '' } = disk.set.get(key) ?? disk.quarantined.get(key) ?? {};
    if (code === 'GUARD_DENIED') return { key, name: of, rev, state: 'denied', code } as const;
    return { key, name: of, rev, state: 'blocked', code, retryAt: nowMs + 1000 } as const;
  });
  const blocked = failed.filter(({ state }) => state === 'blocked');
  const back = [...disk.quarantined].map(([key, { rev, name: of }]) => {
    return { key, name: of, rev, state: 'denied', code: 'REVERTED' } as const;
  });
  const exceptions = [...back, ...failed];
  const waits = [...disk.pending].map(([key, pending]) => ({ key, ...pending }));
  const armed = waits.filter(({ deadlineMs }) => deadlineMs !== undefined);
  const unarmed = waits.filter(({ deadlineMs }) => deadlineMs === undefined).map(({ rev }) => rev);
  const unconfirmed = armed
    .map(({ key, name: of, rev, deadlineMs = 0 }) => ({
      name: of,
      key,
      rev,
      leftMs: Math.max(0, Math.round(deadlineMs - clock.monotonicMs())),
    }))
    .sort((a, b) => a.leftMs - b.leftMs);
  const count = { desired: disk.set.size, installed: kernel.size, idle: 0, expired: 0, blocked: blocked.length };
  return {
    ...{ v: 1, host: name, boot, agent: '0.0.0', at: nowMs, seq, can: bent.can, epoch: disk.cursor.epoch },
    ...{ stored: disk.cursor.rev, applied, verified, digest: disk.digest },
    counts: { ...count, denied: exceptions.length - blocked.length, failed: 0 },
    deleteAbsent: '0',
    exceptions: exceptions.slice(0, MAX_LISTED),
    exceptionsTotal: exceptions.length,
    capacity: { used: kernel.size, max: 1024, shapes: 1 },
    interfaces: [{ name: 'eth0', zone: 1, ifindex: 2, mode: 'native', up: true, attached: true }],
    labels: bent.labels,
    guard: null,
    refused: { total: 0, byCode: {} },
    ...(bent.isBypassed && { bypass: true }),
    ...(armed.length > 0 && { unconfirmed: unconfirmed.slice(0, MAX_LISTED), unconfirmedTotal: armed.length }),
    ...(unarmed.length > 0 && { unarmed: Math.min(...unarmed) }),
    ...(disk.confirmed > 0 && { confirmed: disk.confirmed }),
    ...(disk.permit > 0 && { permit: disk.permit }),
  };
}
