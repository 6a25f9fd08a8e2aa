import type { LockHandle, Native } from '../../native/index.ts';
import { errnoText } from '../kernel/advice.ts';
import { isErrno } from '../kernel/errno.ts';
import { AttachError } from './attach-error.ts';

/** An interface is attached within a second; maps that an agent has to fill may take a minute. */
const WAIT_MS = 5_000;
const LOOK_MS = 20;

/** The right to change what is pinned below a pin root, which one loader has at a time; it goes with the process. */
export class LoaderLock implements Disposable {
  readonly #native: Pick<Native, 'lockFolder' | 'close'>;
  readonly #lock: LockHandle;

  /** Waits a little for another to be done. Errors: AttachError; nothing was changed. */
  constructor(native: Pick<Native, 'lockFolder' | 'close'>, pinRoot: string) {
    this.#native = native;
    const endMs = performance.now() + WAIT_MS;
    let lock = native.lockFolder(pinRoot);
    while (typeof lock === 'number' && isErrno(lock, 'EAGAIN') && performance.now() < endMs) {
      sleep(LOOK_MS);
      lock = native.lockFolder(pinRoot);
    }
    if (typeof lock === 'number') {
      const why = isErrno(lock, 'EAGAIN')
        ? 'another attach or detach is at work there; try again'
        : errnoText(lock, '');
      throw new AttachError(`lock ${pinRoot}: ${why}`);
    }
    this.#lock = lock;
  }

  [Symbol.dispose](): void {
    this.#native.close(this.#lock);
  }
}

/** Holds the whole thread: what a loader does is done at once, and nobody else is served meanwhile. */
export function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
