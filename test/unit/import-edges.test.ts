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
  ['daemon/a.ts', '../protocol/key.ts'],
  ['bus/a.ts', '../agent/ports.ts'],
  ['native/a.ts', '../protocol/key.ts'],
  ['migrations/agent/a.ts', '../../agent/store/schema.ts'],
  ['migrations/controller/a.ts', '../../controller/store/dialect.ts'],
  ['agent/main.ts', '../controller/main.ts'],
  ['agent/model/a.ts', 'node:fs'],
  ['agent/ports.ts', './store/sqlite-store.ts'],
  ['agent/config.ts', './kernel/native-kernel.ts'],
  ['agent/serve.ts', './kernel/native-kernel.ts'],
  ['agent/guard/a.ts', '../kernel/native-kernel.ts'],
  ['agent/follow/a.ts', 'kysely'],
  ['agent/follow/b.ts', '../kernel/native-kernel.ts'],
  ['agent/reconcile/a.ts', '../kernel/layout.ts'],
  ['agent/reconcile/b.ts', './../kernel/layout.ts'],
  ['agent/answer/a.ts', 'nats'],
  ['agent/kernel/a.ts', '../store/sqlite-store.ts'],
  ['agent/store/a.ts', 'nats'],
  ['agent/bus/a.ts', 'kysely'],
  ['agent/attach/a.ts', '../store/sqlite-store.ts'],
  ['agent/doctor/a.ts', '../bus/nats-bus.ts'],
  ['controller/a.ts', 'better-sqlite3'],
  ['controller/ports.ts', './store/schema.ts'],
  ['controller/config.ts', 'node:fs'],
  ['controller/model/a.ts', '../ports.ts'],
  ['controller/compile/a.ts', '../bus/nats-bus.ts'],
  ['controller/log/a.ts', 'kysely'],
  ['controller/log/b.ts', '../store/sqlite/database.ts'],
  ['controller/desk/a.ts', '../serve/publisher.ts'],
  ['controller/desk/b.ts', '../store/query.ts'],
  ['controller/roster/a.ts', '../serve/publisher.ts'],
  ['controller/roster/b.ts', '../desk/upload.ts'],
  ['controller/desk/e.ts', '../rollout/decide.ts'],
  ['controller/rollout/a.ts', '../serve/publisher.ts'],
  ['controller/rollout/b.ts', 'kysely'],
  ['controller/serve/a.ts', '../store/tables/specs.ts'],
  ['controller/serve/b.ts', 'pino'],
  ['controller/store/a.ts', '../bus/nats-bus.ts'],
  ['controller/store/b.ts', '../compile/compile.ts'],
  ['controller/store/tables/a.ts', '../sqlite/database.ts'],
  ['controller/store/sqlite/a.ts', '../../../migrations/controller/index.ts'],
  ['controller/bus/a.ts', '../store/tables/specs.ts'],
  ['cli/a.ts', '../agent/kernel/layout.ts'],
  ['cli/show/a.ts', '../line/failure.ts'],
  ['cli/line/a.ts', '../commands/get.ts'],
  ['cli/specs/a.ts', 'nats'],
  ['cli/complete/a.ts', '../commands/get.ts'],
  ['cli/top/a.ts', '../client.ts'],
  ['cli/rollout/a.ts', '../commands/get.ts'],
  ['cli/commands/a.ts', '../../agent/kernel/layout.ts'],
];
const ALLOWED: readonly (readonly [string, string])[] = [
  ['protocol/c.ts', './key.ts'],
  ['migrations/controller/c.ts', './dialect.ts'],
  ['agent/model/c.ts', '../../protocol/key.ts'],
  ['agent/follow/c.ts', '../../daemon/waker.ts'],
  ['agent/reconcile/c.ts', '../ports.ts'],
  ['agent/kernel/deep/c.ts', '../../../native/index.ts'],
  ['agent/attach/c.ts', '../../daemon/waker.ts'],
  ['agent/doctor/c.ts', '../attach/mode.ts'],
  ['agent/store/c.ts', 'kysely/migration'],
  ['controller/main.ts', './store/tables/specs.ts'],
  ['controller/log/c.ts', '../store/session.ts'],
  ['controller/desk/c.ts', '../log/pages.ts'],
  ['controller/roster/c.ts', '../store/tables/hosts.ts'],
  ['controller/rollout/c.ts', '../log/work.ts'],
  ['controller/rollout/d.ts', '../desk/noting.ts'],
  ['controller/store/tables/c.ts', '../dialect.ts'],
  ['cli/c.ts', '../agent/main.ts'],
  ['cli/commands/c.ts', '../../agent/main.ts'],
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
