/** Memory that user space and a program share, and when a program has surely ended. */
import { loadNative } from '../../../native/index.ts';
import { kernelTests } from '../../support/kernel.ts';
import { must } from '../../support/must.ts';
import { u32, u64 } from './loaded-source.ts';
import { observer } from './observe.ts';

const kernel = kernelTests();
const ARRAY = 2;
const BPF_F_MMAPABLE = 1024;

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

kernel('fact page-rest: what is left of the last page is zero, shared by all who map it, and no value', (t) => {
  const native = loadNative();
  const map = must('mapCreate', native.mapCreate(ARRAY, 'fact', 4, 8, 1, BPF_F_MMAPABLE));
  const memory = must('mapMmapPages', native.mapMmapPages(map, true));
  const other = must('mapMmapPages', native.mapMmapPages(map, false));
  t.is(native.memorySize(memory) % 4096, 0);
  t.deepEqual(native.memoryRead(other, 2048, 8), u64(0));
  t.is(native.memoryWrite(memory, 2048, u64(9)), 0);
  t.deepEqual(native.memoryRead(other, 2048, 8), u64(9));
  native.mapUpdateElem(map, u32(0), u64(7), 0);
  t.deepEqual(native.mapLookupElem(map, u32(0), 0), u64(7));
  t.deepEqual(native.memoryRead(other, 2048, 8), u64(9));
  for (const one of [memory, other, map]) native.close(one);
});

kernel('fact membarrier-grace: a program that ran when membarrier was called has ended when it returns', async (t) => {
  const seen = await observeGrace('grace', '20');
  t.log(seen);
  t.true(seen.met > 0, 'inconclusive: no program ever ran at that moment');
  t.is(seen.unfinished, 0);
});
