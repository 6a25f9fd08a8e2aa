import test from 'ava';
import { type Evidence, isNewer, remember } from '../../../../controller/model/evidence.ts';

const said = (boot: string, seq: number | undefined, at = 1000) => ({ boot, at, ...(seq !== undefined && { seq }) });

const NOW_MS = 1_000_000;

/** What is remembered of statuses that came in this order, each if it is newer. */
function after(...statuses: readonly ReturnType<typeof said>[]): Evidence {
  let evidence: Evidence | undefined;
  for (const status of statuses) {
    if (evidence === undefined || isNewer(evidence, status, NOW_MS)) evidence = remember(evidence, status, NOW_MS);
  }
  return evidence as Evidence;
}

test('evidence: of one start the later counted is the newer, whatever the wall clock says', (t) => {
  const evidence = after(said('a', 5));
  t.true(isNewer(evidence, said('a', 6, 0), NOW_MS));
  t.false(isNewer(evidence, said('a', 5, 9000), NOW_MS), 'the same again');
  t.false(isNewer(evidence, said('a', 4, 9000), NOW_MS), 'overtaken');
});

test('evidence: a start that was not heard of yet is newer, one before it never again', (t) => {
  const evidence = after(said('a', 900), said('b', 1), said('a', 901));
  t.like(evidence.boots[0], { boot: 'b', seq: 1 });
  t.true(isNewer(evidence, said('c', 1, 0), NOW_MS));
});

test('evidence: of eight starts each is remembered, and the ninth pushes out the oldest', (t) => {
  const boots = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
  const eight = after(...boots.map((boot) => said(boot, 1)));
  t.deepEqual(
    eight.boots.map(({ boot }) => boot),
    boots.toReversed(),
  );
  for (const boot of boots.slice(0, -1)) t.false(isNewer(eight, said(boot, 99), NOW_MS), boot);
  const nine = after(...[...boots, 'i'].map((boot) => said(boot, 1)));
  t.true(isNewer(nine, said('a', 1), NOW_MS));
  t.false(isNewer(nine, said('b', 1), NOW_MS));
});

test('evidence: an agent that does not count goes by its own time, and one that begins to count is new with its start', (t) => {
  const evidence = after(said('a', undefined, 1000));
  t.true(isNewer(evidence, said('a', undefined, 1001), NOW_MS));
  t.false(isNewer(evidence, said('a', undefined, 1000), NOW_MS));
  t.true(isNewer(evidence, said('b', 1, 0), NOW_MS));
});

test('evidence: a start that was heard of too late counts for as long as the one that lives is not heard', (t) => {
  const evidence = after(said('lives', 1), said('died before', 7));
  t.like(evidence.boots[0], { boot: 'died before' });
  t.false(isNewer(evidence, said('lives', 2), NOW_MS + 39_999), 'the dead one might be the one that lives');
  t.true(isNewer(evidence, said('lives', 3), NOW_MS + 40_000));
  t.false(isNewer(evidence, said('lives', 1), NOW_MS + 40_000), 'the same again');
  const again = remember(evidence, said('lives', 3), NOW_MS + 40_000);
  t.false(isNewer(again, said('died before', 8), NOW_MS + 60_000), 'it came late');
  t.true(isNewer(again, said('lives', 4), NOW_MS + 60_000));
});
