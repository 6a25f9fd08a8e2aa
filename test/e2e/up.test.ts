import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import type { Stats } from '../../protocol/stats.ts';
import { must, Running, run, until } from '../support/process.ts';

const ROOT = join(import.meta.dirname, '../..');
const UP = [process.execPath, join(ROOT, 'demo/cluster/up.ts')];
const STEP_MS = 120_000;

function shunt(url: string, ...args: readonly string[]): string[] {
  return [process.execPath, join(ROOT, 'cli/main.ts'), ...args, '--nats', url];
}

/**
 * C falls silent, and the switch floods what is for it: no host may send its copy on, or one datagram becomes a storm. With
 * two hosts that did, each one of A's was sent dozens of times (docs/decisions/0020-overheard.md).
 */
async function noStorm(up: Running, url: string): Promise<void> {
  const name = new RegExp(`^shunt-${up.pid}-\\S+-c\\b`, 'm').exec(await must(['ip', 'netns', 'list']))?.[0] ?? '';
  await must(['ip', '-n', name, 'link', 'set', 'eth0', 'down']);
  const seconds = () => up.lines.filter((line) => /unanswered \d+$/.test(line));
  const from = seconds().length;
  await until('three seconds without C', STEP_MS, () => seconds().length >= from + 3);
  const asked = seconds()
    .flatMap((line) => [...line.matchAll(/ (\d+)(?= |$)/g)].map(([, count]) => Number(count)))
    .reduce((sum, count) => sum + count, 0);
  let sent = 0;
  for (const host of ['edge-1', 'edge-2']) {
    const { redirected } = JSON.parse(await must(shunt(url, 'stats', '--host', host, '-o', 'json'))) as Stats;
    sent += Number(redirected);
  }
  if (sent === 0 || sent > 2 * asked) throw new Error(`A asked ${asked} times, and the hosts sent ${sent} on`);
}

/** Kills the agent of edge-2 as an operator would, and starts it again by the command that is printed then. */
async function killedAndStarted(up: Running, url: string): Promise<string> {
  const name = new RegExp(`^shunt-${up.pid}-\\S+-edge-2\\b`, 'm').exec(await must(['ip', 'netns', 'list']))?.[0] ?? '';
  const pids = (await must(['ip', 'netns', 'pids', name])).split('\n').filter((pid) => pid !== '');
  for (const pid of pids) process.kill(Number(pid), 'SIGKILL');
  const at = await up.until('says that the agent ended', STEP_MS, () => {
    const found = up.lines.findIndex((line) => line.includes('The agent of edge-2 ended with 137'));
    return found >= 0 && up.lines.length > found + 2 && { found };
  });
  const [log = '', start = ''] = up.lines.slice(at.found + 1, at.found + 3).map((line) => line.trim());
  await using _ = await Running.start('edge-2 again', [start]);
  await until('edge-2 answers', STEP_MS, async () => {
    return (await run(shunt(url, 'status', '--host', 'edge-2'))).status === 0;
  });
  return await readFile(log, 'utf8');
}

test.serial(
  'up: a cluster keeps running, follows the commands that it names, and is gone after an interrupt',
  async (t) => {
    await using up = await Running.start('up', [...UP, '--hosts', '2']);
    await up.until('asks', 2 * STEP_MS, () => up.lines.some((line) => line.includes('Ctrl-C ends it')));
    for (const line of up.lines) t.true(line.length <= 80, line);
    const url = /SHUNT_NATS=(\S+)/.exec(up.lines.join('\n'))?.[1] ?? 'nats://127.0.0.1:4222';
    const onlyBy = async (who: string, other: string) => {
      await until(`only ${who} answers`, STEP_MS, () => {
        const last = up.lines.at(-1) ?? '';
        return new RegExp(` ${who} [1-9]`).test(last) && !new RegExp(` ${other} [1-9]`).test(last);
      });
    };
    await onlyBy('B', 'C');
    await must(shunt(url, 'apply', '-f', join(ROOT, 'examples/b-to-c.yaml')));
    await onlyBy('C', 'B');
    await must(shunt(url, 'status', '--host', 'edge-2'));
    t.regex(await must(shunt(url, 'dump', '--host', 'edge-1')), /b-to-c .* installed/);
    const fleet = JSON.parse(await must(shunt(url, 'hosts', '-o', 'json'))) as { items: { labels: object }[] };
    t.deepEqual(
      fleet.items.map(({ labels }) => labels),
      [
        { role: 'edge', site: 'west' },
        { role: 'edge', site: 'east' },
      ],
    );
    await noStorm(up, url);
    t.regex(await killedAndStarted(up, url), /"host":"edge-2"|edge-2/);
    await must(shunt(url, 'delete', 'b-to-c'));
    await onlyBy('B', 'C');
    t.is(await up.stop('SIGINT'), 130);
    t.notRegex(await must(['ip', 'netns', 'list']), new RegExp(`shunt-${up.pid}-`));
  },
);

test('up: a wrong number of hosts is refused in a sentence', async (t) => {
  for (const wrong of ['0', '100', 'many']) {
    const { status, stderr } = await run([...UP, '--hosts', wrong]);
    t.is(status, 2);
    t.is(stderr, `./dev up: --hosts ${wrong}: expected a number from 1 to 99\n`);
  }
});
