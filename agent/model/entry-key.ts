import { keyOf, matchOfKey } from '../../protocol/key.ts';
import type { Match } from '../../protocol/match.ts';

/** A kernel map key as domain types: a match whose ingress is a zone, 0 for any interface. */
export interface EntryKey {
  readonly match: Omit<Match, 'in'>;
  readonly zone: number;
}

const ZONE = ' zone ';

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
  return key.zone === 0 ? text : `${text}${ZONE}${key.zone}`;
}

/** Reads the match back out of a text that `entryId` wrote. Errors: TypeError for any other text. */
export function matchOfId(id: string): EntryKey['match'] {
  const at = id.indexOf(ZONE);
  return matchOfKey(at < 0 ? id : id.slice(0, at));
}
