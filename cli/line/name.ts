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
