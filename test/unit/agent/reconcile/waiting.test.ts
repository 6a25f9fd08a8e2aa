import test from 'ava';
import { Schedule } from '../../../../agent/reconcile/schedule.ts';
import { converge, intentOf, makeKernel, start, statesOf } from './world.ts';

test('waiting: as many come back as there is room for, and the rest goes on waiting', (t) => {
  const kernel = makeKernel({ slots: 2 });
  const all = [1, 2, 3, 4, 5].map((n) => intentOf(n));
  const convergence = start(kernel, all);
  converge(convergence);
  convergence.ledger.remove([intentOf(1).key]);
  t.is(converge(convergence).length, 2);
  t.deepEqual(statesOf(convergence, all), [
    ...[undefined, 'installed', 'installed', 'blocked MAP_FULL', 'blocked MAP_FULL'],
  ]);
  convergence.ledger.remove([intentOf(2).key, intentOf(3).key]);
  converge(convergence);
  t.deepEqual(statesOf(convergence, all.slice(3)), ['installed', 'installed']);
});

test('waiting: one that could not use its room leaves it to the next', (t) => {
  const kernel = makeKernel({ slots: 1 });
  const lost = intentOf(2, { interface: 'eth1', mac: '02:00:00:00:00:09' });
  const all = [intentOf(1), lost, intentOf(3)];
  const convergence = start(kernel, all);
  converge(convergence);
  t.deepEqual(statesOf(convergence, all), ['installed', 'blocked MAP_FULL', 'blocked MAP_FULL']);
  kernel.netdev('eth1', { up: false });
  convergence.ledger.remove([intentOf(1).key]);
  convergence.refreshNetworkNext();
  converge(convergence);
  t.deepEqual(statesOf(convergence, all), [undefined, 'blocked NO_INTERFACE', 'installed']);
});

test('waiting: a shape that comes free in one family wakes nobody of the other', (t) => {
  const kernel = makeKernel({ slots: 32 });
  const shapes4 = Array.from({ length: 9 }, (_, n) => intentOf(0, 'drop', { of: { dst: `10.0.0.0/${8 + n}` } }));
  const one6 = intentOf(0, 'drop', { of: { dst: '2001:db8::/32' } });
  const convergence = start(kernel, [...shapes4, one6]);
  converge(convergence);
  convergence.ledger.remove([one6.key]);
  t.is(converge(convergence).length, 1);
  t.is(statesOf(convergence, shapes4)[8], 'blocked SHAPES_FULL');
  convergence.ledger.remove([shapes4[0]?.key ?? '']);
  converge(convergence);
  t.is(statesOf(convergence, shapes4)[8], 'installed');
});

test('schedule: a key is taken once, when it is due or the earliest of its times has come', (t) => {
  const schedule = new Schedule();
  t.is(schedule.firstMs, Number.POSITIVE_INFINITY);
  schedule.at('a', 30);
  schedule.at('b', 10);
  schedule.at('c', 20);
  schedule.at('c', 40);
  schedule.markDue(['b']);
  t.deepEqual(
    [schedule.take(9, 9), schedule.take(19, 9), schedule.take(30, 9), schedule.take(30, 9)],
    [['b'], [], ['a', 'c'], []],
  );
  t.is(schedule.firstMs, Number.POSITIVE_INFINITY);
});

test('schedule: what is more than asked for stays due, in its order', (t) => {
  const schedule = new Schedule();
  schedule.markDue(['c', 'a', 'b']);
  schedule.at('d', 5);
  t.deepEqual([schedule.take(5, 2), schedule.pending], [['c', 'a'], true]);
  t.deepEqual([schedule.take(5, 9), schedule.pending], [['b', 'd'], false]);
});

test('schedule: what is due from the beginning comes first, and again in its turn where it became due meanwhile', (t) => {
  const schedule = new Schedule();
  for (const key of ['a', 'b', 'c']) schedule.begin(key);
  schedule.markDue(['b', 'd']);
  schedule.at('c', 10);
  t.is(schedule.due, 5);
  t.deepEqual(schedule.take(0, 2), ['a', 'b']);
  t.deepEqual(schedule.take(0, 2), ['c']);
  t.is(schedule.due, 2);
  t.deepEqual(schedule.take(20, 9), ['b', 'd'], 'c was taken with its time');
  t.false(schedule.pending);
});
