import type { ApplyRequest } from '../../protocol/api.ts';
import { Basis } from '../compile/basis.ts';
import { Preview } from '../compile/preview.ts';
import type { Transaction } from '../log/transaction.ts';
import { Declined } from '../model/declined.ts';
import { readProposal } from './proposal.ts';
import { whatMoved } from './what-moved.ts';

/**
 * Ends a transaction that is to do what a plan said, and would do it on another footing than the plan had.
 * Errors: Declined PLAN_STALE.
 */
export async function requireBasis(transaction: Transaction, last: ApplyRequest, nowMs: number): Promise<void> {
  if (last.basis === undefined) return;
  const { v, upload, part, parts, specs, set } = last;
  const goes = [...(last.delete ?? []), ...(last.prune ?? [])];
  const asked = { v, upload, part, parts, specs, delete: goes, ...(set !== undefined && { set }) };
  const { head, ...proposal } = await readProposal(transaction, asked);
  const basis = new Basis(proposal);
  for (const group of new Preview({ ...proposal, nowMs }).groups(0)) {
    if (group !== undefined) basis.add(group);
    await transaction.turn();
  }
  if (basis.digest() === last.basis) return;
  const moved = await whatMoved(transaction, last, { ...proposal, joined: head.set?.joined ?? 0 });
  throw new Declined(
    'PLAN_STALE',
    `what the plan relied on is otherwise by now (PLAN_STALE): ${moved}; nothing was changed: plan again`,
  );
}
