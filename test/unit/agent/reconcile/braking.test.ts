import test from 'ava';
import { StoreError } from '../../../../agent/model/store-error.ts';
import { summarise } from '../../../../agent/reconcile/summarise.ts';
import type { Change } from '../../../../protocol/intent.ts';
import { Bench, del, put } from './bench.ts';
import { intentOf, stands, TAKEN, TOLD, WHO } from './world.ts';

const many = <T>(from: number, to: number, make: (n: number) => T): T[] =>
  Array.from({ length: to - from + 1 }, (_, i) => make(from + i));
const puts = (from: number, to: number): Change[] => many(from, to, (n) => put(n, n));
const dels = (from: number, to: number, rev: number): Change[] => many(from, to, (n) => del(n, rev + n - from));

const action = (bench: Bench, n: number) => stands(bench.kernel, intentOf(n).key)?.value.action;
/** What stands of the first ones, by number. */
const standing = (bench: Bench, count = 10): number[] => many(1, count, (n) => n).filter((n) => action(bench, n));
const states = (bench: Bench, count = 10): string[] =>
  many(1, count, (n) => bench.reconciler.progress().states.get(intentOf(n).key)).map((at) =>
    at === undefined ? '-' : [at.state, at.code, at.rev].filter((it) => it !== undefined).join(' '),
  );

/** A host with ten redirects that stand. */
async function ten(): Promise<Bench> {
  const bench = new Bench({ slots: 64 });
  await bench.start();
  await bench.accept(10, puts(1, 10));
  await bench.reconciler.settle();
  bench.told();
  bench.published.length = 0;
  return bench;
}

async function accept(bench: Bench, ...args: Parameters<Bench['accept']>): Promise<void> {
  await bench.accept(...args);
  await bench.reconciler.settle();
}

test('brake: six of ten deletes are withheld, and it is said and told', async (t) => {
  await using bench = await ten();
  await accept(bench, 26, dels(1, 6, 21));
  t.deepEqual(
    standing(bench),
    many(1, 10, (n) => n),
  );
  t.deepEqual(states(bench).slice(4, 8), ['denied BRAKE 25', 'denied BRAKE 26', 'installed 7', 'installed 8']);
  const { brake, permit } = bench.reconciler.progress();
  t.deepEqual(brake, { since: bench.clock.nowMs(), withheld: 6, from: 21 });
  t.is(permit, 0);
  t.deepEqual(bench.revs(), [26, 26, 26], 'what is withheld is among the exceptions');
  const [first, ...others] = bench.published;
  t.like(first, { kind: 'denied', code: 'BRAKE' });
  t.is(first?.key, undefined);
  t.is(others.filter(({ kind, code }) => kind === 'denied' && code === 'BRAKE').length, 6);
});

test('brake: five deletes at once are done, and what is added beside them too', async (t) => {
  await using bench = await ten();
  await accept(bench, 26, [...dels(1, 5, 21), put(11, 26)]);
  t.deepEqual(standing(bench, 11), [6, 7, 8, 9, 10, 11]);
  t.is(bench.reconciler.progress().brake, undefined);
});

test('brake: what is added goes on while it holds, and what would be removed does not', async (t) => {
  await using bench = await ten();
  await accept(bench, 26, dels(1, 6, 21));
  await accept(bench, 28, [put(11, 27), del(10, 28)]);
  t.deepEqual(
    standing(bench, 11),
    many(1, 11, (n) => n),
  );
  t.is(bench.reconciler.progress().brake?.withheld, 7);
});

test('brake: what would be sent elsewhere stays where it goes', async (t) => {
  await using bench = await ten();
  await accept(
    bench,
    26,
    many(1, 6, (n) => put(n, 20 + n, 'pass')),
  );
  t.is(bench.reconciler.progress().brake?.withheld, 6);
  const actions = [...bench.kernel.peek().entries].map(([, { value }]) => [value.action, value.rev]);
  t.deepEqual(actions.sort(), many(1, 10, (n) => ['drop', n]).sort());
});

