import type { Mark } from '../model/mark.ts';
import type { Words } from '../ports.ts';
import type { Drift } from './drift.ts';

/** Reads as no mark. */
const NO_MARK: Mark = { epoch: '', rev: 0, seq: 0 };

/** The words that only the agent writes. What the kernel says at the start is believed: it outlives stores. */
export class OwnWords {
  readonly #words: Pick<Words, 'mark' | 'setMark' | 'isReady' | 'setReady'>;
  /** The mark that ought to stand. */
  #mark: Mark | undefined;
  /** It is to stand before anything of the set that it marks. */
  #next: Mark | undefined;
  #ready: boolean;

  constructor(words: Pick<Words, 'mark' | 'setMark' | 'isReady' | 'setReady'>, next?: Mark) {
    this.#words = words;
    this.#next = next;
    this.#mark = words.mark();
    this.#ready = words.isReady();
  }

  /** Those of other maps, in which the same ought to stand. */
  movedTo(words: Pick<Words, 'mark' | 'setMark' | 'isReady' | 'setReady'>): OwnWords {
    return new OwnWords(words, this.#next ?? this.#mark);
  }

  markNext(mark: Mark): void {
    this.#next = mark;
  }

  /** Writes the mark that is next, if there is one. */
  writeMark(): void {
    if (this.#next === undefined) return;
    this.#mark = this.#next;
    this.#words.setMark(this.#mark);
    this.#next = undefined;
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
