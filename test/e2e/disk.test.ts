import { chownSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { DATABASE_NAME, SqliteStore } from '../../agent/store/sqlite-store.ts';
import { makeSystemClock } from '../../daemon/clock.ts';
import { agentMigrations } from '../../migrations/agent/index.ts';
import { run } from '../support/process.ts';
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
  const { status, stderr } = await run(shuntCommand(words));
  t.is(status, 1, stderr);
  t.regex(stderr, /shunt attach/, 'with a disk that answers it comes to the pins, which are not there');
});
