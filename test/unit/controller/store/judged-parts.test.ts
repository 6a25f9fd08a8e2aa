import test from 'ava';
import { type Judged, JudgedParts, judgedOf } from '../../../../controller/store/tables/judged-parts.ts';
import { spec } from '../fleet.ts';

const turn = async (): Promise<void> => {};
const SPECS = [spec('a', 1), { name: 'b' }, spec('c', 3)];
const TEXT = JSON.stringify(SPECS);
const PART = { upload: 'u', part: 0, text: TEXT };

function namesOf(judged: Iterable<Judged> | undefined): readonly (string | undefined)[] | undefined {
  return judged && Array.from(judged, ({ row }) => row?.name);
}

test('judged parts: what came of a part is what comes of it when it is wanted, and is handed out once', async (t) => {
  const parts = new JudgedParts();
  parts.begin(PART, SPECS, 0, turn);
  t.deepEqual(await parts.take(PART), [...judgedOf(SPECS)]);
  t.is(await parts.take(PART), undefined);
});

test('judged parts: one that is wanted before its turn came is judged whole', async (t) => {
  const parts = new JudgedParts();
  const many = Array.from({ length: 250 }, (_, at) => spec(`r-${at}`, at));
  parts.begin({ ...PART, part: 1 }, many, 0, turn);
  parts.begin(PART, SPECS, 0, turn);
  const [first, second] = await Promise.all([parts.take(PART), parts.take({ ...PART, part: 1 })]);
  t.deepEqual(namesOf(first), ['a', undefined, 'c']);
  t.is(second?.length, 250);
});

test('judged parts: one that is wanted waits for none that came before, nor are those judged that nobody can want any more', async (t) => {
  const parts = new JudgedParts();
  const many = Array.from({ length: 250 }, (_, at) => spec(`r-${at}`, at));
  const stuck = Promise.withResolvers<void>();
  let turns = 0;
  const counted = (): Promise<void> => {
    turns += 1;
    return stuck.promise;
  };
  parts.begin({ ...PART, upload: 'slow' }, many, 0, counted);
  parts.begin({ ...PART, upload: 'gone' }, many, 0, counted);
  parts.begin(PART, SPECS, 0, turn);
  t.deepEqual(namesOf(await parts.take(PART)), ['a', undefined, 'c']);
  t.is(turns, 1);
  parts.drop('gone');
  stuck.resolve();
  t.is((await parts.take({ ...PART, upload: 'slow' }))?.length, 250);
  await new Promise(setImmediate);
  t.is(turns, 2, 'the one that is gone had none');
});

test('judged parts: a part that came again, or by another controller, is what its text says', async (t) => {
  const parts = new JudgedParts();
  parts.begin(PART, SPECS, 0, turn);
  const again = { ...PART, text: JSON.stringify([spec('z', 1)]) };
  parts.begin(again, [spec('z', 1)], 0, turn);
  t.deepEqual(namesOf(await parts.take(again)), ['z']);
  parts.begin(PART, SPECS, 0, turn);
  t.is(await parts.take(again), undefined);
});

test('judged parts: what nobody ends goes with its upload', async (t) => {
  const parts = new JudgedParts();
  parts.begin(PART, SPECS, 1000, turn);
  parts.begin({ ...PART, upload: 'later' }, SPECS, 2000, turn);
  parts.begin({ ...PART, upload: 'ended' }, SPECS, 2000, turn);
  parts.dropOld(1500);
  parts.drop('ended');
  t.is(await parts.take(PART), undefined);
  t.is(await parts.take({ ...PART, upload: 'ended' }), undefined);
  t.is((await parts.take({ ...PART, upload: 'later' }))?.length, 3);
});

test('judged parts: there is room for some, and again for others once these are gone', async (t) => {
  const parts = new JudgedParts();
  const large = { upload: 'large', part: 0, text: 'x'.repeat(32 * 2 ** 20) };
  parts.begin(large, [], 0, turn);
  parts.begin(PART, SPECS, 0, turn);
  t.is(await parts.take(PART), undefined);
  parts.drop('large');
  parts.begin(PART, SPECS, 0, turn);
  t.is((await parts.take(PART))?.length, 3);
});
