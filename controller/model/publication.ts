import type { Confirm } from '../../protocol/intent.ts';

/** A body ends with `confirm`, where it has it; in its texts every quote is escaped. A delete has nothing else. */
const CONFIRM = /,?"confirm":(\{"withinMs":\d+\})\}$/;
const NOTHING = '{}';

/** What a body says apart from wanting to be confirmed: that belongs to the change which brought it, not to the redirect. */
export function withoutConfirm(body: string): string {
  const bare = body.replace(CONFIRM, '}');
  return bare === NOTHING ? '' : bare;
}

/** The same as a change that wants to be confirmed; of a delete, whose body is empty, too. */
export function withConfirm(body: string, { withinMs }: Confirm): string {
  const rest = body === '' ? '{' : `${body.slice(0, -1)},`;
  return `${rest}"confirm":${JSON.stringify({ withinMs })}}`;
}

/** Within which time the change that brought a body wanted to be confirmed. */
export function confirmOf(body: string): Confirm | undefined {
  const [, confirm] = CONFIRM.exec(body) ?? [];
  return confirm === undefined ? undefined : (JSON.parse(confirm) as Confirm);
}
