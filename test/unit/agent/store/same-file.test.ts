import { copyFileSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { EVENTS_NAME, SqliteStore } from '../../../../agent/store/sqlite-store.ts';
import { DATABASE_NAME } from '../../../../agent/store/tables.ts';
import { agentMigrations } from '../../../../migrations/agent/index.ts';
import { NO_CURSOR } from '../../../../protocol/cursor.ts';
import { ManualClock } from '../../../fakes/manual-clock.ts';
import { candidate, del, HOST, put } from '../follow/samples.ts';

const at = (rev: number) => ({ epoch: 'e1', rev });
const clock = new ManualClock();

function makeFolder(t: ExecutionContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'shunt-same-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

function open(directory: string): Promise<SqliteStore> {
  return SqliteStore.open({ directory, host: HOST, migrations: agentMigrations, clock });
}

const LOSSES: readonly (readonly [what: string, said: RegExp, lose: (file: string, other: string) => void])[] = [
  ['all of it removed', /agent\.db was removed/, (file) => remove(file, ['', '-wal', '-shm'])],
  ['its folder removed', /agent\.db was removed/, (file) => rmSync(join(file, '..'), { recursive: true })],
  ['another file renamed over it', /agent\.db was replaced/, (file, other) => renameSync(other, file)],
  ['its log removed', /agent\.db-wal was removed/, (file) => remove(file, ['-wal', '-shm'])],
  ['its log made anew', /agent\.db-wal was replaced/, (file, other) => renameSync(other, `${file}-wal`)],
  [
    'a copy laid over it, and its log removed',
    /agent\.db-wal was removed/,
    (file, other) => {
      copyFileSync(other, file);
      remove(file, ['-wal', '-shm']);
    },
  ],
];

function remove(file: string, suffixes: readonly string[]): void {
  for (const suffix of suffixes) rmSync(file + suffix);
}

for (const [what, message, lose] of LOSSES) {
  test(`store: one that a start would not find takes nothing any more, and says what to do: ${what}`, async (t) => {
    const directory = makeFolder(t);
    const file = join(directory, DATABASE_NAME);
    const store = await open(directory);
    await store.accept(candidate('stored', at(1), [put(1, 1)]));
    const other = join(makeFolder(t), 'other.db');
    copyFileSync(file, other);
    t.notThrows(() => store.requireSame());
    lose(file, other);
    const changes = [del(1, 2), put(2, 3)];
    const error = await t.throwsAsync(store.accept(candidate('stored', at(3), changes)), {
      name: 'StoreError',
      code: 'REPLACED',
      message,
    });
    t.like(error, { passing: false, path: file });
    t.regex(error?.message ?? '', /under the running agent; start it again: /);
    const many = Array.from({ length: 501 }, (_, n) => put(n, n + 1));
    const refused = { is: error };
    await t.throwsAsync(store.accept(candidate('empty', at(501), many)), refused);
    await t.throwsAsync(store.saveEntries([], []), refused);
    await t.throwsAsync(store.load(), refused);
    t.throws(() => store.requireSame(), refused);
    await store.close();
  });
}

test('store: one that is gone is noticed by a look alone, and the next start finds none', async (t) => {
  const directory = makeFolder(t);
  const store = await open(directory);
  await store.accept(candidate('stored', at(1), [put(1, 1)]));
  remove(join(directory, DATABASE_NAME), ['', '-wal', '-shm']);
  t.throws(() => store.requireSame(), { code: 'REPLACED' });
  await t.throwsAsync(store.saveEntries([], []), { code: 'REPLACED' });
  await store.close();
  const again = await open(directory);
  t.deepEqual((await again.load()).cursor, NO_CURSOR);
  t.is((await again.accept(candidate('empty', at(1), [put(1, 1)]))).outcome, 'accepted');
  await again.close();
});

test('store: one that was damaged and moved aside is no stranger in its place', async (t) => {
  const directory = makeFolder(t);
  const file = join(directory, DATABASE_NAME);
  await (await open(directory)).close();
  writeFileSync(file, readFileSync(file).fill(0xa5));
  const store = await open(directory);
  t.false((await store.load()).sound);
  t.is((await store.accept(candidate('empty', at(1), [put(1, 1)]))).outcome, 'accepted');
  t.notThrows(() => store.requireSame());
  await store.close();
});

test('store: a flight recorder that is gone is no reason to refuse anything else', async (t) => {
  const directory = makeFolder(t);
  const store = await open(directory);
  const event = (n: number) => ({ v: 1, host: HOST, at: n, kind: 'applied', key: put(n, n).key }) as const;
  await store.record([event(1)]);
  remove(join(directory, EVENTS_NAME), ['', '-wal', '-shm']);
  await store.record([event(2)]);
  t.is((await store.accept(candidate('stored', at(1), [put(1, 1)]))).outcome, 'accepted');
  await store.close();
  const again = await open(directory);
  await again.record([event(3)]);
  t.is((await again.history(event(3).key)).length, 1);
  await again.close();
});
