import type { ForgetReply, ForgetRequest } from '../../protocol/forget.ts';
import { nearest } from '../../protocol/near.ts';
import { isSilentFor } from '../../protocol/status.ts';
import { convergeHosts } from '../log/converge.ts';
import type { LogTransaction, Transaction } from '../log/transaction.ts';
import { Declined } from '../model/declined.ts';

/**
 * Forgets a host: what it said, and its log. Its head stays, with a floor that no cursor of it reaches: if it comes back, it
 * begins from the whole set. What names it goes on standing for it. Errors: Declined.
 */
export async function forget(
  transaction: LogTransaction,
  { host, force = false }: Pick<ForgetRequest, 'host'> & { readonly force?: boolean },
  nowMs: number,
): Promise<ForgetReply> {
  const { session, tables, log } = transaction;
  const report = await tables.hosts.find(session, host);
  const head = await tables.heads.find(session, host);
  if (report === undefined && head.rev === 0)
    return { v: 1, host, known: false, ...(await nearHost(transaction, host)) };
  if (log.damaged)
    throw new Declined(
      'SPECS_DAMAGED',
      'redirects are missing from the database; see shunt hosts, and mend that first',
    );
  const silentMs = report === undefined || report.status.ended ? Number.POSITIVE_INFINITY : nowMs - report.seenAtMs;
  if (!isSilentFor(silentMs) && !force) {
    const heard = `${host} was heard ${Math.max(0, Math.round(silentMs / 1000))} s ago`;
    throw new Declined(
      'HOST_SPEAKS',
      `${heard}: stop its agent first; if it is dead, wait until it was silent for a minute, or forget it all the same with --force`,
    );
  }
  await tables.marks.forget(session, host);
  await tables.hosts.drop(session, host);
  await tables.audit.forget(session, host);
  await tables.deletions.forget(session, host);
  await tables.rolloutHosts.leave(session, host);
  await log.renew(host, []);
  await convergeHosts(transaction, [{ host, labels: {}, known: false, can: [] }]);
  return { v: 1, host, known: true };
}

async function nearHost({ session, tables }: Transaction, host: string): Promise<Pick<ForgetReply, 'near'>> {
  const fleet = await tables.hosts.fleet(session);
  const near = nearest(
    host,
    fleet.selected('all').map((one) => one.host),
  );
  return near === undefined ? {} : { near };
}
