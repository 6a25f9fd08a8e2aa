import { readChangeId } from '../../protocol/change-id.ts';
import { readName } from '../../protocol/intent.ts';
import { usage } from './failure.ts';
import { orElse } from './refusal.ts';

/** The name of a redirect, as an operand. Errors: Failure USAGE. */
export function requireName(name: string): string {
  return orElse(
    () => readName(name, ''),
    ({ message }) => usage(`NAME: ${message}`),
  );
}

/** The id of a change or its beginning, as an operand. Errors: Failure USAGE. */
export function requireChange(change: string): string {
  return orElse(
    () => readChangeId(change, ''),
    ({ message }) => usage(`CHANGE: ${message}`),
  );
}
