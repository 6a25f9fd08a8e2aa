import { Refused } from '../../protocol/refused.ts';

/** Answers what a row that fits its checksum says, or undefined for what only a newer agent can have written there. */
export function understood<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof Refused) return undefined;
    throw error;
  }
}
