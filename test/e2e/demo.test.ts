import { join } from 'node:path';
import test from 'ava';
import { must, Running, run } from '../support/process.ts';

const DEMO = [process.execPath, join(import.meta.dirname, '../../demo/main.ts')];

/** The network namespaces of a process's testbeds. */
async function namespacesOf(pid: number | undefined): Promise<string[]> {
  const names = (await must(['ip', 'netns', 'list'])).split('\n');
  return names.filter((name) => name.startsWith(`shunt-${pid}-`));
}

test.serial('demo: it tells its story in one run and ends with 0', async (t) => {
  const { status, stdout } = await run(DEMO);
  t.is(status, 0, stdout);
  const steps = ['start', 'ask', 'apply', 'kill -9', 'restart', 'bpftool', 'delete', 'count'];
  t.deepEqual(
    [...stdout.matchAll(/^ {2}✓ (\S+( \S+)?) {2}/gm)].map(([, step]) => step),
    steps,
  );
  t.regex(stdout, /publish → kernel [\d.]+ ms → first answer [\d.]+ ms/);
  t.regex(stdout, /deleteAbsent is 1/);
  for (const line of stdout.split('\n')) t.true(line.length <= 80, line);
});

test.serial('demo: an interrupt removes everything and ends with 130', async (t) => {
  const demo = await Running.start('demo', DEMO);
  await demo.until('the story begins', 300_000, () => demo.lines.some((line) => line.includes('✓ ask')));
  t.is((await namespacesOf(demo.pid)).length, 4);
  t.is(await demo.stop('SIGINT'), 130);
  t.deepEqual(await namespacesOf(demo.pid), []);
});
