import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { shortageOf } from '../../../daemon/shortage.ts';
import { must } from '../../support/process.ts';

const WRITER = join(import.meta.dirname, 'room-writer.ts');
const TOO_LARGE =
  'a file may be no larger; raise the limit of this process (ulimit -f, LimitFSIZE), or take another file system';

function folder(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'shunt-room-'));
  t.teardown(() => rmSync(path, { recursive: true }));
  return path;
}

/** What became of opening, loading and writing a store by a process whose files may be so large. */
async function tryWith(
  bytes: number | 'unlimited',
  whose: string,
  directory: string,
  rev = 1,
): Promise<Record<string, string>> {
  const argv = ['prlimit', `--fsize=${bytes}`, process.execPath, WRITER, whose, directory, String(rev)];
  return JSON.parse(await must(argv));
}

test('shortage: an errno that says so is known, and another is none', (t) => {
  const kinds = ['ENOSPC', 'EDQUOT', 'EFBIG', 'EMFILE', 'ENFILE', 'EIO', 'EACCES', 'SQLITE_FULL', undefined].map(
    (code) => {
      return shortageOf({ code }, '/x')?.of;
    },
  );
  t.deepEqual(kinds, ['room', 'room', 'room', 'files', 'files', undefined, undefined, 'room', undefined]);
});

test('shortage: EDQUOT is known by its number, too, for which Node.js has no name', (t) => {
  t.is(shortageOf({ code: 'Unknown system error -122', errno: -122 }, '/x')?.of, 'room');
});

test('shortage: where SQLite keeps the errno to itself and writing works, there is none; nothing is left behind', (t) => {
  const directory = folder(t);
  const path = join(directory, 'a.db');
  writeFileSync(path, 'text');
  for (const code of ['SQLITE_IOERR_WRITE', 'SQLITE_IOERR_SHMSIZE', 'SQLITE_CANTOPEN', 'SQLITE_IOERR_FSYNC']) {
    t.is(shortageOf({ code }, path), undefined, code);
  }
  chmodSync(directory, 0o500);
  t.is(shortageOf({ code: 'SQLITE_CANTOPEN' }, path), undefined);
  chmodSync(directory, 0o700);
  t.deepEqual(readdirSync(directory), ['a.db']);
});

for (const bytes of [4_096, 16_384, 40_960]) {
  test(`shortage: a store that cannot be made in ${bytes} bytes is FULL, and has advice`, async (t) => {
    const directory = folder(t);
    const agent = `StoreError FULL: ${directory}/agent.db: open: disk I/O error: ${TOO_LARGE}`;
    t.deepEqual(await tryWith(bytes, 'agent', directory), { open: agent });
    const controller = `StoreError FULL: database ${directory}/controller.db: disk I/O error: ${TOO_LARGE}; nothing was changed`;
    t.deepEqual(await tryWith(bytes, 'controller', directory), { open: controller });
    t.deepEqual(
      readdirSync(directory).filter((name) => /damaged|room/.test(name)),
      [],
    );
  });
}

for (const whose of ['agent', 'controller'] as const) {
  test(`shortage: that too few files may be open is said with advice, wherever it stops the store of the ${whose}`, async (t) => {
    const why = /NO_FILES: .*this process has too many files open; raise its limit \(ulimit -n, LimitNOFILE\)/;
    const opened: string[] = [];
    for (let spare = 0; spare <= 9; spare += 1) {
      const directory = folder(t);
      const argv = ['prlimit', '--nofile=80', process.execPath, WRITER, whose, directory, '1', String(spare)];
      const { open = '', ...more } = JSON.parse(await must(argv)) as Record<string, string>;
      opened.push(open);
      if (open !== 'done') t.regex(open, why, `${spare}`);
      for (const [what, became] of Object.entries(more))
        if (became !== 'done') t.regex(became, why, `${spare} ${what}`);
    }
    t.not(opened[0], 'done');
    t.is(opened.at(-1), 'done');
  });
}

test('shortage: a write that finds no room is FULL and changes nothing, and a smaller one goes on', async (t) => {
  const directory = folder(t);
  t.deepEqual(await tryWith(100_000, 'agent', directory), {
    open: 'done',
    load: 'done',
    write: `StoreError FULL: ${directory}/agent.db: save entries: disk I/O error: ${TOO_LARGE}`,
    'write a little': 'done',
  });
  t.deepEqual(await tryWith(340_000, 'controller', directory), {
    open: 'done',
    load: 'done',
    write: `StoreError FULL: database ${directory}/controller.db: disk I/O error: ${TOO_LARGE}; nothing was changed`,
    'write a little': 'done',
  });
});

test('shortage: an agent that starts without room reads what its store has, and writes once there is some', async (t) => {
  const directory = folder(t);
  const all = { open: 'done', load: 'done', write: 'done', 'write a little': 'done' };
  t.deepEqual(await tryWith('unlimited', 'agent', directory), all);
  const { open, load, write } = await tryWith(16_384, 'agent', directory, 2);
  t.deepEqual([open, load], ['done', 'done']);
  t.regex(write ?? '', /^StoreError FULL/);
  t.deepEqual(await tryWith('unlimited', 'agent', directory, 3), all);
});
