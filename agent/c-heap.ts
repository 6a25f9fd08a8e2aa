import type { Clock } from '../daemon/clock.ts';
import type { Heap } from '../daemon/memory.ts';
import type { Native } from '../native/index.ts';

/** By then V8 has let go of what it held in the heap of C. */
const LET_GO_MS = 3_000;

/** Gives back what is free of the heap of C, too: whoever reads a large store leaves much there. Until the signal aborts. */
export function withCHeap(
  heap: Heap,
  native: Pick<Native, 'mallocTrim'>,
  clock: Pick<Clock, 'delay'>,
  signal: AbortSignal,
): Heap {
  const trim = (): void => void native.mallocTrim();
  return {
    grow: () => heap.grow(),
    giveBack: () => {
      heap.giveBack();
      clock.delay(LET_GO_MS, signal).then(trim, () => {});
    },
  };
}
