import { bytesOf } from '../../protocol/json.ts';
import type { RolloutStatusReply } from '../../protocol/rollout-status.ts';
import { fitting } from '../desk/paging.ts';

const NAMES = ['outstanding', 'silent', 'deferred', 'excluded'] as const;

/**
 * The same status, no longer than a message may be: the oldest of what happened gives way first, then hosts that are named. How many
 * there are of each is told all the same.
 */
export function fitted(reply: RolloutStatusReply, budgetBytes: number): RolloutStatusReply {
  if (bytesOf(reply) <= budgetBytes) return reply;
  const none = Object.fromEntries(NAMES.flatMap((name) => (reply[name] === undefined ? [] : [[name, []]])));
  const cut: { -readonly [K in keyof RolloutStatusReply]: RolloutStatusReply[K] } = {
    ...{ ...reply, ...none },
    ...{ holdUps: [], evidence: [] },
  };
  const room = (): number => Math.max(0, budgetBytes - bytesOf(cut));
  cut.holdUps = fitting(reply.holdUps, room());
  for (const name of NAMES) if (reply[name] !== undefined) cut[name] = fitting(reply[name], room());
  cut.evidence = fitting(reply.evidence.toReversed(), room()).toReversed();
  return cut;
}
