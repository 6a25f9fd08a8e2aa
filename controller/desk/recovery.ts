import type { RecoverReply } from '../../protocol/recover.ts';
import type { Transaction } from '../log/transaction.ts';
import { SPOKEN_WITHIN_MS } from '../model/evidence.ts';

/** Revs go on past what hosts report, but no host has them used up. */
const MAX_AHEAD = 2 ** 32;

/**
 * Begins the history of the log anew (R7): every epoch that it or any host knows is superseded, and another one opened, so
 * that hosts take their whole set from it. Who was silent is to report first, as a host of which nothing is known.
 */
export async function beginAnew(
  { session, tables }: Pick<Transaction, 'session' | 'tables'>,
  part: string,
  nowMs: number,
): Promise<RecoverReply> {
  const claims = await tables.hosts.claims(session);
  const last = await tables.epochs.lastRev(session);
  const ahead = claims.map(({ rev }) => rev).filter((rev) => rev <= last + MAX_AHEAD);
  await tables.epochs.setLastRev(
    session,
    ahead.reduce((most, rev) => Math.max(most, rev), last),
  );
  const { superseded, foreign } = await tables.epochs.supersede(session, new Set(claims.map(({ epoch }) => epoch)));
  const epoch = await tables.epochs.open(session, (await tables.epochs.lastRev(session)) + 1, part);
  const unheard = await tables.hosts.forgetUnheard(session, nowMs - SPOKEN_WITHIN_MS, nowMs);
  return { v: 1, epoch, superseded, foreign, unheard };
}
