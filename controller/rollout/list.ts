import type { RolloutHead } from '../../protocol/rollout.ts';
import type { RolloutListReply, RolloutListRequest } from '../../protocol/rollout-list.ts';
import { fill, limitOf, nextOf } from '../desk/paging.ts';
import type { Transaction } from '../log/transaction.ts';
import type { Rollout } from '../model/rollout.ts';
import { headOf } from './status.ts';

/** Lists rollouts: those that are under way, and then those that ended, the newest first. A place is one that ended. */
export async function listRollouts(
  transaction: Transaction,
  { active, ...paging }: RolloutListRequest,
  { budgetBytes, nowMs }: { readonly budgetBytes: number; readonly nowMs: number },
): Promise<RolloutListReply> {
  const { session, tables } = transaction;
  const limit = limitOf(paging, budgetBytes);
  const after = placeOf(paging.after);
  const running = paging.after === undefined ? await tables.rollouts.active(session) : [];
  const left = Math.max(0, limit - running.length);
  const ended = active || left === 0 ? [] : await tables.rollouts.ended(session, after, left);
  const found = [...running, ...ended].slice(0, limit);
  const items = await fill(
    found,
    (rollout) => lineOf(transaction, rollout),
    ({ id }) => `rollout ${id}`,
    budgetBytes,
  );
  const next = active ? null : nextOf(found, items.length, limit, placeText);
  return { v: 1, items, next, at: nowMs };
}

async function lineOf({ session, tables }: Transaction, rollout: Rollout): Promise<RolloutHead> {
  return headOf(rollout, await tables.rolloutHosts.of(session, rollout.id));
}

function placeText({ id, endedMs = Number.MAX_SAFE_INTEGER }: Rollout): string {
  return `${endedMs} ${id}`;
}

/** After one that ended, or before all of them. */
function placeOf(after: string | undefined): { readonly endedMs: number; readonly id: string } {
  const [endedMs, id = ''] = (after ?? '').split(' ');
  const ms = Number(endedMs);
  return after !== undefined && Number.isSafeInteger(ms)
    ? { endedMs: ms, id }
    : { endedMs: Number.MAX_SAFE_INTEGER, id };
}
