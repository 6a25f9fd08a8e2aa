import { chownSync, lstatSync, mkdirSync, readdirSync, rmdirSync } from 'node:fs';
import type { Native } from '../../native/index.ts';
import { isErrno, requireValue } from '../kernel/errno.ts';
import { AttachError } from './attach-error.ts';
import type { Owner } from './object.ts';

const MODE = 0o700;

/** Refuses what stands where the folder of the claim belongs, and is no empty folder. Errors: AttachError. */
export function requireClaimFolder(path: string): void {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined || (stat.isDirectory() && readdirSync(path).length === 0)) return;
  throw new AttachError(
    `${path} is no empty folder, so no agent can claim the maps there; remove it, and attach again`,
  );
}

/**
 * Sees to it that there is a folder which the owner of the maps alone may open, and so lock. One of somebody else is made
 * anew: whoever has locked that one has nothing then. Answers whether that changed anything.
 */
export function keepClaimFolder(path: string, { uid, gid }: Owner): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat?.uid === uid && (stat.mode & 0o7777) === MODE) return false;
  if (stat !== undefined) rmdirSync(path);
  mkdirSync(path, { mode: MODE });
  chownSync(path, uid, gid);
  return true;
}

/** Removes the folder, unless an agent has it locked: that one waits for the maps of the next `attach`. Errors: KernelError. */
export function dropClaimFolder(native: Pick<Native, 'lockFolder' | 'close'>, path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return;
  const lock = native.lockFolder(path);
  if (typeof lock === 'number' && isErrno(lock, 'EAGAIN')) return;
  const held = requireValue(lock, 'lock', path);
  rmdirSync(path);
  native.close(held);
}
