import type { Terms } from '../../protocol/terms.ts';
import { permit } from '../log/marks.ts';
import type { LogTransaction } from '../log/transaction.ts';
import { someText } from '../model/count-words.ts';
import { Declined } from '../model/declined.ts';
import { type Excess, enough, excessOf, mayGrow, mayShrink, type Size } from '../model/size-gate.ts';
import type { Head } from '../store/tables/heads.ts';

/**
 * Ends a transaction that does more to a host than its terms say, once all of it was written to the logs.
 * Errors: Declined SHRINKS_TOO_MUCH, GROWS_TOO_MUCH.
 */
export async function requireSize({ session, tables, log, turn }: LogTransaction, terms: Terms): Promise<void> {
  const found: HostSize[] = [];
  const some = [...log.sizes].filter(([, size]) => enough(size) > 0);
  for (const [at, [host, size]] of some.entries()) {
    if (at > 0) await turn();
    const least = enough(size) + size.added - size.removed;
    if ((await tables.changes.standing(session, host, least)) >= least) continue;
    const stands = await tables.changes.standing(session, host, Number.MAX_SAFE_INTEGER);
    found.push({ host, size: { ...size, had: stands - size.added + size.removed } });
  }
  requireSizes(found, terms);
}

/** Errors: Declined SHRINKS_TOO_MUCH, GROWS_TOO_MUCH, where more is done to a host than the terms say. */
export function requireSizes(sizes: Iterable<HostSize>, terms: Terms): void {
  const found: TooMuch[] = [];
  for (const { host, size } of sizes) {
    const [excess] = excessOf(size).filter((one) => !isAllowed(one, terms));
    if (excess !== undefined) found.push({ host, size, excess });
  }
  const [first, ...others] = found;
  if (first !== undefined)
    throw tooMuch(
      first,
      others.map(({ host }) => host),
    );
}

/** Where a change may shrink hosts, their brakes are to let it by; after the log was finished, with the heads that it moved. */
export async function permitShrink(
  transaction: LogTransaction,
  terms: Terms,
  heads: readonly Pick<Head, 'host' | 'rev'>[],
): Promise<void> {
  if (!isAllowed('shrink', terms)) return;
  await permit(transaction, heads);
}

function isAllowed(excess: Excess, { allowShrink, allowGrowth, reason }: Terms): boolean {
  return reason !== undefined && (excess === 'shrink' ? allowShrink : allowGrowth) === true;
}

/** What is done to a host. */
export interface HostSize {
  readonly host: string;
  readonly size: Size;
}

interface TooMuch extends HostSize {
  readonly excess: Excess;
}

function othersText(hosts: readonly string[]): string {
  return hosts.length === 0 ? '' : `too much as well on ${someText(hosts)}; `;
}

function tooMuch({ host, size, excess }: TooMuch, others: readonly string[]): Declined {
  const { had, added, removed, retargeted } = size;
  const look = `${othersText(others)}nothing was changed: see shunt plan, and repeat it with --allow-${excess} and --reason`;
  if (excess === 'growth') {
    const text = `${host} has ${had} redirects and would be given ${added} more, and ${mayGrow(had)} is the most at once`;
    return new Declined('GROWS_TOO_MUCH', `${text}; ${look}`);
  }
  const text = `of ${had} redirects on ${host}, ${removed} would go and ${retargeted} send elsewhere, and ${mayShrink(had)} is the most at once`;
  return new Declined('SHRINKS_TOO_MUCH', `${text}; ${look}`);
}
