import { isErrno, requireDone } from './errno.ts';
import type { Image } from './image.ts';
import { keySize } from './layout.ts';
import type { Half, TableParts } from './row-build.ts';

/** What one step does takes a millisecond or some. */
const KEPT = 4_096;
const DROPPED = 16_384;
/** Once so many were cut short in a row by changes, all of it is done in one go. */
const CANCELLED_MAX = 3;

/** A half that packets meet, step by step on its way to having rows and filter bits of no other keys than those that stand. */
export class RowCheck {
  readonly #parts: TableParts & { readonly half: Half };
  readonly #stands: Image;
  #cancelled: number;
  #kept = 0;
  #dropped = 0;
  #state: 'new' | 'under way' | 'done' | 'cancelled' = 'new';
  /** Rows and words of the filter that were. */
  wrong = 0;

  /** `cancelled`: how many before it were cut short in a row. */
  constructor(parts: TableParts & { readonly half: Half }, stands: Image, cancelled = 0) {
    this.#parts = parts;
    this.#stands = stands;
    this.#cancelled = cancelled;
  }

  get isDone(): boolean {
    return this.#state === 'done';
  }

  get cancelled(): number {
    return this.#cancelled;
  }

  get givesUp(): boolean {
    return this.#cancelled >= CANCELLED_MAX;
  }

  /** True while there is more. What is put or removed meanwhile cuts it short: the next look begins another. Errors: KernelError. */
  step(): boolean {
    const { native, table, half } = this.#parts;
    if (this.#state === 'new') {
      this.#take(native.tableBeginKeeping(table, half));
      this.#state = 'under way';
      return true;
    }
    if (this.#state !== 'under way') return false;
    return this.#kept < this.#stands.count ? this.#keep() : this.#drop();
  }

  #keep(): boolean {
    const { native, table, half, family } = this.#parts;
    const count = Math.min(KEPT, this.#stands.count - this.#kept);
    const size = keySize(family);
    const keys = this.#stands.rows.keys.subarray(this.#kept * size, (this.#kept + count) * size);
    this.#kept += count;
    return this.#take(native.tableKeep(table, half, keys, count));
  }

  #drop(): boolean {
    const { native, table, half, rows } = this.#parts;
    const count = Math.min(DROPPED, rows - this.#dropped);
    const wrong = native.tableDropRest(table, half, this.#dropped, count);
    if (!this.#take(wrong)) return false;
    this.wrong += wrong;
    this.#dropped += count;
    if (this.#dropped === rows) this.#state = 'done';
    return this.#state !== 'done';
  }

  #take(rc: number): boolean {
    if (isErrno(rc, 'ECANCELED')) {
      this.#state = 'cancelled';
      this.#cancelled += 1;
      return false;
    }
    if (rc < 0) requireDone(rc, 'compare', `rows${this.#parts.family}`);
    return true;
  }
}
