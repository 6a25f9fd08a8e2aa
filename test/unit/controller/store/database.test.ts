import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import BetterSqlite3 from 'better-sqlite3';
import { openPorts } from '../../../../controller/open.ts';
import { SqliteDatabase } from '../../../../controller/store/sqlite/database.ts';
import { rowFrom } from '../../../../controller/store/tables/spec-row.ts';
import { Tables } from '../../../../controller/store/tables/tables.ts';
import { makeSystemClock } from '../../../../daemon/clock.ts';
import { controllerMigrations } from '../../../../migrations/controller/index.ts';
import { parseSpec } from '../../../../protocol/spec.ts';
import { NO_COUNTING } from '../../../fakes/no-counting.ts';
import { AMPLE_BYTES, apply, Folder, holds, openStore, report, type Store, spec, status } from '../fleet.ts';

test('database: one that another program made, or a newer release, is refused and left alone', async (t) => {
  using folder = new Folder();
  const foreign = new BetterSqlite3(folder.file('foreign.db'));
  foreign.exec('create table mine (x)');
  foreign.close();
  await t.throwsAsync(openStore(folder.file('foreign.db')), { code: 'FOREIGN' });
  {
    await using _store = await openStore(folder.file());
  }
  const newer = new BetterSqlite3(folder.file());
  newer.exec(`insert into kysely_migration values ('0099_later', '2027-01-01')`);
  newer.close();
  await t.throwsAsync(openStore(folder.file()), { code: 'NEWER', message: /0099_later/ });
  await t.throwsAsync(openStore(folder.file('absent/controller.db')), { code: 'UNUSABLE' });
});

test('database: one that somebody else could exchange is refused, and nothing is made there', async (t) => {
  using folder = new Folder();
  chmodSync(folder.path, 0o770);
  const open = `${folder.path} can be written to by others (mode 770); chmod go-w ${folder.path}`;
  await t.throwsAsync(openStore(folder.file()), {
    code: 'UNUSABLE',
    message: `database ${folder.file()}: ${open}`,
  });
  t.false(existsSync(folder.file()));
  chmodSync(folder.path, 0o700);
  symlinkSync('/dev/full', folder.file());
  await t.throwsAsync(openStore(folder.file()), {
    code: 'UNUSABLE',
    message: /controller\.db is a symbolic link; name /,
  });
});

