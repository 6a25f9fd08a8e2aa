import { setTimeout } from 'node:timers/promises';
import test from 'ava';
import { EXIT, Failure } from '../../../../cli/line/failure.ts';
import type { View } from '../../../../cli/top/view.ts';
import { type Ask, watch } from '../../../../cli/top/watch.ts';
import type { TopReply, TopRequest } from '../../../../protocol/top.ts';
import { KeptScreen } from '../kept-screen.ts';

const VIEW: View = { sort: 'packets', of: 'fleet', filter: '' };
const NEVER_MS = 600_000;
const SOON_MS = 1;

function replyOf({ sort = 'packets' }: Partial<TopRequest> = {}): TopReply {
  const series = [1, 2];
  const items = [{ name: `by-${sort}`, packets: 2, bytes: 3, passed: 0, series }];
  return { v: 1, at: 1e12, since: 0, everyMs: 15_000, hosts: 1, hostsKnown: 1, verdicts: {}, lost: 0, items, total: 1 };
}

function start(ask: Ask, everyMs: number) {
  const screen = new KeptScreen();
  const stop = new AbortController();
  const done = watch(screen, ask, { view: VIEW, reply: replyOf(), colour: false }, stop.signal, everyMs);
  return { screen, stop, done };
}

async function until(is: () => boolean): Promise<void> {
  while (!is()) await setTimeout(1);
}

test('top: what is there is shown at once, and asked for again and again until q', async (t) => {
  let asked = 0;
  const { screen, done } = start(async (request) => {
    asked += 1;
    return replyOf(request);
  }, SOON_MS);
  t.regex(String(screen.lines[4]), /^by-packets /);
  await until(() => asked >= 3);
  screen.press('q');
  await done;
  t.true(asked >= 3);
});

test('top: a key that asks for something else is answered at once, and the screen is as large as the terminal', async (t) => {
  const asked: TopRequest[] = [];
  const { screen, done } = start(async (request) => {
    asked.push(request);
    return replyOf(request);
  }, NEVER_MS);
  screen.press('b');
  t.regex(String(screen.lines[0]), / by bytes /);
  await until(() => asked.length === 1);
  await until(() => /^by-bytes /.test(String(screen.lines[4])));
  screen.rows = 10;
  screen.redraw();
  t.is(screen.lines.length, 10);
  screen.press('/');
  t.is(screen.lines.at(-1), 'filter: _');
  screen.press('ctrl-c');
  await done;
  t.deepEqual(asked, [{ v: 1, sort: 'bytes', limit: 24 }]);
});

test('top: where nobody answers that is said, what was there stays, and the next answer takes it away', async (t) => {
  let fails = true;
  const { screen, stop, done } = start(async (request) => {
    if (fails) throw new Failure(EXIT.unreachable, 'NO_CONTROLLER', 'no controller is there');
    return replyOf(request);
  }, SOON_MS);
  await until(() => screen.lines[2] === 'no controller is there');
  t.regex(String(screen.lines[4]), /^by-packets /);
  fails = false;
  await until(() => screen.lines[2] === '');
  stop.abort();
  await done;
});

test('top: q ends it while an answer is waited for, which may never come', async (t) => {
  let asked = 0;
  const { screen, done } = start(() => {
    asked += 1;
    return new Promise(() => {});
  }, SOON_MS);
  await until(() => asked === 1);
  screen.press('q');
  await done;
  t.is(asked, 1);
});

test('top: what is no failure of ours is one of the command', async (t) => {
  const { done } = start(async () => {
    throw new TypeError('a mistake');
  }, SOON_MS);
  await t.throwsAsync(done, { message: 'a mistake' });
});
