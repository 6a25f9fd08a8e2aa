import test from 'ava';
import { Deadlines } from '../../../../agent/reconcile/deadlines.ts';
import { converge, intentOf, makeKernel, start, statesOf } from './world.ts';

test('waiting: as many come back as there is room for, and the rest goes on waiting', (t) => {
  const kernel = makeKernel({ slots: 2 });
  const all = [1, 2, 3, 4, 5].map((n) => intentOf(n));
  const convergence = start(kernel, all);
  converge(convergence);
  convergence.remove([intentOf(1).key]);
  t.is(converge(convergence).length, 2);
  t.deepEqual(statesOf(convergence, all), [
    ...[undefined, 'installed', 'installed', 'blocked MAP_FULL', 'blocked MAP_FULL'],
  ]);
  convergence.remove([intentOf(2).key, intentOf(3).key]);
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
  convergence.remove([intentOf(1).key]);
  convergence.lookAtNetworkNext();
  converge(convergence);
  t.deepEqual(statesOf(convergence, all), [undefined, 'blocked NO_INTERFACE', 'installed']);
});

test('waiting: a shape that comes free in one family wakes nobody of the other', (t) => {
  const kernel = makeKernel({ slots: 32 });
  const shapes4 = Array.from({ length: 9 }, (_, n) => intentOf(0, 'drop', { of: { dst: `10.0.0.0/${8 + n}` } }));
  const one6 = intentOf(0, 'drop', { of: { dst: '2001:db8::/32' } });
  const convergence = start(kernel, [...shapes4, one6]);
  converge(convergence);
  convergence.remove([one6.key]);
  t.is(converge(convergence).length, 1);
  t.is(statesOf(convergence, shapes4)[8], 'blocked SHAPES_FULL');
  convergence.remove([shapes4[0]?.key ?? '']);
  converge(convergence);
  t.is(statesOf(convergence, shapes4)[8], 'installed');
});

test('deadlines: keys are taken once, when their time has come', (t) => {
  const deadlines = new Deadlines();
  t.is(deadlines.firstMs, Number.POSITIVE_INFINITY);
  deadlines.set('a', 30);
  deadlines.set('b', 10);
  deadlines.set('c', 20);
  deadlines.set('c', 40);
  deadlines.drop('b');
  t.deepEqual([deadlines.take(9), deadlines.take(30), deadlines.take(30)], [[], ['a'], []]);
  t.is(deadlines.firstMs, 40);
  t.deepEqual(deadlines.take(100), ['c']);
  t.is(deadlines.firstMs, Number.POSITIVE_INFINITY);
});
