import test from 'ava';
import type { Op } from '../../../../agent/model/op.ts';
import { applyOps } from '../../../../agent/reconcile/apply.ts';
import { shapeOf } from '../../../../protocol/shape.ts';
import { drop, keyOf, remove, send, write } from '../../../conformance/cases.ts';
import { makeKernel } from './world.ts';

const DONE = { done: true } as const;
const ABSENT = { done: true, absent: true } as const;
const refused = (errno: string) => ({ done: false, errno }) as const;
const port = (ifindex: number, present: boolean): Op => ({ op: 'port', ifindex, present });
const shapes = (family: 4 | 6): Op => ({ op: 'shapes', family, shapes: [shapeOf(keyOf(1, family).match)] });

test('apply: every op gets its own result, in order', (t) => {
  const kernel = makeKernel();
  const ops = [port(3, true), shapes(4), write(keyOf(1), send(0, 3)), remove(keyOf(2)), port(2, false)];
  t.deepEqual(applyOps(kernel, ops), [DONE, DONE, DONE, ABSENT, ABSENT]);
  t.deepEqual(kernel.asked, ops);
});

test('apply: nothing to do asks nothing', (t) => {
  const kernel = makeKernel();
  t.deepEqual(applyOps(kernel, []), []);
  t.deepEqual(kernel.asked, []);
});

test('apply: a port that cannot be had stops the writes that go there, and no others', (t) => {
  const kernel = makeKernel();
  const ops = [port(77, true), port(3, true), write(keyOf(1), send(0, 77)), write(keyOf(2), send(1, 3))];
  const more = [write(keyOf(3), drop(2)), remove(keyOf(9))];
  t.deepEqual(applyOps(kernel, [...ops, ...more]), [refused('EINVAL'), DONE, refused('EINVAL'), DONE, DONE, ABSENT]);
  t.deepEqual([...kernel.peek().entries.keys()].length, 2);
});

test('apply: an overwrite that was stopped keeps the port that its old entry needs', (t) => {
  const kernel = makeKernel();
  applyOps(kernel, [port(3, true), write(keyOf(1), send(0, 3))]);
  const results = applyOps(kernel, [port(77, true), write(keyOf(1), send(0, 77)), port(3, false)]);
  t.deepEqual(results, [refused('EINVAL'), refused('EINVAL'), refused('EINVAL')]);
  t.deepEqual([...kernel.network().ports], [[3, 3]]);
});

test('apply: shapes that cannot be had stop the writes of their family only', (t) => {
  const kernel = makeKernel();
  kernel.failNext('shapes', 'EPERM');
  const ops = [shapes(6), shapes(4), write(keyOf(1), drop(0)), write(keyOf(1, 6), drop(1)), remove(keyOf(2, 6))];
  t.deepEqual(applyOps(kernel, ops), [refused('EPERM'), DONE, DONE, refused('EPERM'), ABSENT]);
});

test('apply: an entry that could not be changed keeps the shapes of its family and every port', (t) => {
  const kernel = makeKernel();
  applyOps(kernel, [port(3, true), shapes(4), shapes(6), write(keyOf(1), send(0, 3))]);
  kernel.failNext('delete', 'EPERM');
  const empty = (family: 4 | 6): Op => ({ op: 'shapes', family, shapes: [] });
  const results = applyOps(kernel, [remove(keyOf(1)), empty(4), empty(6), port(3, false)]);
  t.deepEqual(results, [refused('EPERM'), refused('EPERM'), DONE, refused('EPERM')]);
  t.is(kernel.peek().shapes[4]?.length, 1);
});

test('apply: one entry that is refused does not stop the next', (t) => {
  const kernel = makeKernel({ slots: 8, entries: 1 });
  const ops = [1, 2, 1].map((n, slot) => write(keyOf(n), drop(slot)));
  t.deepEqual(applyOps(kernel, ops), [DONE, refused('E2BIG'), DONE]);
});