test('brake: neither a restart nor a boot lifts it, and on empty maps all stands again', async (t) => {
  await using bench = await ten();
  await accept(bench, 26, [...dels(1, 3, 21), ...many(4, 6, (n) => put(n, 20 + n, 'pass'))]);
  await bench.start();
  await bench.reconciler.settle();
  t.deepEqual(
    standing(bench),
    many(1, 10, (n) => n),
  );
  t.is(bench.reconciler.progress().brake?.withheld, 6);
  await bench.end();
  bench.kernel.remake();
  bench.kernel.openAnew();
  t.deepEqual(standing(bench), []);
  await bench.start();
  await bench.reconciler.settle();
  t.deepEqual(
    standing(bench),
    many(1, 10, (n) => n),
  );
  t.deepEqual(states(bench).slice(2, 7), [
    ...['denied BRAKE 23', 'denied BRAKE 24', 'denied BRAKE 25', 'denied BRAKE 26', 'installed 7'],
  ]);
  t.is(action(bench, 4), 'drop');
  await accept(bench, 27, [del(9, 27)]);
  t.is(bench.reconciler.progress().brake?.withheld, 7, 'it holds');
});

test('brake: a loop that deletes one every two seconds is held within the minute, across restarts', async (t) => {
  await using bench = new Bench({ slots: 64 });
  await bench.start();
  await accept(bench, 40, puts(1, 40));
  const since = bench.clock.monotonicMs();
  let deleted = 0;
  while (bench.reconciler.progress().brake === undefined && deleted < 40) {
    await bench.clock.pass(2_000);
    deleted += 1;
    await accept(bench, 40 + deleted, [del(deleted, 40 + deleted)]);
    if (deleted === 10) await bench.start();
  }
  t.is(deleted, 21);
  t.true(bench.clock.monotonicMs() - since < 60_000);
  await accept(bench, 62, [del(22, 62)]);
  await bench.clock.pass(120_000);
  t.deepEqual(
    standing(bench, 40),
    many(21, 40, (n) => n),
    'time does not lift it',
  );
});

test('brake: a permission with the changes lets them by, and so does one that came before', async (t) => {
  await using bench = await ten();
  await accept(bench, 26, dels(1, 6, 21), 'stored', { permit: 26 });
  t.deepEqual(standing(bench), [7, 8, 9, 10]);
  t.deepEqual(bench.reconciler.progress().permit, 26);
  await bench.start();
  t.is(bench.reconciler.progress().permit, 26);
  await accept(
    bench,
    36,
    puts(1, 6).map((change, n) => ({ ...change, rev: 31 + n })),
    'stored',
    { permit: 20 },
  );
  t.is(bench.reconciler.progress().permit, 26, 'it only rises');
});

test('brake: a permission that comes later lets go what it covers, whatever it put, and no more', async (t) => {
  await using bench = await ten();
  await accept(bench, 26, [...dels(1, 3, 21), ...many(4, 6, (n) => put(n, 20 + n, 'pass'))]);
  await bench.reconciler.marked({ permit: 25 });
  await bench.reconciler.settle();
  t.deepEqual(
    standing(bench),
    many(4, 10, (n) => n),
  );
  t.deepEqual(
    [4, 5, 6].map((n) => action(bench, n)),
    ['pass', 'pass', 'drop'],
  );
  t.is(bench.reconciler.progress().brake?.withheld, 1);
  bench.published.length = 0;
  await bench.reconciler.marked({ permit: 26 });
  await bench.reconciler.settle();
  t.is(action(bench, 6), 'pass');
  t.is(bench.reconciler.progress().brake, undefined);
  t.like(bench.published[0], { kind: 'applied', detail: 'the brake withholds nothing any more' });
  t.deepEqual(bench.revs(), [26, 26, 26]);
  t.deepEqual(states(bench).slice(0, 6), ['-', '-', '-', 'installed 24', 'installed 25', 'installed 26']);
});

