import test, { type ExecutionContext } from 'ava';
import { stagePart, stageSpecs, storeUpload } from '../../../../controller/desk/upload.ts';
import type { Transaction } from '../../../../controller/log/transaction.ts';
import { Declined } from '../../../../controller/model/declined.ts';
import { Fleet } from '../../../../controller/model/fleet.ts';
import { SqliteDatabase } from '../../../../controller/store/sqlite/database.ts';
import { Tables } from '../../../../controller/store/tables/tables.ts';
import { controllerMigrations } from '../../../../migrations/controller/index.ts';
import { ManualClock } from '../../../fakes/manual-clock.ts';
import { Folder, spec } from '../fleet.ts';

/** Room for three uploads of one part each, or for one of two parts. */
const LIMITS = { uploadBytes: 5000, allBytes: 7000 };
const PART_BYTES = 1000;

/** Uploads of parts that take about 2,000 bytes each, a second after one another. */
async function uploads(t: ExecutionContext) {
  const folder = new Folder();
  t.teardown(() => folder[Symbol.dispose]());
  const clock = new ManualClock();
  const database = await SqliteDatabase.open(folder.file(), { migrations: controllerMigrations, clock });
  t.teardown(() => database[Symbol.asyncDispose]());
  const tables = new Tables(database.compiler);
  await database.write((session) => tables.epochs.initialise(session, 'id', 'part'));
  const inOne = <T>(script: (transaction: Transaction) => Promise<T>): Promise<T> =>
    database.write((session) => script({ session, tables, turn: clock.turn, damage: undefined, newest: undefined }));
  let nowMs = 0;
  return {
    inOne,
    stage: (upload: string, part = 0, parts = 9) => {
      nowMs += 1000;
      const specs = [spec(`${upload}-${part}`, part), ' '.repeat(PART_BYTES)];
      return inOne((transaction) => stagePart(transaction, { upload, part, parts, specs }, nowMs, LIMITS));
    },
    kept: async () =>
      (await inOne(({ session, tables: { uploads } }) => uploads.sizes(session))).map((size) => size.upload),
    end: (upload: string) =>
      inOne((transaction) =>
        storeUpload(transaction, { upload, part: 1, parts: 2, specs: [spec('end', 1)] }, new Fleet([])),
      ),
  };
}

test('upload: where there is no more room, the one that is idle longest gives way', async (t) => {
  const { stage, kept } = await uploads(t);
  for (const upload of ['a', 'b', 'c']) await stage(upload);
  t.deepEqual(await kept(), ['a', 'b', 'c']);
  await stage('a', 1);
  t.deepEqual(await kept(), ['c', 'a']);
  for (const upload of ['d', 'e']) await stage(upload);
  t.deepEqual(await kept(), ['d', 'e']);
});

test('upload: a part that is sent again takes no more room', async (t) => {
  const { stage, kept } = await uploads(t);
  await stage('a');
  for (let again = 0; again < 9; again += 1) await stage('b');
  t.deepEqual(await kept(), ['a', 'b']);
});

test('upload: one that is too large itself is refused, and drives nobody out', async (t) => {
  const { stage, kept } = await uploads(t);
  await stage('other');
  for (const part of [0, 1]) await stage('large', part);
  const refused = (await t.throwsAsync(stage('large', 2))) as Declined;
  t.true(refused instanceof Declined);
  t.is(refused.code, 'TOO_LARGE');
  t.deepEqual(await kept(), ['other', 'large']);
});

test('upload: it may have as many parts as a small bus makes of it', async (t) => {
  const { stage, kept } = await uploads(t);
  await stage('small', 40_000, 65_536);
  t.deepEqual(await kept(), ['small']);
});

test('upload: whoever gave way is told to send it again, and why', async (t) => {
  const { stage, end } = await uploads(t);
  for (const upload of ['a', 'b', 'c', 'd']) await stage(upload, 0, 2);
  const lost = (await t.throwsAsync(end('a'))) as Declined;
  t.is(lost.code, 'UPLOAD_LOST');
  t.regex(lost.message, /gave way to newer uploads; send the whole upload again$/);
});

for (const [how, stage] of [
  ['that was judged as it came', stageSpecs],
  ['that came by another controller', stagePart],
] satisfies [string, (...given: Parameters<typeof stageSpecs>) => Promise<unknown>][]) {
  test(`upload: all that is wrong in a part ${how} is said, by its place in the upload`, async (t) => {
    const { inOne } = await uploads(t);
    const specs = [spec('a', 1), { name: 'b' }, spec('a', 2)];
    await inOne<unknown>((transaction) => stage(transaction, { upload: 'u', part: 0, parts: 2, specs }, 0));
    const last = { upload: 'u', part: 1, parts: 2, specs: [spec('d', 4), { ...spec('e', 5), priority: 'high' }] };
    const refused = (await t.throwsAsync(
      inOne((transaction) => storeUpload(transaction, last, new Fleet([]))),
    )) as Declined;
    t.deepEqual(
      refused.problems.map(({ index, name, code }) => [index, name, code]),
      [
        [1, 'b', 'MISSING_FIELD'],
        [1, 'b', 'MISSING_FIELD'],
        [1, 'b', 'MISSING_FIELD'],
        [2, 'a', 'DUPLICATE_NAME'],
        [4, 'e', 'BAD_FIELD'],
      ],
    );
    const sound = { ...last, specs: [spec('d', 4)] };
    await inOne<unknown>((transaction) => stage(transaction, { ...last, part: 0, specs: [spec('a', 1)] }, 0));
    const { names } = await inOne((transaction) => storeUpload(transaction, sound, new Fleet([])));
    t.deepEqual(names, ['a', 'd']);
  });
}
