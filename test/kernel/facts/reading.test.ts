/** What a running program sees while a key is rewritten. */
import { kernelTests } from '../../support/kernel.ts';
import { observer } from './observe.ts';

interface Counts {
  readonly right: number;
  readonly missing: number;
  readonly stranger: number;
  readonly torn: number;
  readonly unresolved: number;
}
interface Seen {
  readonly looks: number;
  readonly writes: number;
  readonly bare: Counts;
  readonly checked: Counts;
}

const kernel = kernelTests();
const LOOKS = 1_000_000;
/** How long the bare program may take to meet what it should not; it mostly has by the end of its LOOKS. */
const SECONDS = 40;

const observe = observer<Seen>('reading.scenario.ts');
/** A run in which the bare program saw nothing wrong proves nothing about the other one. */
const read = (way: string) => observe(way, `${LOOKS}`, `${SECONDS}`);

kernel('fact replace-relinks: replacing an element makes a program miss a key that is there', async (t) => {
  const seen = await read('replaced');
  t.log(seen);
  t.true(seen.bare.missing + seen.bare.stranger + seen.bare.torn > 0, 'inconclusive: nothing wrong was seen');
});

kernel('fact check-strangers: the check lets no wrong value through, but cannot mend a miss', async (t) => {
  const seen = await read('replaced');
  t.log(seen);
  t.true(seen.bare.missing + seen.bare.stranger + seen.bare.torn > 0, 'inconclusive: nothing wrong was seen');
  t.deepEqual([seen.checked.stranger, seen.checked.torn], [0, 0]);
});

kernel('fact lock-in-place: under BPF_F_LOCK a key is never missed, but a value is read torn', async (t) => {
  const { bare, ...seen } = await read('replacedLocked');
  t.log({ bare, ...seen });
  t.true(bare.torn > 0, 'inconclusive: nothing wrong was seen');
  t.deepEqual([bare.missing, bare.stranger], [0, 0]);
});

kernel('fact lock-and-check: with the lock and the check nothing is missed and nothing is wrong', async (t) => {
  const { bare, checked, ...seen } = await read('replacedLocked');
  t.log({ bare, checked, ...seen });
  t.true(bare.torn > 0, 'inconclusive: nothing wrong was seen');
  const { right, ...rest } = checked;
  t.true(right > 0);
  t.deepEqual(rest, { missing: 0, stranger: 0, torn: 0, unresolved: 0 });
});

for (const [way, words] of [
  ['reinserted', 'delete and insert'],
  ['reinsertedLocked', 'delete and insert under BPF_F_LOCK'],
] as const) {
  kernel(`fact reuse-at-once: after ${words}, a program holds another key's value; the check sees it`, async (t) => {
    const { bare, checked, ...seen } = await read(way);
    t.log({ bare, checked, ...seen });
    t.true(bare.stranger + bare.torn > 0, 'inconclusive: nothing wrong was seen');
    t.deepEqual([checked.stranger, checked.torn], [0, 0]);
  });
}
