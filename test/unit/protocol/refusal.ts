import type { Code } from '../../../protocol/codes.ts';
import { Refused } from '../../../protocol/refused.ts';

/** Runs what should be refused and answers how: `CODE path`. */
export function refusal(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof Refused) return expected(error.code, error.path);
    throw error;
  }
  return 'accepted';
}

export function expected(code: Code, path: string): string {
  return `${code} ${path}`;
}
