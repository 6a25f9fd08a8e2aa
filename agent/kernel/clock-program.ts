import type { Native, ProgramHandle } from '../../native/index.ts';
import type { KernelClock, KernelTime } from '../ports.ts';
import { viewOf } from './bytes.ts';
import { LITTLE_ENDIAN } from './check.ts';
import { requireValue } from './errno.ts';
import { pinMark } from './pin-mark.ts';
import type { Place } from './place.ts';

/** Room for `struct __sk_buff` of any kernel so far (192 bytes in 6.18); a smaller answer would be ENOSPC. */
const CONTEXT_BYTES = 256;
/** Offset of `cb` in `struct __sk_buff` (include/uapi/linux/bpf.h). */
const SK_BUFF_CB = 48;

/** Reads jiffies64 out of the context that a test-run of the program `clock` gave back. */
export function decodeClock(context: Uint8Array): bigint {
  const view = viewOf(context);
  const low = BigInt(view.getUint32(SK_BUFF_CB, LITTLE_ENDIAN));
  return (BigInt(view.getUint32(SK_BUFF_CB + 4, LITTLE_ENDIAN)) << 32n) | low;
}

/** Runs the program `clock` once; answers jiffies64, or a negative errno. */
export function runClock(native: Native, clock: ProgramHandle): bigint | number {
  const { rc, ctxOut } = native.programTestRun(clock, {
    dataIn: new Uint8Array(64),
    ctxIn: null,
    repeat: 1,
    dataOutSize: 0,
    ctxOutSize: CONTEXT_BYTES,
  });
  return rc < 0 ? rc : decodeClock(ctxOut);
}

/** The program, and the pin that it was opened by: another release puts another one there. */
interface Opened {
  readonly program: ProgramHandle;
  readonly mark: string | undefined;
}

/** The kernel's clock, by the pinned program `clock`. */
export class ClockProgram implements KernelClock, Disposable {
  readonly #native: Native;
  readonly #place: Pick<Place, 'at'>;
  readonly #hz: number;
  #opened: Opened | undefined;

  constructor(native: Native, place: Pick<Place, 'at'>, hz: number) {
    this.#native = native;
    this.#place = place;
    this.#hz = hz;
  }

  /** Errors: KernelError. */
  now(): KernelTime {
    const jiffies = this.#place.at(({ clock: pin }) => {
      return requireValue(runClock(this.#native, this.#open(pin)), 'test-run', 'clock');
    });
    return { jiffies, hz: this.#hz };
  }

  [Symbol.dispose](): void {
    if (this.#opened !== undefined) this.#native.close(this.#opened.program);
    this.#opened = undefined;
  }

  #open(pin: string): ProgramHandle {
    const mark = pinMark(pin); // before it is opened: if it is another one by then, the next look sees that
    if (mark !== undefined && this.#opened?.mark === mark) return this.#opened.program;
    this[Symbol.dispose]();
    const program = requireValue(this.#native.programOpen(pin), 'open program', pin);
    this.#opened = { program, mark };
    return program;
  }
}
