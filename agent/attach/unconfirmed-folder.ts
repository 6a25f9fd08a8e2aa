import { existsSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Native } from '../../native/index.ts';

/** Beside the pins, whatever their layout. */
export function folderOfUnconfirmed(pinRoot: string): string {
  return join(pinRoot, 'unconfirmed');
}

/** Takes away what one left that was killed while it waited; answers whether there was such. */
export function dropAbandoned(native: Pick<Native, 'lockFolder' | 'close'>, pinRoot: string): boolean {
  const folder = folderOfUnconfirmed(pinRoot);
  if (!existsSync(folder)) return false;
  const lock = native.lockFolder(folder);
  if (typeof lock === 'number') return false; // somebody waits
  rmdirSync(folder);
  native.close(lock);
  return true;
}
