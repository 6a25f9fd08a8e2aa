import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { CHECKPOINT_PAGES, connect } from '../../../../agent/store/database.ts';
import { LogMover } from '../../../../agent/store/log-mover.ts';

const ROW = 'x'.repeat(1_000);

/** A database whose log no commit would fit into without moving it, and rows by so many. */
function open(t: ExecutionContext) {
  const folder = mkdtempSync(join(tmpdir(), 'shunt-log-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'agent.db');
  const raw = connect(path, 'NORMAL');
  raw.exec('create table t (x text)');
  raw.pragma('wal_checkpoint(truncate)');
  const mover = new LogMover(() => raw);
  const put = raw.prepare('insert into t select ? from json_each(?)');
  const write = (rows: number): Promise<void> =>
    mover.spare(rows, async () => void put.run(ROW, JSON.stringify(Array(rows).fill(0))));
  const bytes = (): number => statSync(path).size;
  const moves = (): unknown => raw.pragma('wal_autocheckpoint', { simple: true });
  return { raw, mover, write, bytes, moves };
}

test('log: commits of many rows leave it as it is, and a thread moves it once there are enough', async (t) => {
  const { raw, mover, write, bytes, moves } = open(t);
  const before = bytes();
  await write(19_999);
  t.is(bytes(), before, 'five times as many pages as have a commit move it');
  t.is(moves(), CHECKPOINT_PAGES);
  await write(100);
  t.is(moves(), 0, 'no commit moves it while the thread does');
  await mover.rest();
  t.true(bytes() > before + 20_000 * ROW.length);
  t.is(moves(), CHECKPOINT_PAGES);
  raw.close();
});

test('log: a commit of few rows moves it, as ever', async (t) => {
  const { raw, mover, write, bytes } = open(t);
  const before = bytes();
  await write(19_000);
  await write(1);
  t.true(bytes() > before + 19_000 * ROW.length);
  await mover.rest();
  raw.close();
});

test('log: a transaction that fails leaves commits as they were', async (t) => {
  const { raw, mover, moves } = open(t);
  const failing = mover.spare(500, async () => {
    t.is(moves(), 0);
    throw new Error('the disk is full');
  });
  await t.throwsAsync(failing, { message: 'the disk is full' });
  t.is(moves(), CHECKPOINT_PAGES);
  raw.close();
});

test('log: what cannot be moved is left to commits to come', async (t) => {
  const { raw, write, mover, moves } = open(t);
  const reading = connect(raw.name, 'NORMAL');
  reading.exec('begin; select * from t');
  await write(20_000);
  await mover.rest();
  t.is(moves(), CHECKPOINT_PAGES);
  reading.close();
  raw.close();
});
