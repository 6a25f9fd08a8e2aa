import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { SqliteStore } from '../../agent/store/sqlite-store.ts';
import { DATABASE_NAME } from '../../agent/store/tables.ts';
import { agentMigrations } from '../../migrations/agent/index.ts';
import { ManualClock } from '../fakes/manual-clock.ts';
import { run } from '../support/process.ts';
import { HOST } from '../unit/agent/follow/samples.ts';

const WRITER = join(import.meta.dirname, 'power-cut-writer.ts');
const CALLS = 'trace=pwrite64,ftruncate,fdatasync,fsync,write';

interface Said {
  readonly what: string;
  readonly stored: object;
}

/** How much of the log is on the disk when each thing was stored, by the system calls of who stored it. */
function synced(trace: string): number[] {
  const after: number[] = [];
  let [written, safe] = [0, 0];
  for (const line of trace.split('\n')) {
    const ofLog = line.includes('-wal>');
    const [, size = 0, from = 0] = /, (\d+), (\d+)\)\s+= \d+$/.exec(line) ?? [];
    if (ofLog && line.includes('pwrite64(')) written = Math.max(written, Number(from) + Number(size));
    if (ofLog && /f(data)?sync\(/.test(line)) safe = written;
    if (line.includes('"stored ')) after.push(safe);
  }
  return after;
}

test('power cut: what lasts is there, whatever was stored before it and after', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'shunt-cut-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const [live, trace] = [join(folder, 'live'), join(folder, 'trace')];
  await run(['strace', '-f', '-y', '-s', '16', '-e', CALLS, '-o', trace, process.execPath, WRITER, live]);
  const cuts = synced(readFileSync(trace, 'utf8'));
  t.is(cuts.length, 13);
  let lasting: Said | undefined;
  for (const [at, bytes] of cuts.entries()) {
    const said = JSON.parse(readFileSync(join(live, `said-${at}.json`), 'utf8')) as Said;
    const mayGo = said.what.startsWith('may go');
    if (!mayGo) lasting = said;
    const directory = join(folder, `cut-${at}`);
    mkdirSync(directory, { mode: 0o700 });
    for (const suffix of ['', '-wal'])
      copyFileSync(join(live, DATABASE_NAME + suffix), join(directory, DATABASE_NAME + suffix));
    truncateSync(join(directory, `${DATABASE_NAME}-wal`), bytes);
    const store = await SqliteStore.open({
      directory,
      host: HOST,
      migrations: agentMigrations,
      clock: new ManualClock(),
    });
    const stored = JSON.parse(JSON.stringify(await store.load())) as object;
    await store.close();
    t.deepEqual(stored, lasting?.stored, `${said.what}: after ${lasting?.what}`);
    if (mayGo) t.is(bytes, cuts[at - 1] ?? 0, `${said.what}: nobody waited for the disk`);
    else t.true(bytes > (cuts[at - 1] ?? 0), said.what);
  }
});