test('brake: a release lets all go, forgets what went, and outlives a restart', async (t) => {
  await using bench = await ten();
  await accept(bench, 26, dels(1, 6, 21));
  t.is(await bench.reconciler.release(), 6);
  await bench.reconciler.settle();
  t.deepEqual(standing(bench), [7, 8, 9, 10]);
  await bench.start();
  await bench.reconciler.settle();
  t.deepEqual(standing(bench), [7, 8, 9, 10]);
  t.is(bench.reconciler.progress().brake, undefined);
  t.is(await bench.reconciler.release(), 0);
});

test('brake: silence of what is let go counts from when it stands, not from when that began which it was withheld for', async (t) => {
  await using bench = new Bench({ slots: 64 });
  await bench.start();
  const quiet = (change: Change): Change => ({ ...change, idle: { afterMs: 10_000, rearm: 'revision' } }) as Change;
  await accept(bench, 10, puts(1, 10).map(quiet));
  const passing = many(1, 6, (n) => quiet(put(n, 20 + n, 'pass')));
  await accept(bench, 26, passing);
  t.is(bench.reconciler.progress().brake?.withheld, 6);
  await bench.clock.pass(30_000);
  t.deepEqual(standing(bench), [1, 2, 3, 4, 5, 6], 'what it holds stands on');
  await bench.reconciler.release();
  await bench.clock.pass(8_000);
  t.deepEqual(standing(bench), [1, 2, 3, 4, 5, 6]);
  await bench.clock.pass(4_000);
  t.deepEqual(standing(bench), []);
});

test('brake: a release that the disk does not take leaves all as it is', async (t) => {
  await using bench = await ten();
  await accept(bench, 26, dels(1, 6, 21));
  bench.store.failures.push(new StoreError('FULL', 'memory', 'the disk is full'));
  await t.throwsAsync(bench.reconciler.release(), { instanceOf: StoreError });
  t.is(bench.reconciler.progress().brake?.withheld, 6);
  t.is(standing(bench).length, 10);
});

test('brake: to put again what was deleted makes it moot, and with the last of them it holds no more', async (t) => {
  await using bench = await ten();
  await accept(bench, 26, dels(1, 6, 21));
  await accept(
    bench,
    35,
    many(1, 5, (n) => put(n, 30 + n)),
  );
  t.is(bench.reconciler.progress().brake?.withheld, 1);
  await accept(bench, 36, [put(6, 36)]);
  t.is(bench.reconciler.progress().brake, undefined);
  t.deepEqual(
    states(bench, 6),
    many(1, 6, (n) => `installed ${30 + n}`),
  );
  await accept(bench, 37, [del(1, 37)]);
  t.deepEqual(
    standing(bench),
    many(2, 10, (n) => n),
  );
});

test('brake: what is withheld and changes again is withheld by the newer change, as it stood at first', async (t) => {
  await using bench = await ten();
  await accept(bench, 26, dels(1, 6, 21));
  await accept(bench, 31, [put(1, 31, 'pass')]);
  t.is(states(bench)[0], 'denied BRAKE 31');
  t.is(action(bench, 1), 'drop');
  await bench.reconciler.marked({ permit: 30 });
  await bench.reconciler.settle();
  t.deepEqual(standing(bench), [1, 7, 8, 9, 10]);
  await bench.reconciler.marked({ permit: 31 });
  await bench.reconciler.settle();
  t.is(action(bench, 1), 'pass');
});

test('brake: a whole set that lacks too much is withheld, and what it lacks is permitted by its end only', async (t) => {
  await using bench = await ten();
  await accept(bench, 30, puts(1, 4), 'empty', { permit: 29 });
  t.is(standing(bench).length, 10);
  t.is(bench.reconciler.progress().brake?.withheld, 6);
  await accept(bench, 30, puts(1, 4), 'empty');
  t.is(bench.reconciler.progress().brake?.withheld, 6, 'it is the same set');
  await accept(bench, 30, puts(1, 4), 'empty', { permit: 30 });
  t.deepEqual(standing(bench), [1, 2, 3, 4]);
});

