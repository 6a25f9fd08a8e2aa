import test from 'ava';
import { atStart } from '../../../../agent/follow/footing.ts';
import type { Change } from '../../../../protocol/intent.ts';
import type { KeptStore } from '../../../fakes/memory-store.ts';
import { Bench, del, put } from './bench.ts';
import { intentOf, stands } from './world.ts';

const from = (first: number, last: number): number[] => Array.from({ length: last - first + 1 }, (_, i) => first + i);
const puts = (first: number, last: number): Change[] => from(first, last).map((n) => put(n, n));

const action = (bench: Bench, n: number) => stands(bench.kernel, intentOf(n).key)?.value.action;
const standing = (bench: Bench): number[] => from(1, 11).filter((n) => action(bench, n));

async function accept(bench: Bench, ...args: Parameters<Bench['accept']>): Promise<void> {
  await bench.accept(...args);
  await bench.reconciler.settle();
}

/** A host with ten redirects that stand, and a copy of its store. */
async function ten(): Promise<{ readonly bench: Bench; readonly kept: KeptStore }> {
  const bench = new Bench({ slots: 64 });
  await bench.start();
  await accept(bench, 10, puts(1, 10));
  return { bench, kept: bench.store.copy() };
}

/** Puts the copy in its place, and starts on it: the kernel was told of a later set. */
async function setBack(bench: Bench, kept: KeptStore): Promise<void> {
  await bench.end();
  Object.assign(bench.store, kept);
  await bench.start(atStart(await bench.store.load(), bench.kernel.mark()));
}

test('brake: with a store that was set back nothing is withheld that is not in the kernel any more', async (t) => {
  const { bench, kept } = await ten();
  await using _ = bench;
  const deletes = from(1, 6).map((n) => del(n, 20 + n));
  await accept(bench, 27, [...deletes, put(7, 27, 'pass')], 'stored', { permit: 27 });
  await setBack(bench, kept);
  await accept(bench, 28, [put(7, 27, 'pass'), ...puts(8, 9), put(11, 28)], 'empty');
  t.is(bench.reconciler.progress().brake, undefined, 'one goes, and no packet misses the others');
  t.deepEqual(standing(bench), [7, 8, 9, 11]);
  t.is(action(bench, 7), 'pass');
});

test('brake: with a store that was set back all is withheld that stands in the kernel as it says', async (t) => {
  const { bench, kept } = await ten();
  await using _ = bench;
  await accept(bench, 12, [del(10, 11), put(9, 12, 'pass')]);
  await setBack(bench, kept);
  await accept(bench, 28, [...puts(7, 8), put(9, 12, 'pass')], 'empty');
  t.is(bench.reconciler.progress().brake?.withheld, 6);
  t.deepEqual(standing(bench), from(1, 9));
  t.is(action(bench, 9), 'pass');
});
