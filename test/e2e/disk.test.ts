import { chownSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { SqliteStore } from '../../agent/store/sqlite-store.ts';
import { DATABASE_NAME } from '../../agent/store/tables.ts';
import { makeSystemClock } from '../../daemon/clock.ts';
import { agentMigrations } from '../../migrations/agent/index.ts';
import { must, run } from '../support/process.ts';
import { shuntCommand } from '../support/testbed.ts';

test.serial('disk: reads that fail end the agent with a status of their own, and nothing is moved aside', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'shunt-disk-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  chownSync(directory, 0, 0);
  const place = { directory, host: 'h', migrations: agentMigrations, clock: makeSystemClock() };
  await (await SqliteStore.open(place)).close();
  const file = join(directory, DATABASE_NAME);
  const before = readFileSync(file);
  const words = ['agent', '--host', 'h', '--state', directory, '--pin-root', join(directory, 'bpf')];
  for (const when of ['1', '2+', '3+']) {
    const failing = ['strace', '-f', '-o', '/dev/null', '-P', file, '-e', `inject=pread64:error=EIO:when=${when}`];
    const { status, stderr } = await run([...failing, ...shuntCommand(words)]);
    t.is(status, 5, `${when}: ${stderr}`);
    t.regex(stderr, /the disk failed/);
    t.deepEqual(readFileSync(file), before);
    t.false(existsSync(`${file}.damaged`));
  }
  const quota = ['strace', '-f', '-o', '/dev/null', '-e', 'inject=pwrite64:error=EDQUOT'];
  const over = await run([...quota, ...shuntCommand(words)]);
  t.regex(over.stderr, /shunt attach/, 'what is stored is read where the quota leaves no room for the -shm of SQLite');
  const { status, stderr } = await run(shuntCommand(words));
  t.is(status, 1, stderr);
  t.regex(stderr, /shunt attach/, 'with a disk that answers it comes to the pins, which are not there');
});

test.serial(
  'disk: a full one, or a quota that is used up, is said with advice by an agent and a controller that are new',
  async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'shunt-full-'));
    t.teardown(() => rmSync(folder, { recursive: true }));
    await must(['mount', '-t', 'tmpfs', '-o', 'size=256k,mode=755', 'shunt-full', folder]);
    t.teardown(() => must(['umount', folder]));
    const agent = shuntCommand(['agent', '--host', 'h', '--state', join(folder, 'state'), '--pin-root', folder]);
    const controller = shuntCommand(['controller', '--db', join(folder, 'controller.db')]);
    const quota = ['strace', '-f', '-o', '/dev/null', '-e', 'inject=pwrite64:error=EDQUOT'];
    for (const command of [agent, controller]) {
      const { status, stderr } = await run([...quota, ...command]);
      t.is(status, 1, stderr);
      t.regex(stderr, /the quota of this user there is used up; make room there, or raise the quota/);
    }
    await run(['dd', 'if=/dev/zero', `of=${join(folder, 'fill')}`, 'bs=4096']);
    for (const command of [agent, controller]) {
      const { status, stderr } = await run(command);
      t.is(status, 1, stderr);
      t.regex(stderr, /its file system is full; make room there/);
    }
  },
);
