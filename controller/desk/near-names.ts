import { MAX_NEAR, type Near } from '../../protocol/api.ts';
import type { Transaction } from '../log/transaction.ts';

/** What the first of some names that are not there probably meant; nothing where they resemble none. */
export async function nearNames(
  { session, tables }: Transaction,
  absent: readonly string[],
): Promise<{ readonly near?: readonly Near[] }> {
  const found: Near[] = [];
  for (const name of absent.slice(0, MAX_NEAR)) {
    const near = await tables.specs.near(session, name);
    if (near !== undefined) found.push({ name, near });
  }
  return found.length === 0 ? {} : { near: found };
}
