import type { Mark } from '../model/mark.ts';
import type { Words } from '../ports.ts';
import type { Drift } from './drift.ts';

/** Reads as no mark. */
const NO_MARK: Mark = { epoch: '', rev: 0, seq: 0 };

/** The words that only the agent writes. What the kernel says at the start is believed: it outlives stores. */
export class OwnWords {
  readonly #words: Pick<Words, 'mark' | 'setMark' | 'isReady' | 'setReady'>;
  #mark: Mark | undefined;
  #ready: boolean;

  constructor(words: Pick<Words, 'mark' | 'setMark' | 'isReady' | 'setReady'>) {
    this.#words = words;
    this.#mark = words.mark();
    this.#ready = words.isReady();
  }

  /** The mark that ought to stand. */
  get known(): Mark | undefined {
    return this.#mark;
  }

  setMark(mark: Mark): void {
    this.#mark = mark;
    this.#words.setMark(mark);
  }

  setReady(): void {
    if (this.#ready) return;
    this.#ready = true;
    this.#words.setReady(true);
  }

  /** Puts back what somebody else wrote, and says what that was: an agent after this one believes the mark. */
  mend(): Drift[] {
    const drifted: Drift[] = [];
    if (!sameMark(this.#words.mark(), this.#mark)) {
      this.#words.setMark(this.#mark ?? NO_MARK);
      drifted.push({ pin: 'control', detail: 'control: the mark' });
    }
    if (this.#words.isReady() !== this.#ready) {
      this.#words.setReady(this.#ready);
      drifted.push({ pin: 'control', detail: 'control: ready' });
    }
    return drifted;
  }
}

function sameMark(a: Mark | undefined, b: Mark | undefined): boolean {
  return a?.epoch === b?.epoch && a?.rev === b?.rev && a?.seq === b?.seq;
}
