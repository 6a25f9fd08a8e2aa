import { existsSync, lstatSync } from 'node:fs';
import type { LockHandle, Native } from '../../native/index.ts';
import { KernelError } from '../model/kernel-error.ts';
import { bpfAdvice } from './advice.ts';
import { errnoName, isErrno } from './errno.ts';
import { livingHolder, readHolder } from './holder.ts';
import { type PinPaths, pinPaths } from './pins.ts';
import { lockHolder, type Process, readProcess } from './processes.ts';

/** The folder was made anew between two looks; it is not, three times in a row. */
const TRIES = 3;

/**
 * The right to write into the maps below a pin root, which one agent has at a time, whatever its layout and its state
 * directory: the lock of a folder beside the pins that only their owner may open. It goes with the process, however that
 * ends. Why: docs/decisions/0015-claiming-maps.md.
 */
export class Claim implements Disposable {
  readonly #native: Native;
  readonly #paths: PinPaths;
  #held: { readonly lock: LockHandle; readonly folder: string } | undefined;

  constructor(native: Native, pinRoot: string) {
    this.#native = native;
    this.#paths = pinPaths(pinRoot);
  }

  /**
   * Takes the lock of the folder that is there now, or has it already; answers false where an older loader made none. A
   * lock of a folder that is not there any more is given up first, for it holds nothing. Errors: KernelError.
   */
  take(): boolean {
    for (let tries = 0; tries < TRIES; tries += 1) {
      const folder = identify(this.#paths.claim);
      if (folder !== undefined && this.#held?.folder === folder) return true;
      this[Symbol.dispose]();
      if (folder === undefined) return false;
      this.#held = { lock: this.#lock(), folder };
    }
    throw new KernelError('claim', this.#paths.claim, 'ESTALE', 'it is made anew again and again');
  }

  #lock(): LockHandle {
    const lock = this.#native.lockFolder(this.#paths.claim);
    if (typeof lock !== 'number') return lock;
    const advice = isErrno(lock, 'EAGAIN') ? keptSentence(findKeeper(this.#native, this.#paths)) : adviceFor(lock);
    throw new KernelError('claim', this.#paths.claim, errnoName(lock), advice);
  }

  [Symbol.dispose](): void {
    if (this.#held !== undefined) this.#native.close(this.#held.lock);
    this.#held = undefined;
  }
}

/** Says that there is another agent, and which. */
export function keptSentence(keeper: Partial<Process> | undefined): string {
  const { pid, stopped } = keeper ?? {};
  const name =
    pid === undefined ? '' : ` (process ${pid}${stopped === true ? ', which is stopped: kill -CONT it' : ''})`;
  return `another agent keeps these maps${name}; stop it first`;
}

/**
 * The agent that keeps these maps, as it wrote itself down, or as /proc/locks says; undefined where neither tells. Takes
 * no lock.
 */
export function findKeeper(native: Native, paths: PinPaths): Process | undefined {
  return writtenDown(native, paths) ?? locker(paths);
}

function writtenDown(native: Native, paths: PinPaths): Process | undefined {
  const control = native.mapOpen(paths.map('control'), true);
  if (typeof control === 'number') return undefined; // not this user's, or of another layout: /proc/locks may tell
  const holder = readHolder(native, control);
  native.close(control);
  return typeof holder === 'number' ? undefined : livingHolder(holder);
}

function locker({ claim }: PinPaths): Process | undefined {
  const pid = existsSync(claim) ? lockHolder(claim) : undefined;
  return pid === undefined || pid === 0 ? undefined : readProcess(pid);
}

function adviceFor(errno: number): string {
  if (isErrno(errno, 'EACCES')) return 'this user may not: give the maps to the agent with `shunt attach --owner USER`';
  if (isErrno(errno, 'ENOTDIR') || isErrno(errno, 'ELOOP')) return 'it is no folder: remove it, and run `shunt attach`';
  return isErrno(errno, 'ENOENT') ? 'run `shunt attach` as root once more: it makes this folder' : bpfAdvice(errno);
}

/** Which folder it is; undefined where there is none. Errors: KernelError, where that is not to be seen. */
function identify(path: string): string | undefined {
  try {
    const { dev, ino } = lstatSync(path, { bigint: true });
    return `${dev}:${ino}`;
  } catch (error) {
    const { code = 'EIO' } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    const advice = code === 'EACCES' ? 'this user may not enter the folders above: chmod 711 them' : '';
    throw new KernelError('look at', path, code, advice);
  }
}
