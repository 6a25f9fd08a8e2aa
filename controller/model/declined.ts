import type { Code } from '../../protocol/codes.ts';
import type { Problem } from '../../protocol/spec.ts';

/** A request that was understood and not done; nothing was changed. The message says what to do. */
export class Declined extends Error {
  static {
    Declined.prototype.name = 'Declined';
  }
  readonly code: Code;
  readonly problems: readonly Problem[];

  constructor(code: Code, message: string, problems: readonly Problem[] = []) {
    super(message);
    this.code = code;
    this.problems = problems;
  }
}
