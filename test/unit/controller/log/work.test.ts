import test from 'ava';
import { Work } from '../../../../controller/log/work.ts';
import { SqliteDatabase } from '../../../../controller/store/sqlite/database.ts';
import { Tables } from '../../../../controller/store/tables/tables.ts';
import { controllerMigrations } from '../../../../migrations/controller/index.ts';
import { ManualClock } from '../../../fakes/manual-clock.ts';
import { Folder } from '../fleet.ts';

async function openWork(path: string): Promise<{ readonly work: Work } & AsyncDisposable> {
  const clock = new ManualClock();
  const database = await SqliteDatabase.open(path, { migrations: controllerMigrations, clock });
  const onFatal = (error: Error): void => {
    throw error;
  };
  const work = await Work.begin({
    database,
    tables: new Tables(database.compiler),
    clock,
    onFatal,
    onDamage: () => {},
  });
  return { work, [Symbol.asyncDispose]: () => database[Symbol.asyncDispose]() };
}

const FACTS = { host: 'edge-1', labels: {}, known: true, can: [] };
const COMPILED = { name: 'a', body: '{}', shadowed: [] };
const head = (work: Work) => work.read(({ session, tables }) => tables.heads.find(session, 'edge-1'));

test('work: a script that may change the log and does not finish it changes nothing', async (t) => {
  using folder = new Folder();
  await using opened = await openWork(folder.file());
  const { work } = opened;
  const forgot = work.change(({ log }) => log.write(FACTS, new Map([['v4 k', COMPILED]]), 'upkeep'));
  await t.throwsAsync(forgot, { instanceOf: TypeError, message: /did not finish/ });
  t.is((await head(work)).rev, 0);
  await work.change(async ({ log }) => {
    await log.write(FACTS, new Map([['v4 k', COMPILED]]), 'upkeep');
    t.like(await log.finish(), { hosts: 1, rev: 1 });
  });
  t.is((await head(work)).rev, 1);
});

test('work: nothing is written to a log that is finished', async (t) => {
  using folder = new Folder();
  await using opened = await openWork(folder.file());
  const late = opened.work.change(async ({ log }) => {
    await log.finish();
    await log.write(FACTS, new Map([['v4 k', COMPILED]]), 'upkeep');
  });
  await t.throwsAsync(late, { instanceOf: TypeError, message: /after the log was finished/ });
  t.is((await head(opened.work)).rev, 0);
});

test('work: with the same clock every epoch has the same name', async (t) => {
  const names: string[] = [];
  for (let run = 0; run < 2; run += 1) {
    using folder = new Folder();
    await using opened = await openWork(folder.file());
    await opened.work.change(async ({ log }) => {
      await log.write(FACTS, new Map([['v4 k', COMPILED]]), 'upkeep');
      await log.finish();
    });
    names.push(await opened.work.read(async ({ session, tables }) => (await tables.epochs.newest(session)).epoch));
  }
  t.is(names[0], names[1]);
});
