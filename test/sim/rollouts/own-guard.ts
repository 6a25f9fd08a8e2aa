import { makeJudge, subjectOf } from '../../../protocol/guard.ts';
import type { Intent } from '../../../protocol/intent.ts';

/** Everything is allowed, or only the first destinations. */
export type OwnGuard = 'open' | 'first';

/** The destinations that the guard `first` lets redirects have, as a guard file says it. */
const FIRST = makeJudge({ dst: ['203.0.113.0/30'], protect: [] });
const HIGHEST = 3;

/** What the guard of a host says of what it is sent. */
export function isDenied(guard: OwnGuard, value: string): boolean {
  if (guard === 'open') return false;
  const { match, to } = JSON.parse(value) as Pick<Intent, 'match' | 'to'>;
  return FIRST(subjectOf(match, to)).is === 'denied';
}

/** Whether what stands breaks a guard, looked at with other eyes. */
export function breaks(guard: OwnGuard, value: string): boolean {
  const [, last] = /"dst":"203\.0\.113\.(\d+)\/32"/.exec(value) ?? [];
  return guard === 'first' && (last === undefined || Number(last) > HIGHEST);
}
