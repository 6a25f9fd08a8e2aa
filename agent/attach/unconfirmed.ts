import { existsSync, mkdirSync, rmdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { LockHandle, Native } from '../../native/index.ts';
import { isErrno, requireValue } from '../kernel/errno.ts';
import { pinPaths } from '../kernel/pins.ts';
import { lockHolder } from '../kernel/processes.ts';
import { AttachError } from './attach-error.ts';
import { requireRoot } from './check.ts';
import { detach } from './detach.ts';
import { dropAbandoned, folderOfUnconfirmed } from './unconfirmed-folder.ts';

type Locks = Pick<Native, 'lockFolder' | 'close'>;

/** Refuses while an attach waits to be kept: what a second one attaches would go with the first. Errors: AttachError. */
export function requireNoneUnconfirmed(native: Locks, pinRoot: string): void {
  const folder = folderOfUnconfirmed(pinRoot);
  if (existsSync(folder)) native.close(lock(native, folder));
}

/**
 * What was attached a moment ago and is detached again unless it is kept: a folder beside the pins, which root alone may make and
 * take away, locked while somebody waits. Whoever takes it away first has decided: to keep it, or to detach.
 */
export class Unconfirmed implements Disposable {
  readonly #native: Native;
  readonly #pinRoot: string;
  readonly #interfaces: readonly string[];
  readonly #folder: string;
  readonly #lock: LockHandle;

  /** Errors: AttachError where another waits; KernelError. */
  constructor(native: Native, pinRoot: string, interfaces: readonly string[]) {
    [this.#native, this.#pinRoot, this.#interfaces] = [native, pinRoot, interfaces];
    this.#folder = folderOfUnconfirmed(pinRoot);
    mkdirSync(this.#folder, { mode: 0o700, recursive: true }); // one that was killed left it
    this.#lock = lock(native, this.#folder);
  }

  get isKept(): boolean {
    return !existsSync(this.#folder);
  }

  /** Detaches what still stands of it, and nothing else; answers what that was. Undefined: it was kept just now. */
  takeBack(): readonly string[] | undefined {
    if (!takeAway(this.#folder)) return undefined;
    this.#native.close(this.#lock);
    const paths = pinPaths(this.#pinRoot);
    const left = this.#interfaces.filter((name) => existsSync(paths.link(name)));
    return left.length === 0 ? [] : detach(this.#native, this.#pinRoot, left).detached;
  }

  [Symbol.dispose](): void {
    takeAway(this.#folder);
    this.#native.close(this.#lock);
  }
}

/** What became of a word that keeps what was attached: nobody waits for it, whoever did was killed and so detaches nothing, or it is kept. */
export type Kept = 'nothing' | 'abandoned' | 'kept';

/** Keeps what another process attached and would detach. Errors: AttachError, without the right to. */
export function keepAttached(native: Locks, pinRoot: string): Kept {
  requireRoot('attach --keep', 'keeps what root attached');
  const folder = folderOfUnconfirmed(pinRoot);
  if (!existsSync(folder)) return 'nothing';
  if (dropAbandoned(native, pinRoot)) return 'abandoned';
  return takeAway(folder) ? 'kept' : 'nothing';
}

/** Whether it was there: of two that take it away, one is answered true. */
function takeAway(folder: string): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

function lock(native: Locks, folder: string): LockHandle {
  const found = native.lockFolder(folder);
  if (typeof found !== 'number' || !isErrno(found, 'EAGAIN')) return requireValue(found, 'lock', folder);
  const pid = lockHolder(folder) ?? 0;
  const who = `a shunt attach --confirm${pid === 0 ? '' : ` (process ${pid})`}`;
  throw new AttachError(
    `${who} waits to be kept at ${dirname(folder)}; keep it first, by shunt attach --keep, or wait until it has detached`,
  );
}
