import { copyFile, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { type Ended, run } from '../../support/process.ts';

const CLI = join(import.meta.dirname, '../../../cli');
const STARTERS = ['compiled.js', 'node-version.js', 'shunt.js'];

/** A checkout that has only how `shunt` starts, and a program of which the test says what it does. */
class Checkout implements AsyncDisposable {
  readonly #folder: string;
  readonly compiled: string;

  private constructor(folder: string) {
    this.#folder = folder;
    this.compiled = join(folder, '.cache/compiled');
  }

  static async make(): Promise<Checkout> {
    const folder = await mkdtemp(join(tmpdir(), 'shunt-compiled-'));
    await mkdir(join(folder, 'cli'));
    await mkdir(join(folder, '.cache'));
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
    for (const name of STARTERS) await copyFile(join(CLI, name), join(folder, 'cli', name));
    return new Checkout(folder);
  }

  /** Lets the program print a word, and runs it with nothing masked, as a careless shell does. */
  async says(word: string): Promise<Ended> {
    await writeFile(join(this.#folder, 'cli/main.ts'), `const word: string = '${word}';\nconsole.log(word);\n`);
    return run(['sh', '-c', 'umask 0; exec "$@"', 'sh', process.execPath, join(this.#folder, 'cli/shunt.js')]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true });
  }
}

test('compiled: what was compiled is kept where nobody else can write, and counts as long as the source is the same', async (t) => {
  await using checkout = await Checkout.make();
  await mkdir(checkout.compiled);
  for (const word of ['one', 'one', 'two', 'six']) {
    t.deepEqual(await checkout.says(word), { status: 0, stdout: `${word}\n`, stderr: '' });
  }
  const [part, ...others] = await readdir(checkout.compiled);
  t.deepEqual(others, []);
  const folder = join(checkout.compiled, part ?? '');
  t.is((await stat(folder)).mode & 0o777, 0o700);
  t.true((await readdir(folder)).length > 0);
});

test('compiled: where nothing was built nothing is kept, and where it cannot be kept the command runs all the same', async (t) => {
  await using checkout = await Checkout.make();
  t.is((await checkout.says('one')).stdout, 'one\n');
  await t.throwsAsync(stat(checkout.compiled), { code: 'ENOENT' });
  await writeFile(checkout.compiled, 'no folder');
  t.deepEqual(await checkout.says('two'), { status: 0, stdout: 'two\n', stderr: '' });
});
