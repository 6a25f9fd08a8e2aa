import { constants } from 'node:os';
import { KernelError } from '../model/kernel-error.ts';

/** Errnos that the kernel answers here and the runtime has no name for (include/linux/errno.h). */
const KERNEL_ONLY = new Map([[524, 'ENOTSUPP']]);
const NAMES = new Map(Object.entries(constants.errno).map(([name, number]) => [number, name]));
NAMES.set(constants.errno.EAGAIN, 'EAGAIN');

/** What to do where more files are open than may be: it is the same whatever was tried. */
export const TOO_MANY_FILES: Readonly<Record<string, string>> = {
  EMFILE: 'this process has too many files open: raise its limit (ulimit -n, LimitNOFILE)',
  ENFILE: 'this host has too many files open: raise sysctl fs.file-max',
};

/** Names a negative return value of the addon, e.g. -7 is `E2BIG`; an unknown one is `E` and its number. */
export function errnoName(rc: number): string {
  return NAMES.get(-rc) ?? KERNEL_ONLY.get(-rc) ?? `E${-rc}`;
}

/** Whether the addon answered this errno, by its name in errno.h, e.g. `ENOENT`. */
export function isErrno(rc: number, name: keyof typeof constants.errno): boolean {
  return rc === -constants.errno[name];
}

/** Lets a value through and throws what the addon answered instead of one. */
export function requireValue<T>(value: T | number, op: string, target: string, advice = ''): T {
  if (typeof value !== 'number') return value;
  throw failure(value, op, target, advice);
}

/** Throws when a call answered a negative errno. */
export function requireDone(rc: number, op: string, target: string, advice = ''): void {
  if (rc < 0) throw failure(rc, op, target, advice);
}

function failure(rc: number, op: string, target: string, advice: string): KernelError {
  const errno = errnoName(rc);
  return new KernelError(op, target, errno, TOO_MANY_FILES[errno] ?? advice);
}
