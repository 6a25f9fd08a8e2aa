import type { Status } from '../../protocol/status.ts';
import type { LogTransaction, Transaction } from '../log/transaction.ts';
import { someText } from '../model/count-words.ts';
import { Declined } from '../model/declined.ts';
import type { Head } from '../ports.ts';

/** Hosts that one answer names. */
const MAX_NAMED = 5;

/**
 * Refuses a change that is to be confirmed where it cannot be: by an agent that does not know what that is, or that says of
 * an earlier one that it took it back, behind which nothing is confirmed. Errors: Declined AGENT_TOO_OLD, REVERTED.
 */
export async function requireConfirmable(transaction: LogTransaction, heads: Iterable<Head>): Promise<void> {
  const { session, tables, log } = transaction;
  if (log.unable.size > 0) {
    const fleet = await tables.hosts.fleet(session);
    const [known, unheard] = [true, false].map((is) => [...log.unable].filter((host) => fleet.knows(host) === is));
    throw new Declined('AGENT_TOO_OLD', unableText(known ?? [], unheard ?? []));
  }
  const stuck: string[] = [];
  const words = await tables.hosts.words.all(session);
  for (const { host } of heads) {
    const name = await revertedOn(transaction, words.get(host)?.report.status);
    if (name !== undefined) stuck.push(`${name} on ${host}`);
  }
  if (stuck.length === 0) return;
  throw new Declined(
    'REVERTED',
    `nothing else can be confirmed on a host that took a change back: ${someText(stuck, MAX_NAMED)}; nothing was changed: first apply that again with --confirm, or otherwise, or delete it`,
  );
}

/** A redirect that a host took back and that its log still wants there; undefined where there is none. */
async function revertedOn(
  { session, tables }: Transaction,
  status: Pick<Status, 'host' | 'exceptions'> | undefined,
): Promise<string | undefined> {
  if (status === undefined) return undefined;
  for (const { name, key, rev, code } of status.exceptions)
    if (code === 'REVERTED' && (await tables.changes.find(session, status.host, key))?.rev === rev) return name;
  return undefined;
}

function unableText(old: readonly string[], unheard: readonly string[]): string {
  const parts = [
    ...(old.length > 0 ? [`the agents of ${someText(old, MAX_NAMED)} cannot take a change back`] : []),
    ...(unheard.length > 0 ? [`${someText(unheard, MAX_NAMED)} never reported`] : []),
  ];
  return `${parts.join(', and ')}, so nothing can be confirmed there; nothing was changed: upgrade them, or do it without --confirm`;
}
