import type { Concern } from '../compile/concern.ts';
import type { LogTransaction } from '../log/transaction.ts';

/**
 * A host that took a change of these redirects back is told of it once more, though its log says it already. Only in a change
 * that is to be confirmed again: what an apply repeats from day to day must not come to stand there unconfirmed.
 */
export async function retryReverted(
  { session, tables, log }: LogTransaction,
  names: Iterable<string>,
  concern: Concern,
): Promise<void> {
  const wanted = new Set(names);
  for (const [host, { report }] of await tables.hosts.words.all(session))
    for (const { name, key, rev, code } of report.status.exceptions) {
      if (code !== 'REVERTED' || !wanted.has(name)) continue;
      concern.add({ key, hosts: [host] });
      log.retry(host, key, rev);
    }
}
