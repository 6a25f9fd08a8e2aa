import test from 'ava';
import { fold, judge } from '../../../../agent/follow/cursor.ts';
import { NO_CURSOR } from '../../../../protocol/cursor.ts';
import { del, put, update } from './samples.ts';

const at = { epoch: 'e1', rev: 10 };

test('judge: what was seen is known, also a hint and a repeat of the newest', (t) => {
  t.is(judge(at, update('e1', 5, 10, [put(1, 7)])), 'known');
  t.is(judge(at, update('e1', 2, 3, [put(1, 3)])), 'known');
  t.is(judge(at, update('e1', 10, 10, [])), 'known');
});

test('judge: what connects is applied, also when it begins before the cursor', (t) => {
  t.is(judge(at, update('e1', 10, 12, [put(1, 12)])), 'apply');
  t.is(judge(at, update('e1', 4, 12, [put(1, 12)])), 'apply');
});

test('judge: what begins after the cursor, and a hint of something newer, is a gap', (t) => {
  t.is(judge(at, update('e1', 11, 12, [put(1, 12)])), 'gap');
  t.is(judge(at, update('e1', 12, 12, [])), 'gap');
});

test('judge: the next epoch is applied from inside the one before it only', (t) => {
  const next = (after: { epoch: string; rev: number } | null) =>
    judge(at, update('e2', 10, 12, [put(1, 12)], { after }));
  t.is(next({ epoch: 'e1', rev: 10 }), 'apply');
  t.is(next({ epoch: 'e1', rev: 11 }), 'apply');
  t.is(next({ epoch: 'e1', rev: 9 }), 'foreign-epoch');
  t.is(next({ epoch: 'e0', rev: 10 }), 'foreign-epoch');
  t.is(next(null), 'foreign-epoch');
});

test('judge: a new epoch with no newer revision is never taken for known', (t) => {
  t.is(judge(at, update('e2', 7, 8, [put(1, 8)], { after: { epoch: 'e1', rev: 20 } })), 'gap');
  t.is(judge(at, update('e2', 7, 8, [put(1, 8)])), 'foreign-epoch');
});

test('judge: a hint of the next epoch is a gap', (t) => {
  t.is(judge(at, update('e2', 12, 12, [], { after: { epoch: 'e1', rev: 10 } })), 'gap');
});

test('judge: a host that holds nothing takes no update before its first sync', (t) => {
  t.is(judge(NO_CURSOR, update('e1', 0, 1, [put(1, 1)])), 'foreign-epoch');
  t.is(judge(NO_CURSOR, update('e1', 0, 1, [put(1, 1)], { after: NO_CURSOR })), 'foreign-epoch');
});

test('fold: a run becomes one candidate with the newest change of each key', (t) => {
  const folded = fold(at, [
    update('e1', 10, 12, [put(1, 11), put(2, 12)], { digest: 'a'.repeat(32) }),
    update('e1', 12, 13, [del(1, 13)], { digest: 'b'.repeat(32) }),
    update('e2', 13, 14, [put(3, 14)], { after: { epoch: 'e1', rev: 13 }, digest: 'c'.repeat(32) }),
  ]);
  const changes = [del(1, 13), put(2, 12), put(3, 14)];
  t.deepEqual(folded, {
    candidate: { base: 'stored', changes, cursor: { epoch: 'e2', rev: 14 }, digest: 'c'.repeat(32) },
    again: [],
    gap: false,
  });
});

test('fold: changes that the cursor covers are left out', (t) => {
  const { candidate } = fold(at, [update('e1', 4, 12, [put(1, 9), put(2, 12)])]);
  t.deepEqual(candidate?.changes, [put(2, 12)]);
});

test('fold: repeats name their keys to be converged again, unless they change anyway', (t) => {
  const { again } = fold(at, [update('e1', 4, 9, [put(1, 8), put(2, 9)]), update('e1', 10, 11, [put(2, 11)])]);
  t.deepEqual(again, [put(1, 8).key]);
});

test('fold: what does not connect is reported, and what does is still taken', (t) => {
  const folded = fold(at, [update('e1', 12, 13, [put(2, 13)]), update('e1', 10, 12, [put(1, 12)])]);
  t.true(folded.gap);
  t.deepEqual(folded.candidate?.cursor, { epoch: 'e1', rev: 12 });
});

test('fold: nothing that connects makes no candidate', (t) => {
  t.deepEqual(fold(at, [update('e9', 1, 2, [put(1, 2)])]), { candidate: undefined, again: [], gap: true });
  t.deepEqual(fold(at, []), { candidate: undefined, again: [], gap: false });
});

test('fold: marks of what is known and of what is taken are the highest of each, and those of a gap are none', (t) => {
  const hint = update('e1', 10, 10, [], { confirmed: 8, permit: 10 });
  t.deepEqual(fold(at, [hint]), { candidate: undefined, again: [], gap: false, marks: { confirmed: 8, permit: 10 } });
  const folded = fold(at, [hint, update('e1', 10, 12, [put(1, 12)], { confirmed: 9, permit: 4 })]);
  t.deepEqual(folded.marks, { confirmed: 9, permit: 10 });
  t.deepEqual(folded.candidate?.marks, { confirmed: 9, permit: 10 });
  t.is(fold(at, [update('e1', 12, 12, [], { permit: 12 })]).marks, undefined);
  t.is(fold(at, [update('e9', 1, 2, [put(1, 2)], { permit: 2 })]).marks, undefined);
});
