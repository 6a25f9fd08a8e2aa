import type { Cursor } from '../../protocol/cursor.ts';
import type { Standing } from '../../protocol/page.ts';

/** An epoch of the log: revs from `firstRev` on, up to and including `lastRev`. */
export interface Epoch {
  readonly epoch: string;
  readonly ordinal: number;
  readonly firstRev: number;
  readonly lastRev: number;
  readonly superseded: boolean;
}

/** Judges what a host claims to hold; `epoch` is the log's record of the claimed epoch. See C1, R4 and R7. */
export function standingOf(claim: Cursor, epoch: Epoch | undefined): Standing {
  if (claim.epoch === '') return 'ok';
  if (epoch === undefined) return 'unknown';
  if (epoch.superseded) return 'superseded';
  return claim.rev > epoch.lastRev ? 'lost' : 'ok';
}