test('database: one that the release before filled gets its additions, and that release may go on with it', async (t) => {
  using folder = new Folder();
  const clock = makeSystemClock();
  const { tables } = controllerMigrations;
  const before = await SqliteDatabase.open(folder.file(), { migrations: { tables, additions: {} }, clock });
  await before[Symbol.asyncDispose]();
  const write = (host: string) => {
    const { seq, can, problems, ...old } = status(host, { labels: { role: 'edge' }, epoch: '', stored: 0 });
    const database = new BetterSqlite3(folder.file());
    const put = database.prepare('replace into hosts (host, labels, status, seen_at_ms) values (?, ?, ?, ?)');
    put.run(host, JSON.stringify(old.labels), JSON.stringify(old), 5);
    database.prepare('insert into audit (at_ms, verb, detail) values (?, ?, ?)').run(5, 'apply', '{"upload":"old"}');
    database.close();
  };
  write('a');
  {
    await using store = await openStore(folder.file());
    t.like((await store.desk.hosts({ v: 1 }, AMPLE_BYTES)).items, [{ host: 'a', seenAt: 5, labels: { role: 'edge' } }]);
    await report(store, 'a', { role: 'core' });
    write('a'); // as a controller of the release before does, beside this one
    write('b');
    t.like((await store.desk.hosts({ v: 1 }, AMPLE_BYTES)).items, [{ host: 'a', seenAt: 5 }, { host: 'b' }]);
    await apply(store, spec('edge', 1, { hosts: { role: 'edge' } }));
    t.is((await holds(store, 'b')).intents.size, 1);
    const { items } = await store.desk.history({ v: 1 }, AMPLE_BYTES);
    t.like(items, [{ change: 'test', verb: 'apply', hosts: 2, redirects: 1 }]);
    t.like(await store.desk.change({ v: 1, id: 'test' }, AMPLE_BYTES), { total: 2, unreachable: 2 });
    const again = status('a', { boot: 'started-again', labels: { role: 'core' }, epoch: '', stored: 0 });
    await store.roster.report([{ status: again, seenAtMs: 6 }]);
    t.is((await holds(store, 'a')).intents.size, 0);
  }
  const newer = new BetterSqlite3(folder.file());
  t.is(newer.prepare(`select count(*) from kysely_migration where name <> '0001_start'`).pluck().get(), 0);
  const holders = `explain query plan select host, rev, name from changes where key = 'k' and op = 'put' order by host`;
  t.regex(JSON.stringify(newer.prepare(holders).all()), /COVERING INDEX/);
  const confirmed = `explain query plan delete from deletions where host = 'a' and rev <= 7`;
  t.regex(JSON.stringify(newer.prepare(confirmed).all()), /USING INDEX deletions_host/);
  for (const one of ["host >= 'a' and host <= 'a'", "host > '' order by host"]) {
    const stamps = newer.prepare(`explain query plan select host, checksum from hosts where ${one}`).all();
    t.regex(JSON.stringify(stamps), /COVERING INDEX hosts_stamp/);
  }
  newer.exec(`insert into shunt_addition values ('0099_more', '2027-01-01')`);
  newer.close();
  await (await openStore(folder.file()))[Symbol.asyncDispose]();
});

/** What a bit that flips in the names of migrations, or in their index, may come to. */
const FLIPS: Readonly<Record<string, string>> = {
  'a name that no release has': "update shunt_addition set name = '0203_checksums' where name = '0003_checksums'",
  'a name of the tables': "update kysely_migration set name = '1001_start'",
  'a time that is none': "update shunt_addition set timestamp = '2026-31-28T16:44:17.791Z'",
  'a text that is too short': "update shunt_addition set name = substr(name, 1, 5), timestamp = 's' || timestamp",
  'a row that is not there': "delete from shunt_addition where name = '0002_host_levels'",
};

for (const [what, sql] of Object.entries(FLIPS)) {
  test(`database: which migrations were run is known where their table has it wrong: ${what}`, async (t) => {
    using folder = new Folder();
    {
      await using store = await openStore(folder.file());
      await apply(store, spec('a', 1));
    }
    const damaged = new BetterSqlite3(folder.file());
    damaged.exec(sql);
    damaged.close();
    {
      await using store = await openStore(folder.file());
      t.is((await holds(store, 'edge-1')).intents.size, 1);
    }
    await using again = await openStore(folder.file());
    t.is((await holds(again, 'edge-1')).intents.size, 1);
  });
}

test('database: a history of changes that is out of order is emptied, and all else goes on', async (t) => {
  using folder = new Folder();
  {
    await using store = await openStore(folder.file());
    await apply(store, ...Array.from({ length: 9 }, (_, n) => spec(`r-${n}`, n)));
  }
  const opened = new BetterSqlite3(folder.file());
  const page = opened.prepare(`select rootpage from sqlite_schema where name = 'audit_names'`).pluck().get() as number;
  const size = opened.pragma('page_size', { simple: true }) as number;
  opened.close();
  const bytes = readFileSync(folder.file());
  const [from, to] = [(page - 1) * size, page * size];
  const at = bytes.subarray(from, to).indexOf('r-3v4');
  t.true(at > 0);
  bytes.write('z', from + at);
  writeFileSync(folder.file(), bytes);
  const said: string[] = [];
  const clock = makeSystemClock();
  await using store = await openPorts(
    folder.file(),
    clock,
    (error) => t.fail(error.message),
    (mended) => said.push(...mended),
  );
  t.true(said.includes('audit_names, by emptying it'), said.join());
  t.is((await holds(store, 'edge-1')).intents.size, 9);
  t.deepEqual((await store.desk.history({ v: 1, name: 'r-3' }, AMPLE_BYTES)).items, []);
  await apply(store, spec('r-3', 3, { to: 'drop' }));
  t.is((await store.desk.history({ v: 1, name: 'r-3' }, AMPLE_BYTES)).items.length, 1);
});

