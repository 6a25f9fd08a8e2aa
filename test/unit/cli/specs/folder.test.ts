import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Failure } from '../../../../cli/line/failure.ts';
import { filesOf } from '../../../../cli/specs/folder.ts';
import { readSpecs } from '../../../../cli/specs/read-specs.ts';

/** A folder with files in it, gone when the test is over. */
function folder(t: ExecutionContext, files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'shunt-folder-'));
  t.teardown(() => rmSync(root, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  return root;
}

async function named(root: string, deep: boolean): Promise<readonly string[]> {
  return (await filesOf(root, deep)).map((file) => file.slice(root.length + 1));
}

const MANY = {
  'b.yml': '',
  'a.yaml': '',
  'c.json': '',
  'd.jsonl': '',
  'notes.md': '',
  '.a.yaml': '',
  'e.yaml.swp': '',
};

test('folder: what ends as redirects do is read, sorted, and nothing else', async (t) => {
  const root = folder(t, { ...MANY, 'more/x.yaml': '', 'more/deep/y.yaml': '', '.git/z.yaml': '' });
  t.deepEqual(await named(root, false), ['a.yaml', 'b.yml', 'c.json', 'd.jsonl']);
  const all = ['a.yaml', 'b.yml', 'c.json', 'd.jsonl', 'more/deep/y.yaml', 'more/x.yaml'];
  t.deepEqual(await named(root, true), all);
});

test('folder: a file and standard input stand for themselves, also where there is none of that name', async (t) => {
  t.deepEqual(await filesOf('-', true), ['-']);
  t.deepEqual(await filesOf('/nonexistent/x', false), ['/nonexistent/x']);
  await t.throwsAsync(filesOf('', false), { message: /not an empty text/ });
});

test('folder: one without files is refused, and says where some may be', async (t) => {
  const root = folder(t, { 'notes.md': '', 'more/notes.md': '' });
  await t.throwsAsync(filesOf(root, false), { instanceOf: Failure, message: /has no file .*-R looks into/ });
  await t.throwsAsync(filesOf(root, true), { message: /has no file that ends with .*jsonl$/ });
});

test('folder: links are followed, and none that leads back', async (t) => {
  const root = folder(t, { 'real/x.yaml': '', 'top/a.yaml': '' });
  symlinkSync(join(root, 'real'), join(root, 'top/linked'));
  symlinkSync(join(root, 'real/x.yaml'), join(root, 'top/b.yaml'));
  t.deepEqual(await named(join(root, 'top'), true), ['a.yaml', 'b.yaml', 'linked/x.yaml']);
  symlinkSync(join(root, 'top'), join(root, 'top/self'));
  await t.throwsAsync(filesOf(join(root, 'top'), true), { message: /top\/self leads back to/ });
});

test('folder: a folder that cannot be read is named', async (t) => {
  const root = folder(t, { 'shut/x.yaml': '' });
  chmodSync(join(root, 'shut'), 0o000);
  if (process.getuid?.() === 0) t.deepEqual(await named(root, true), ['shut/x.yaml']);
  else await t.throwsAsync(filesOf(root, true), { message: /cannot read the folder .*shut: permission denied/ });
  chmodSync(join(root, 'shut'), 0o700);
});

const WELL = 'redirects:\n  - { name: one, hosts: all, match: { dst: 203.0.113.9 }, to: drop }\n';
const ILL = 'redirects:\n  - { name: two, hosts: all, match: { dst: 203.0.113.999 }, to: drop }\n';

async function* nothing(): AsyncGenerator<Uint8Array> {}

test('folder: problems are told by file and line, beside a folder that has nothing', async (t) => {
  const root = folder(t, { 'a.yaml': WELL, 'b.yaml': ILL, 'c.jsonl': '\n{"name":"three"}\n', 'none/x.md': '' });
  const where = { file: [root, join(root, 'none')], recursive: false };
  const failed = await t.throwsAsync(readSpecs(where, nothing(), { nowMs: 0 }), { instanceOf: Failure });
  t.regex(failed?.message ?? '', /none has no file/);
  const places = failed?.problems.map(({ file, line }) => `${file.slice(root.length + 1)}:${line}`);
  t.deepEqual([...new Set(places)], ['b.yaml:2', 'c.jsonl:2']);
});

test('folder: a name that two of its files have is refused', async (t) => {
  const root = folder(t, { 'a.yaml': WELL, 'b.yaml': WELL });
  const failed = await t.throwsAsync(readSpecs({ file: [root], recursive: false }, nothing(), { nowMs: 0 }), {
    instanceOf: Failure,
  });
  t.is(failed?.problems[0]?.code, 'DUPLICATE_NAME');
  const file = join(root, 'a.yaml');
  const twice = readSpecs({ file: [root, file], recursive: false }, nothing(), { nowMs: 0 });
  await t.throwsAsync(twice, { instanceOf: Failure });
});
