import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { run } from '../../support/process.ts';

const ROOT = join(import.meta.dirname, '../../..');

/** Runs `shunt --version` where Node.js says that it is another one. */
function asNode(version: string, entry: string) {
  const disguise = `Object.defineProperty(process.versions, 'node', { value: '${version}' })`;
  return run([process.execPath, '--import', `data:text/javascript,${disguise}`, join(ROOT, 'cli', entry), '--version']);
}

for (const entry of ['main.ts', 'shunt.js']) {
  test(`${entry}: a Node.js that is too old is told in a sentence`, async (t) => {
    for (const version of ['20.19.0', '22.18.0', '23.11.1']) {
      const { status, stdout, stderr } = await asNode(version, entry);
      t.deepEqual([status, stdout], [1, '']);
      t.regex(stderr, new RegExp(`^shunt: \\S+ is Node.js ${version}, and Shunt needs 24 or newer; .*\\n$`));
    }
    t.is((await asNode('24.0.0', entry)).status, 0);
  });
}

test('main: the oldest Node.js is that of package.json', (t) => {
  const { engines } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { engines: { node: string } };
  t.is(engines.node, '>=24');
});