test('database: an unfinished write leaves nothing', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  const broken = [spec('a', 1), { name: 'b' }];
  await t.throwsAsync(apply(store, ...broken));
  t.like(await apply(store, spec('c', 3)), { rev: 1 });
  t.like(await holds(store, 'edge-1'), { cursor: { rev: 1 } });
});

test('database: a write-ahead log that an upload has made large is cut once it begins anew', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  const sizeOfLog = () => statSync(folder.file('controller.db-wal')).size;
  await apply(store, ...Array.from({ length: 15_000 }, (_, n) => spec(`r${n}`, n, { priority: 1 })));
  const peak = sizeOfLog();
  t.true(peak > 8 * 2 ** 20, `${peak} bytes`);
  // Another process moves it, beside what comes next.
  for (let n = 1; sizeOfLog() >= 5 * 2 ** 20; n += 1) {
    await delay(50);
    await apply(store, spec(`s${n}`, 2 ** 17 + n));
  }
});

test('database: a file that is replaced ends the controller', async (t) => {
  using folder = new Folder();
  const errors: Error[] = [];
  await using store = await openStore(folder.file(), Date.now, (error) => errors.push(error));
  await apply(store, spec('a', 1));
  copyFileSync(folder.file(), folder.file('copy'));
  renameSync(folder.file('copy'), folder.file());
  await t.throwsAsync(apply(store, spec('b', 2)), { code: 'REPLACED' });
  await t.throwsAsync(store.logs.movedAfter(0), { code: 'REPLACED' });
  t.is(errors.length, 1);
  rmSync(folder.file());
  await t.throwsAsync(store.logs.movedAfter(0), { code: 'REPLACED', message: /removed/ });
});

test('database: a backup that is copied over the file, and its log removed, ends the controller', async (t) => {
  using folder = new Folder();
  const errors: Error[] = [];
  await using store = await openStore(folder.file(), Date.now, (error) => errors.push(error));
  await apply(store, spec('a', 1));
  const copier = new BetterSqlite3(folder.file());
  await copier.backup(folder.file('backup'));
  copier.close();
  await apply(store, spec('b', 2));
  copyFileSync(folder.file('backup'), folder.file());
  for (const suffix of ['-wal', '-shm']) rmSync(folder.file() + suffix);
  await t.throwsAsync(apply(store, spec('c', 3)), { code: 'REPLACED', message: /-wal was removed/ });
  t.is(errors.length, 1);
});

test('database: a history that was set back and went on from there ends the controller, too', async (t) => {
  using folder = new Folder();
  const errors: Error[] = [];
  await using store = await openStore(folder.file(), Date.now, (error) => errors.push(error));
  await apply(store, spec('a', 1), spec('b', 2));
  const other = new BetterSqlite3(folder.file());
  other.exec(`insert into epochs (epoch, ordinal, first_rev, superseded) values ('x.1', 9, 2, 0);
    update meta set last_rev = 20`);
  other.close();
  await t.throwsAsync(store.logs.movedAfter(0), { code: 'REPLACED', message: /backup/ });
});

test('database: a history that is set back under the controller ends it', async (t) => {
  using folder = new Folder();
  const errors: Error[] = [];
  await using store = await openStore(folder.file(), Date.now, (error) => errors.push(error));
  await apply(store, spec('a', 1), spec('b', 2));
  const other = new BetterSqlite3(folder.file());
  other.exec('delete from epochs where ordinal > 1; update meta set last_rev = 0');
  other.close();
  await t.throwsAsync(store.logs.movedAfter(0), { code: 'REPLACED', message: /backup/ });
  t.is(errors.length, 1);
});

