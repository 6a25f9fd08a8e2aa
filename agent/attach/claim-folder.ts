import { chownSync, lstatSync, mkdirSync, readdirSync, rmdirSync } from 'node:fs';
import type { Native } from '../../native/index.ts';
import { isErrno, requireValue } from '../kernel/errno.ts';
import { AttachError } from './attach-error.ts';
import type { Owner } from './object.ts';

type Locks = Pick<Native, 'lockFolder' | 'close'>;

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
export function keepClaimFolder(native: Locks, path: string, owner: Owner, undo: DisposableStack): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat?.uid === owner.uid && (stat.mode & 0o7777) === MODE) return false;
  if (stat !== undefined) rmdirSync(path);
  undo.defer(() => {
    dropClaimFolder(native, path);
    if (stat !== undefined) makeClaimFolder(path, stat, stat.mode & 0o7777);
  });
  makeClaimFolder(path, owner, MODE);
  return true;
}

function makeClaimFolder(path: string, { uid, gid }: Owner, mode: number): void {
  mkdirSync(path, { mode });
  chownSync(path, uid, gid);
}

/** Removes the folder, unless an agent has it locked: that one waits for the maps of the next `attach`. Errors: KernelError. */
export function dropClaimFolder(native: Locks, path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return;
  const lock = native.lockFolder(path);
  if (typeof lock === 'number' && isErrno(lock, 'EAGAIN')) return;
  const held = requireValue(lock, 'lock', path);
  rmdirSync(path);
  native.close(held);
}
