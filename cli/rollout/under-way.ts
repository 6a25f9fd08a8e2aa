import { encodeRolloutListRequest, parseRolloutListReply } from '../../protocol/rollout-list.ts';
import type { Bus } from '../client.ts';
import { Failure } from '../line/failure.ts';
import { shortChange } from '../show/change-state.ts';
import { standingText } from './words.ts';

/** So many are named. */
const SHOWN = 3;

/** Says which rollouts have not ended; nothing where nobody tells, such as a controller of an older release. Never refuses. */
export async function underWayText(bus: Pick<Bus, 'api'>): Promise<string | undefined> {
  const request = encodeRolloutListRequest({ v: 1, active: true, limit: SHOWN + 1 });
  const found = await bus.api('rollout-list', request, parseRolloutListReply).catch((error: unknown) => {
    if (!(error instanceof Failure)) throw error;
  });
  const items = found?.items ?? [];
  if (items.length === 0) return undefined;
  const named = items.slice(0, SHOWN).map((head) => `${shortChange(head.id)} (${standingText(head)})`);
  const more = items.length > SHOWN ? ' and others' : '';
  return `not ended: rollout ${named.join(', ')}${more}; until then what it changes is shown as it is without it`;
}
