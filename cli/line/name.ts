import { readChangeId } from '../../protocol/change-id.ts';
import { readHost } from '../../protocol/host.ts';
import { readName } from '../../protocol/intent.ts';
import { show } from '../../protocol/read.ts';
import { usage } from './failure.ts';
import { orElse } from './refusal.ts';

/** The name of a redirect, as an operand. Errors: Failure USAGE. */
export function requireName(name: string): string {
  return orElse(
    () => readName(name, ''),
    ({ message }) => usage(`NAME: ${message}`),
  );
}

/** The id of a host, as an operand. Errors: Failure USAGE. */
export function requireHost(host: string): string {
  return orElse(
    () => readHost(host, ''),
    ({ message }) => usage(`HOST: ${message}`),
  );
}

/** What is a change, and what says of a redirect what `shunt wait` says of one. */
export const CHANGE_HINT =
  'CHANGE is what apply or delete printed, such as 7f3a01bc; whether a redirect is in force shunt get NAME --exit-code says';

/** The id of a change or its beginning, as an operand. Errors: Failure USAGE. */
export function requireChange(change: string): string {
  return orElse(
    () => readChangeId(change, ''),
    () => usage(`CHANGE: ${show(change)} is no id of a change; ${CHANGE_HINT}`),
  );
}