test('brake: a first set counts nothing, nor does what has ended by itself', async (t) => {
  await using bench = new Bench({ slots: 64 });
  await bench.start();
  const ends = { expires: bench.clock.nowMs() + 5_000 };
  await accept(bench, 12, [...puts(1, 3), ...puts(4, 12).map((change) => ({ ...change, ...ends }))], 'empty');
  await bench.clock.pass(10_000);
  t.deepEqual(standing(bench, 12), [1, 2, 3]);
  await accept(bench, 22, dels(4, 12, 14));
  t.is(bench.reconciler.progress().brake, undefined);
  t.is(bench.reconciler.progress().desired.size, 3);
});

test('brake: a log that goes back permits only what it says itself', async (t) => {
  await using bench = await ten();
  await bench.reconciler.marked({ permit: 10 });
  await accept(
    bench,
    9,
    many(1, 4, (n) => put(n, n)),
    'empty',
  );
  t.is(bench.reconciler.progress().permit, 0);
  t.is(bench.reconciler.progress().brake?.withheld, 6);
});

test('brake: a slot of what stands on is given to nobody else', async (t) => {
  await using bench = new Bench({ slots: 10 });
  await bench.start();
  await accept(bench, 10, puts(1, 10));
  await accept(bench, 26, dels(1, 6, 21));
  await accept(bench, 27, [put(11, 27)]);
  await bench.clock.pass(1_000);
  t.deepEqual(
    standing(bench, 11),
    many(1, 10, (n) => n),
  );
  t.is(bench.reconciler.progress().states.get(intentOf(11).key)?.code, 'MAP_FULL');
  await bench.reconciler.release();
  await bench.reconciler.settle();
  t.deepEqual(standing(bench, 11), [7, 8, 9, 10, 11]);
});

const wanting = (change: Change): Change => ({ ...change, confirm: { withinMs: 60_000 } });

test('brake: what is withheld and wants to be confirmed is not armed before it is let go, and is taken back then as ever', async (t) => {
  await using bench = await ten();
  const changes = [...dels(1, 3, 21), ...many(4, 6, (n) => put(n, 20 + n, 'pass'))].map(wanting);
  await accept(bench, 26, changes);
  const status = () => summarise(WHO, bench.reconciler.progress(), TAKEN, TOLD);
  t.like(status(), { unarmed: 21, unconfirmed: undefined, brake: { withheld: 6, from: 21 } });
  await bench.clock.pass(120_000);
  await bench.start();
  await bench.reconciler.settle();
  t.like(status(), { unarmed: 21, unconfirmed: undefined, brake: { withheld: 6 } });
  t.deepEqual(
    standing(bench),
    many(1, 10, (n) => n),
  );
  await bench.reconciler.marked({ permit: 26 });
  await bench.reconciler.settle();
  t.like(status(), { unarmed: undefined, unconfirmedTotal: 6, brake: undefined });
  t.deepEqual(
    standing(bench),
    many(4, 10, (n) => n),
  );
  t.deepEqual(
    [4, 5, 6].map((n) => action(bench, n)),
    ['pass', 'pass', 'pass'],
  );
  await bench.clock.pass(60_000);
  t.deepEqual(
    standing(bench),
    many(1, 10, (n) => n),
  );
  t.deepEqual(
    [4, 5, 6].map((n) => action(bench, n)),
    ['drop', 'drop', 'drop'],
  );
  t.is(status().exceptions.filter(({ code }) => code === 'REVERTED').length, 6);
  t.is(status().brake, undefined, 'what is taken back does not count');
});

test('brake: of what was taken back, what came back is what stands on', async (t) => {
  await using bench = await ten();
  await accept(
    bench,
    20,
    many(1, 5, (n) => wanting(put(n, 10 + n, 'pass'))),
  );
  await bench.clock.pass(60_000);
  t.is(action(bench, 1), 'drop');
  await accept(bench, 36, dels(1, 6, 31));
  t.is(bench.reconciler.progress().brake?.withheld, 6);
  for (const again of [async () => {}, async () => void (await bench.start())]) {
    await again();
    await bench.reconciler.settle();
    t.deepEqual(
      standing(bench),
      many(1, 10, (n) => n),
    );
    t.is(action(bench, 1), 'drop');
  }
});
