import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import test from 'ava';

const ROOT = join(import.meta.dirname, '../..');
const BIOME = join(ROOT, `tools/biome/node_modules/@biomejs/cli-linux-${process.arch}/biome`);

// [file, what it imports]; each file is named once.
const FORBIDDEN: readonly (readonly [string, string])[] = [
  ['protocol/a.ts', '../agent/model/entry.ts'],
  ['agent/model/a.ts', 'node:fs'],
  ['agent/intake.ts', './store/store.ts'],
  ['agent/reconcile/a.ts', '../kernel/layout.ts'],
  ['agent/reconcile/b.ts', './../kernel/layout.ts'],
  ['agent/kernel/a.ts', '../store/store.ts'],
  ['agent/doctor/a.ts', '../bus/nats-bus.ts'],
  ['agent/store/a.ts', 'nats'],
  ['agent/bus/a.ts', 'kysely'],
  ['agent/main.ts', '../controller/main.ts'],
  ['controller/a.ts', 'better-sqlite3'],
  ['controller/bus/a.ts', '../store/specs.ts'],
  ['cli/a.ts', '../agent/kernel/layout.ts'],
];
const ALLOWED: readonly (readonly [string, string])[] = [
  ['protocol/c.ts', './key.ts'],
  ['agent/model/c.ts', '../../protocol/key.ts'],
  ['agent/reconcile/c.ts', '../ports.ts'],
  ['agent/kernel/deep/c.ts', '../../../native/index.ts'],
  ['agent/doctor/c.ts', '../attach/mode.ts'],
  ['agent/store/c.ts', 'kysely/migration'],
  ['controller/main.ts', './store/specs.ts'],
  ['cli/c.ts', '../agent/main.ts'],
];

/** Lints a tree with one import a file, under the project's rules, and answers the files that were refused. */
async function refusedOf(planted: readonly (readonly [string, string])[]): Promise<string[]> {
  const tree = await mkdtemp(join(tmpdir(), 'edges-'));
  try {
    for (const name of ['biome.json', '.gitignore']) await copyFile(join(ROOT, name), join(tree, name));
    for (const [file, specifier] of planted) {
      await mkdir(dirname(join(tree, file)), { recursive: true });
      await writeFile(join(tree, file), `import { a } from '${specifier}';\nconsole.log(a);\n`);
    }
    const output = await lint(tree);
    return [...output.matchAll(/noRestrictedImports,file=([^,]+),/g)]
      .map((match) => relative(tree, match[1] ?? ''))
      .sort();
  } finally {
    await rm(tree, { recursive: true });
  }
}

/** Answers what the linter printed; it ends with 1 when it refuses something. */
function lint(tree: string): Promise<string> {
  return new Promise((resolve) => {
    execFile(BIOME, ['lint', '--reporter=github', '--max-diagnostics=100'], { cwd: tree }, (_, stdout) =>
      resolve(stdout),
    );
  });
}

test('import edges: every planted violation is refused, and what is allowed is not', async (t) => {
  const refused = await refusedOf([...FORBIDDEN, ...ALLOWED]);
  t.deepEqual(refused, FORBIDDEN.map(([file]) => file).sort());
});