test('database: two that make it at once make one', async (t) => {
  using folder = new Folder();
  const [one, two] = await Promise.all([openStore(folder.file()), openStore(folder.file())]);
  await using _ = one;
  await using __ = two;
  t.is((await holds(one, 'edge-1')).head.epoch, (await holds(two, 'edge-1')).head.epoch);
});

test('database: a write waits while another process holds the lock', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  const other = new BetterSqlite3(folder.file());
  other.exec('begin immediate');
  const applied = apply(store, spec('a', 1));
  t.is((await holds(store, 'edge-1')).intents.size, 0);
  other.exec('commit');
  t.like(await applied, { rev: 1 });
  other.close();
});

test('crash: after kill -9 the log is whole, and no rev is given twice', async (t) => {
  using folder = new Folder();
  let last = 0;
  for (let round = 0; round < 4; round += 1) {
    const child = spawn(
      process.execPath,
      [new URL('applier.ts', import.meta.url).pathname, folder.file(), String(round)],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (said.split('\n').length > 4 + round) child.kill('SIGKILL');
    });
    await once(child, 'close');
    const acknowledged = said.split('\n').slice(0, -1).map(Number);
    t.true((acknowledged[0] ?? 0) > last, 'a rev was given twice');
    await using store = await openStore(folder.file());
    const replica = await holds(store, 'edge-1');
    last = replica.cursor.rev;
    t.true(last >= (acknowledged.at(-1) ?? 0), 'an acknowledged change was lost');
    t.is(replica.digest, replica.head.digest);
    t.is(new Set([...replica.intents.values()].map(({ rev }) => rev)).size, replica.intents.size);
  }
});

test('database: while a rollout is under way, it has the name of a migration that no release knows, and so no other opens it', async (t) => {
  using folder = new Folder();
  const after = async (act: (store: Store) => Promise<unknown>): Promise<unknown> => {
    {
      await using store = await openStore(folder.file());
      await act(store);
    }
    const database = new BetterSqlite3(folder.file());
    const names = database.prepare('select name from kysely_migration order by name').pluck().all();
    database.close();
    return names;
  };
  const [known, underWay] = ['0001_start', '9999_rollout_under_way'];
  t.deepEqual(await after((store) => report(store, 'edge-1')), [known]);
  const rollout = { v: 1, upload: 'r', part: 0, parts: 1, specs: [spec('a', 1), spec('b', 2)] } as const;
  t.deepEqual(await after((store) => store.rollouts(NO_COUNTING).start(rollout)), [known, underWay]);
  t.deepEqual(await after(async () => {}), [known, underWay], 'this release opens it');
  const abort = async (store: Store): Promise<void> => {
    const rollouts = store.rollouts(NO_COUNTING);
    await rollouts.abort({ v: 1, id: 'r' });
    while (await rollouts.advance());
  };
  t.deepEqual(await after(abort), [known]);
});

test('database: what a large transaction wrote goes from the log into the database after its answer', async (t) => {
  using folder = new Folder();
  const clock = makeSystemClock();
  await using database = await SqliteDatabase.open(folder.file(), { migrations: controllerMigrations, clock });
  const tables = new Tables(database.compiler);
  const rows = Array.from({ length: 55_000 }, (_, at) => rowFrom(parseSpec(spec(`r-${at}`, at))));
  const before = statSync(folder.file()).size;
  for (const some of [rows.slice(0, 100), rows]) {
    await database.write((session) => tables.specs.put(session, some, false));
    t.is(statSync(folder.file()).size, before);
  }
  while (statSync(folder.file()).size === before) await clock.turn();
  t.is(database.look(), 'same');
  t.is((await database.read((session) => tables.specs.list(session, '', 60_000))).length, rows.length);
});
