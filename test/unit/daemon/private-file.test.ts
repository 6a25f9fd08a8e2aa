import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { TimeFile } from '../../../agent/store/time-file.ts';
import { ExposedError, makePrivateDatabase, replacePrivateFile, shutOthersOut } from '../../../daemon/private-file.ts';
import { must } from '../../support/process.ts';

const WRITER = join(import.meta.dirname, 'state-writer.ts');
const BESIDE = ['', '-wal', '-shm', '-journal'];
const KEPT = [
  ...['agent.db', 'events.db', 'controller.db'].flatMap((name) => [name, `${name}-wal`, `${name}-shm`]),
  'bus.json',
  'time.json',
];

function folder(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'shunt-private-'));
  t.teardown(() => rmSync(path, { recursive: true }));
  return path;
}

function modeOf(path: string): string {
  return (statSync(path).mode & 0o777).toString(8);
}

for (const umask of ['000', '022', '777']) {
  test(`private: what agent and controller keep has mode 600 at umask ${umask}, also what was open to all`, async (t) => {
    const argv = ['sh', '-c', `umask ${umask} && exec "$@"`, 'sh', process.execPath, WRITER, folder(t)];
    for (const modes of JSON.parse(await must(argv))) {
      t.deepEqual(modes, Object.fromEntries(KEPT.map((name) => [name, '600'])));
    }
  });
}

test('private: what stands beside a database is narrowed with it', (t) => {
  const real = join(folder(t), 'real.db');
  for (const suffix of BESIDE) {
    writeFileSync(real + suffix, '');
    chmodSync(real + suffix, 0o664);
  }
  makePrivateDatabase(real);
  for (const suffix of BESIDE) t.is(modeOf(real + suffix), '600', suffix);
});

for (const suffix of BESIDE) {
  test(`private: a link or a folder in the place of a database${suffix} is refused, and what it leads to is left`, (t) => {
    const directory = folder(t);
    const [path, elsewhere] = [join(directory, 'a.db'), join(directory, 'elsewhere')];
    writeFileSync(elsewhere, 'text');
    chmodSync(elsewhere, 0o644);
    symlinkSync(elsewhere, path + suffix);
    const refused = (why: string) => ({ instanceOf: ExposedError, message: `${path}${suffix} is ${why}` });
    const link = 'a symbolic link; name the file that is meant, or remove the link';
    t.throws(() => makePrivateDatabase(path), refused(link));
    t.is(modeOf(elsewhere), '644');
    rmSync(path + suffix);
    mkdirSync(path + suffix);
    t.throws(() => makePrivateDatabase(path), refused('no regular file; remove it, or name another'));
  });
}

test('private: a file that is only read at the start is narrowed, and one half written before is made anew', (t) => {
  const directory = folder(t);
  const time = join(directory, 'time.json');
  for (const name of [time, `${time}.new`]) {
    writeFileSync(name, '{}');
    chmodSync(name, 0o644);
  }
  const file = new TimeFile(directory, 'boot');
  file.load();
  t.is(modeOf(time), '600');
  file.save(7);
  t.is(modeOf(time), '600');
  t.is(file.load(), 7);
});

test("private: what is no file, or is its owner's alone, keeps its mode", (t) => {
  const directory = folder(t);
  chmodSync(directory, 0o755);
  shutOthersOut(directory);
  t.is(modeOf(directory), '755');
  const own = join(directory, 'own');
  replacePrivateFile(own, 'text');
  t.is(readFileSync(own, 'utf8'), 'text');
  chmodSync(own, 0o400);
  shutOthersOut(own);
  t.is(modeOf(own), '400');
  t.notThrows(() => shutOthersOut(join(directory, 'absent')));
});
