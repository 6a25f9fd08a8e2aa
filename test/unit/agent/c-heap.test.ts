import { setImmediate as turn } from 'node:timers/promises';
import test from 'ava';
import { withCHeap } from '../../../agent/c-heap.ts';

/** Delays end when it is told to. */
function made() {
  const calls: string[] = [];
  const note = (what: string) => (): number => calls.push(what);
  const delays: PromiseWithResolvers<void>[] = [];
  const delay = (): Promise<void> => {
    const over = Promise.withResolvers<void>();
    delays.push(over);
    return over.promise;
  };
  const heap = { grow: note('grow'), giveBack: note('give back') };
  return {
    calls,
    delays,
    heap: withCHeap(heap, { mallocTrim: note('trim') }, { delay }, new AbortController().signal),
  };
}

test('c heap: it gives back what is free some time after V8 began to', async (t) => {
  const { heap, calls, delays } = made();
  heap.grow();
  heap.giveBack();
  await turn();
  t.deepEqual(calls, ['grow', 'give back']);
  delays[0]?.resolve();
  await turn();
  t.deepEqual(calls, ['grow', 'give back', 'trim']);
});

test('c heap: an agent that ends gives nothing back any more', async (t) => {
  const { heap, calls, delays } = made();
  heap.giveBack();
  delays[0]?.reject(new Error('over'));
  await turn();
  t.deepEqual(calls, ['give back']);
});
