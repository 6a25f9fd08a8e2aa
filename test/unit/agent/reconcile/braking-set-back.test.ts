import test from 'ava';
import { atStart } from '../../../../agent/follow/footing.ts';
import type { EntryValue } from '../../../../agent/model/entry.ts';
import type { Change, Intent } from '../../../../protocol/intent.ts';
import type { KeptStore } from '../../../fakes/memory-store.ts';
import { Bench, del, put } from './bench.ts';
import { DIRECT, intentOf, NEXT_HOP, stands, VIA } from './world.ts';

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

test('brake: with a store that was set back all is withheld that stands in the kernel', async (t) => {
  const { bench, kept } = await ten();
  await using _ = bench;
  await accept(bench, 12, [del(10, 11), put(9, 12, 'pass')]);
  await setBack(bench, kept);
  await accept(bench, 28, [...puts(7, 8), put(9, 12, 'pass')], 'empty');
  t.is(bench.reconciler.progress().brake?.withheld, 6);
  t.deepEqual(standing(bench), from(1, 9));
  t.is(action(bench, 9), 'pass');
});

/** Of ten that stood when the store was copied, where each is sent since; the copy in its place, and a whole set that names only the first. */
async function retargeted(bench: Bench, to: readonly Intent['to'][]): Promise<readonly (EntryValue | undefined)[]> {
  await bench.start();
  await accept(bench, 10, puts(1, 10));
  const kept = bench.store.copy();
  const changes = to.map((it, i) => put(1 + i, 11 + i, it));
  await accept(bench, 20, changes, 'stored', { permit: 20 });
  const values = from(1, 10).map((n) => stands(bench.kernel, intentOf(n).key)?.value);
  await setBack(bench, kept);
  await accept(bench, 28, changes.slice(0, 1), 'empty');
  return values;
}

test('brake: with a store that was set back what was sent elsewhere since is counted, too, and stands as it stood', async (t) => {
  await using bench = new Bench({ slots: 64 });
  const to = from(1, 10).map((n) => (n <= 4 ? 'pass' : n <= 7 ? { nexthop: NEXT_HOP, ttl: 'keep' as const } : DIRECT));
  const before = await retargeted(bench, to);
  const now = () => from(1, 10).map((n) => stands(bench.kernel, intentOf(n).key)?.value);
  t.is(bench.reconciler.progress().brake?.withheld, 9, 'one is where it was');
  t.deepEqual(now(), before);
  t.is(bench.reconciler.progress().states.get(intentOf(2).key)?.code, 'BRAKE');
  await bench.start();
  await bench.reconciler.settle();
  t.deepEqual(now(), before, 'also after a start');
  await bench.reconciler.release();
  await bench.reconciler.settle();
  t.deepEqual(standing(bench), [1]);
});

test('brake: with a store that was set back what goes where it went is not counted, whatever its revision', async (t) => {
  await using bench = new Bench({ slots: 64 });
  await bench.start();
  await accept(bench, 10, puts(1, 10));
  const kept = bench.store.copy();
  const changes = from(1, 10).map((n) => put(n, 10 + n, VIA));
  await accept(bench, 20, changes, 'stored', { permit: 20 });
  await setBack(bench, kept);
  const again = from(1, 10).map((n) => put(n, 30 + n, { nexthop: NEXT_HOP }));
  await accept(bench, 40, again, 'empty');
  t.is(bench.reconciler.progress().brake, undefined);
  t.deepEqual(standing(bench), from(1, 10));
});

test('brake: with a store that was set back what ends by itself still does', async (t) => {
  await using bench = new Bench({ slots: 64 });
  await bench.start();
  await accept(bench, 10, puts(1, 10));
  const kept = bench.store.copy();
  const expires = bench.clock.nowMs() + 60_000;
  const changes = from(1, 10).map((n): Change => ({ ...put(n, 10 + n, 'pass'), ...(n < 10 && { expires }) }) as Change);
  await accept(bench, 20, changes, 'stored', { permit: 20 });
  await setBack(bench, kept);
  await accept(bench, 28, changes.slice(9), 'empty');
  t.is(bench.reconciler.progress().brake?.withheld, 9);
  await bench.clock.pass(62_000);
  t.deepEqual(standing(bench), [10]);
});

test('brake: with a store that was set back what was idle then and stands again is counted, and stands', async (t) => {
  await using bench = new Bench({ slots: 64 });
  await bench.start();
  const idle = { afterMs: 1_000, rearm: 'never' as const };
  await accept(
    bench,
    10,
    from(1, 10).map((n): Change => ({ ...put(n, n), idle }) as Change),
  );
  const kept = bench.store.copy();
  await accept(bench, 11, [put(11, 11)]);
  const rows = new Map([...kept.rows].map(([key, row]) => [key, { ...row, state: 'idle' as const }]));
  await setBack(bench, { ...kept, rows });
  await accept(bench, 28, [{ ...put(1, 1), idle } as Change], 'empty');
  t.is(bench.reconciler.progress().brake?.withheld, 9);
  t.deepEqual(standing(bench), from(2, 10));
});
