import type { RolloutStatusReply } from '../../../protocol/rollout-status.ts';
import type { Fleet } from './fleet.ts';

/** Whoever may still have what went back is named; but for who lied, and who was forgotten since. */
export function checkOutstanding({ judge, hosts }: Fleet, reply: RolloutStatusReply): readonly string[] {
  const { outstanding = [], outstandingTotal = 0, rollout } = reply;
  if (rollout.state !== 'ROLLED_BACK' || outstandingTotal > outstanding.length) return [];
  const rows = judge.look.rollouts.get(rollout.id)?.hosts;
  return [...hosts.values()].flatMap(({ name, kernel, everLied }) => {
    const isKnown = rows?.get(name)?.state === 'withdrawn' && judge.look.hosts.has(name);
    const isThere = judge.reach.hasOf(rollout.id, kernel.values());
    if (!isThere || !isKnown || everLied || outstanding.includes(name)) return [];
    return [`${name} still has what rollout ${rollout.id} brought, and is not named as outstanding`];
  });
}

/** An operator asks who is named. */
export function askOutstanding(fleet: Fleet, id: string): void {
  const { judge, operator } = fleet;
  void operator.status(id).then((reply) => {
    if (reply !== undefined) judge.wrong.push(...checkOutstanding(fleet, reply));
  });
}
