import type { GetItem } from '../../protocol/listings.ts';
import { someText, whyNotSent } from './format.ts';

/** Writes a line for each reason why some hosts are not sent a redirect. */
export function notSentTexts({ spec, notSent = [], notSentTotal = 0 }: GetItem): readonly string[] {
  const byReason = [...Map.groupBy(notSent, whyNotSent)];
  return byReason.map(([why, some]) => {
    const total = byReason.length === 1 ? notSentTotal : some.length;
    const hosts = some.map(({ host }) => host);
    return `${spec.name} is not sent to ${someText(hosts, total)}: ${why}`;
  });
}
