import type { Action } from '../../protocol/action.ts';
import type { Intent } from '../../protocol/intent.ts';

/** What the body of an intent does with packets; undefined once its time is over, for then nothing. */
export function lastingAction(body: string, nowMs: number): Action | undefined {
  const { to, expires } = JSON.parse(body) as Pick<Intent, 'to' | 'expires'>;
  return expires !== undefined && expires <= nowMs ? undefined : to;
}

/** Whether its time is over; few have any. */
export function isOver(body: string, nowMs: number): boolean {
  return body.includes('"expires":') && lastingAction(body, nowMs) === undefined;
}
