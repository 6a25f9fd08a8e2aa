import { constants } from 'node:os';
import { KernelError } from '../model/kernel-error.ts';

/** Errnos that the kernel answers here and the runtime has no name for (include/linux/errno.h). */
const KERNEL_ONLY = new Map([[524, 'ENOTSUPP']]);
const NAMES = new Map(Object.entries(constants.errno).map(([name, number]) => [number, name]));
NAMES.set(constants.errno.EAGAIN, 'EAGAIN');

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
  throw new KernelError(op, target, errnoName(value), advice);
}

/** Throws when a call answered a negative errno. */
export function requireDone(rc: number, op: string, target: string, advice = ''): void {
  if (rc < 0) throw new KernelError(op, target, errnoName(rc), advice);
}
