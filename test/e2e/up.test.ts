import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import type { Stats } from '../../protocol/stats.ts';
import { namespacesOf, pidsAt, STEP_MS, shuntAt as shunt, UP } from '../support/cluster.ts';
import { must, Running, run, until } from '../support/process.ts';

const ROOT = join(import.meta.dirname, '../..');

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

/** Kills a program as an operator would, starts it again by the command that is printed then, and answers its log. */
async function killedAndStarted(
  up: Running,
  held: AsyncDisposableStack,
  url: string,
  [who, place, word]: readonly string[],
): Promise<string> {
  for (const pid of await pidsAt(up, place ?? '', word ?? '')) process.kill(pid, 'SIGKILL');
  const at = await up.until(`says that ${who} was killed`, STEP_MS, () => {
    const found = up.lines.findIndex((line) => line.startsWith(`  ${who} was killed (SIGKILL); its log`));
    return found >= 0 && up.lines.length > found + 2 && { found };
  });
  const [log = '', start = ''] = up.lines.slice(at.found + 1, at.found + 3).map((line) => line.trim());
  held.use(await Running.start(`${who} again`, [start]));
  await until('the cluster answers', STEP_MS, async () => {
    const asked = [shunt(url, 'status', '--host', 'edge-2'), shunt(url, 'hosts')];
    for (const words of asked) if ((await run(words)).status !== 0) return false;
    return true;
  });
  return await readFile(log, 'utf8');
}

/** What is printed to be typed: the command that begins with these words, with the lines that it goes on with. */
function printed(up: Running, ...words: readonly string[]): readonly string[] {
  const lines = up.lines
    .join('\n')
    .replaceAll(/ \\\n +/g, ' ')
    .split('\n');
  const line = lines.find((it) => words.every((word) => it.includes(word))) ?? '';
  return line.trim().split(' ');
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
    const doctor = await run(printed(up, 'shunt doctor'), '', ROOT);
    t.regex(doctor.stdout, /ok +agent +runs as process \d+ and keeps these maps/);
    t.regex(doctor.stdout, /ok +host edge-1 +its agent answers/);
    for (const word of ['on', 'off']) t.is((await run(printed(up, 'bypass', ` ${word} `), '', ROOT)).status, 0, word);
    await using held = new AsyncDisposableStack();
    const killed = (...one: readonly string[]) => killedAndStarted(up, held, url, one);
    t.regex(await killed('The agent of edge-2', 'edge-2', ''), /edge-2/);
    t.regex(await killed('The controller', 'bus', 'controller'), /./);
    t.regex(await killed('nats-server', 'bus', 'nats-server'), /Server is ready/);
    t.deepEqual(
      up.lines.flatMap((line) => /^ {2}✓ (\S+)/.exec(line)?.[1] ?? []),
      ['network', 'bus', 'hosts'],
    );
    await must(shunt(url, 'delete', 'b-to-c'));
    await onlyBy('B', 'C');
    t.is(await up.stop('SIGINT'), 130);
    t.notRegex(await must(['ip', 'netns', 'list']), new RegExp(`shunt-${up.pid}-`));
  },
);

test.serial('up: an interrupt of all that starts is no failure, and removes everything', async (t) => {
  await using up = await Running.start('up', [...UP, '--hosts', '2']);
  await up.until('starts', STEP_MS, () => up.lines.some((line) => line.includes('✓ bus')));
  const places = [...(await namespacesOf(up)).keys()];
  t.is(places.length, 7);
  // As a terminal does it: all of them at the same moment.
  const pids = (await Promise.all(places.map((place) => pidsAt(up, place, '')))).flat();
  for (const pid of pids) process.kill(pid, 'SIGINT');
  t.is(await up.stop('SIGINT'), 130);
  t.true(up.lines.some((line) => line.includes('Interrupted: removing everything.')));
  t.deepEqual(
    up.lines.filter((line) => line.includes('nsenter') || line.includes('./dev up:')),
    [],
  );
  t.is((await namespacesOf(up)).size, 0);
});

test('up: a wrong number of hosts is refused in a sentence', async (t) => {
  for (const wrong of ['0', '100', 'many']) {
    const { status, stderr } = await run([...UP, '--hosts', wrong]);
    t.is(status, 2);
    t.is(stderr, `./dev up: --hosts ${wrong}: expected a number from 1 to 99\n`);
  }
});
