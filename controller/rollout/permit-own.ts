import { permit } from '../log/marks.ts';
import type { LogTransaction } from '../log/transaction.ts';
import type { Head } from '../store/tables/heads.ts';
import type { Words } from './look.ts';

/**
 * Lets hosts do what a rollout does there or takes back: that is no accident. But a permission lets go all that a brake withholds up to a
 * rev; where that is more than these keys, nobody has decided about the rest, and the host stays as it is until somebody does.
 */
export async function permitOwn(
  transaction: LogTransaction,
  words: Words,
  heads: readonly Head[],
  keys: ReadonlySet<string>,
): Promise<void> {
  const free: Head[] = [];
  for (const head of heads) if (!(await withholdsOthers(words, head.host, keys))) free.push(head);
  await permit(transaction, free);
}

async function withholdsOthers(words: Words, host: string, keys: ReadonlySet<string>): Promise<boolean> {
  const { exceptions = [], brake } = (await words.of(host))?.last.report.status ?? {};
  const mine = exceptions.filter(({ key, code }) => code === 'BRAKE' && keys.has(key));
  return brake !== undefined && brake.withheld > mine.length;
}
