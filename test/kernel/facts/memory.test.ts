/** Memory that user space and a program share, and when a program has surely ended. */
import { kernelTests } from '../../support/kernel.ts';
import { observer } from './observe.ts';

const kernel = kernelTests();

interface Looked {
  readonly writes: number;
  readonly looks: number;
  readonly torn: number;
}

const observe = observer<Looked>('memory.scenario.ts');
const observeGrace = observer<{ readonly met: number; readonly unfinished: number }>('memory.scenario.ts');

kernel('fact array-tears: a program reads an array element that user space updates half old, half new', async (t) => {
  const seen = await observe('torn', '40');
  t.log(seen);
  t.true(seen.torn > 0, 'inconclusive: nothing was torn');
});

kernel('fact word-whole: one aligned 32-bit word, stored through a mapping, is old or new', async (t) => {
  const seen = await observe('word', '2');
  t.log(seen);
  t.is(seen.torn, 0);
  t.true(seen.writes > 1000 && seen.looks > 0, 'inconclusive: hardly anything happened');
});

kernel('fact membarrier-grace: a program that ran when membarrier was called has ended when it returns', async (t) => {
  const seen = await observeGrace('grace', '20');
  t.log(seen);
  t.true(seen.met > 0, 'inconclusive: no program ever ran at that moment');
  t.is(seen.unfinished, 0);
});
