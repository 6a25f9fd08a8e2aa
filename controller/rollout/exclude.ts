import type { Clock } from '../../daemon/clock.ts';
import type { LogTransaction } from '../log/transaction.ts';
import { someText } from '../model/count-words.ts';
import { Declined } from '../model/declined.ts';
import type { Rollout, RolloutHost } from '../model/rollout.ts';
import { readAbout } from './about.ts';
import { leaveOut, moveTo } from './act.ts';
import { type By, requireMovable, saidBy } from './orders.ts';

/**
 * Neither waits for these hosts nor judges them from here on; what they have of it, they give back. Undefined: they are out
 * already. Errors: Declined UNKNOWN_HOST, where one is not of the rollout; NO_HOSTS, where nobody would be left.
 */
export async function exclude(
  transaction: LogTransaction,
  clock: Pick<Clock, 'nowMs' | 'token'>,
  rollout: Rollout,
  hosts: readonly string[],
  by: By,
): Promise<Rollout | undefined> {
  requireMovable(rollout.id, rollout.state);
  const { session, tables } = transaction;
  const rows = await tables.rolloutHosts.of(session, rollout.id);
  const known = new Map(rows.map((row) => [row.host, row]));
  const strange = hosts.filter((host) => !known.has(host));
  if (strange.length > 0)
    throw new Declined('UNKNOWN_HOST', `not of rollout ${rollout.id}: ${someText(strange)}; nothing was changed`);
  const some = [...new Set(hosts)].filter((host) => known.get(host)?.state !== 'excluded');
  if (some.length === 0) return undefined;
  requireSomeLeft(rollout.id, rows, some);
  const message = `${saidBy('excluded', by).message}: ${someText(some)}`;
  const [host] = some;
  const said = { ...saidBy('excluded', by), ...(host !== undefined && { host }), message };
  const moved = await moveTo(transaction, rollout, { to: rollout.state, said }, by.at);
  if (moved === undefined) throw new TypeError(`rollout ${rollout.id} moved within a transaction`);
  await leaveOut(
    transaction,
    clock,
    { rollout: moved, hosts: rows, about: await readAbout(transaction, rollout.id) },
    some,
  );
  return moved;
}

/** What nobody is judged by is no rollout: it would end at once, and be everywhere. */
function requireSomeLeft(id: string, rows: readonly RolloutHost[], out: readonly string[]): void {
  if (rows.some(({ host, state }) => state !== 'excluded' && state !== 'left' && !out.includes(host))) return;
  throw new Declined(
    'NO_HOSTS',
    `no host of rollout ${id} would be left to be judged; nothing was changed: take it back with shunt rollout abort ${id}`,
  );
}
