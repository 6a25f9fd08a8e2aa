import { existsSync } from 'node:fs';
import type { LockHandle, Native } from '../../native/index.ts';
import { isErrno, requireValue } from '../kernel/errno.ts';
import type { PinPaths } from '../kernel/pins.ts';
import { lockHolder } from '../kernel/processes.ts';
import { AttachError } from './attach-error.ts';

type Locks = Pick<Native, 'lockFolder' | 'close'>;

/**
 * Takes the lock of who follows the interfaces of these pins: that of the folder that root alone may enter. It goes with the
 * process, however that ends. Errors: AttachError when another has it; KernelError.
 */
export function lockWatch(native: Locks, { rootOnly, layout }: PinPaths, tried = 'follow them'): LockHandle {
  const lock = native.lockFolder(rootOnly);
  if (typeof lock !== 'number' || !isErrno(lock, 'EAGAIN')) return requireValue(lock, 'lock', rootOnly);
  const pid = lockHolder(rootOnly) ?? 0;
  throw new AttachError(
    `a shunt attach --watch${pid === 0 ? '' : ` (process ${pid})`} follows the interfaces of the pins at ${layout}; ` +
      `to ${tried}, end it first, which detaches nothing`,
  );
}

/** Refuses to change what another process follows: it would be undone in a moment. Errors: as above. */
export function requireUnwatched(native: Locks, paths: PinPaths, tried: string): void {
  if (existsSync(paths.rootOnly)) native.close(lockWatch(native, paths, tried));
}
