import { statSync } from 'node:fs';

/**
 * What tells a pin from any that takes its place, and from itself once it is given to others: file system, inode, and when that was
 * changed last. Undefined where there is no such pin, or none that can be seen: whoever opens it says why.
 */
export function pinMark(pin: string): string | undefined {
  try {
    const { dev, ino, ctimeMs } = statSync(pin);
    return `${dev}:${ino}:${ctimeMs}`;
  } catch {
    return undefined;
  }
}
