import { keyOf } from '../../protocol/key.ts';
import type { Match } from '../../protocol/match.ts';

/** A kernel map key as domain types: a match whose ingress is a zone, 0 for any interface. */
export interface EntryKey {
  readonly match: Omit<Match, 'in'>;
  readonly zone: number;
}

/** The text by which an entry is known above the kernel layer; equal text means equal key bytes. */
export function entryId(key: EntryKey): string {
  const { src, dst, proto, sport, dport } = key.match;
  const text = keyOf({
    src,
    dst,
    ...(proto === undefined ? {} : { proto }),
    ...(sport === undefined ? {} : { sport }),
    ...(dport === undefined ? {} : { dport }),
  });
  return key.zone === 0 ? text : `${text} zone ${key.zone}`;
}
