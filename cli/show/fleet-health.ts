import type { HostItem } from '../../protocol/listings.ts';
import { SILENT_MS } from '../../protocol/status.ts';
import { countText } from './format.ts';

/** Whether a host that reported once has not been heard for too long. */
export function isSilent({ seenAt }: Pick<HostItem, 'seenAt'>, nowMs: number): boolean {
  return seenAt !== null && nowMs - seenAt > SILENT_MS;
}

/** Writes what is wrong with a host, the empty text where nothing is known to be. */
export function troubleOf(item: HostItem, nowMs: number): string {
  const { ended, standing, problem, bypass, undelivered = 0, passed = 0, notSent } = item;
  const troubles = [
    ended ? 'agent ended' : isSilent(item, nowMs) && 'silent',
    bypass && 'BYPASS',
    problem ?? (standing !== 'ok' && `history ${standing}`),
    undelivered > 0 && `not delivered at ${countText(undelivered, 'interface')}`,
    passed > 0 && `HITS_PASSED: packets of ${countText(passed, 'redirect')} not sent`,
    notSent && `${notSent.code}: not sent ${countText(notSent.redirects, 'redirect')}`,
  ];
  return troubles.filter(Boolean).join(', ');
}
