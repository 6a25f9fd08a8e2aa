/**
 * The controller is killed in the middle of a rollout, at points spread over what it writes and sends, and is frozen for
 * much longer than it waits for hosts: the rollout ends as it would have, and no host is told more than it would have been. Real
 * processes, a real bus and a real database; hosts are made up. Rollouts take a twentieth of their time.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { connect } from 'nats';
import type { Pace } from '../../controller/rollout/pace.ts';
import { makeSubjects } from '../../protocol/subjects.ts';
import { MadeUpHost } from '../bus/made-up-host.ts';
import { KilledController, type Point } from '../support/killed-controller.ts';
import { startNats } from '../support/nats.ts';
import { until } from '../support/process.ts';
import { QUICK_PACE } from '../support/quick-pace.ts';
import { KeptTerminal, shunt } from '../unit/cli/session.ts';
import { Folder } from '../unit/controller/fleet.ts';

/** `KILLS=6` for a look. */
const KILLS = Number(process.env.KILLS ?? 60);
/** What comes late is waited for less long than the controller is frozen. */
const HASTY: Pace = { ...QUICK_PACE, convergeMs: 6000, undecidedMs: 1500 };
const FROZEN_MS = 30_000;
const HOSTS = ['edge-1', 'edge-2', 'edge-3', 'edge-4'];
const TEST_MS = 60 * 60_000;
const END_MS = 180_000;
const subjects = makeSubjects();

/** By these a controller changes what is on the disk, and speaks to the bus. */
const WRITES = ['pwrite64', 'fsync', 'fdatasync', 'write', 'writev', 'sendto'];

const redirect = (name: string, last: number, nexthop: string) => ({
  name,
  hosts: { role: 'edge' },
  match: { dst: `203.0.113.${last}`, proto: 'udp', dport: 443 },
  to: { nexthop },
});
const BEFORE = [redirect('web', 10, '10.0.0.6'), redirect('api', 11, '10.0.0.6'), redirect('mail', 12, '10.0.0.6')];
const AFTER = [redirect('web', 10, '10.0.0.7'), redirect('api', 11, '10.0.0.7'), redirect('new', 13, '10.0.0.7')];
const HOW = ['--waves', '1,2,100%', '--soak', '1500ms', '--gate', 'hits>=1', '--reason', 'C has moved'];
/** A controller that dies with a request answers nobody: that is waited for no longer than needed. */
const SOON = ['--timeout', '5s'];

/** What is left of a rollout that has ended. */
interface End {
  readonly state: string;
  /** The newest revision of each host; which host has which, the order of the rollout says. */
  readonly heads: readonly number[];
  /** What each host has: the same on all. */
  readonly bodies: readonly string[];
  readonly deaths: number;
  readonly tookMs: number;
}

/** Plays a rollout from its start to its end; `meanwhile` once it has begun, or `before` it. */
async function play(
  pace: Pace,
  disturb: {
    readonly before?: (controller: KilledController, folder: Folder) => Promise<void>;
    readonly meanwhile?: (controller: KilledController, wave: () => Promise<number>) => Promise<void>;
    readonly ended?: () => void;
  } = {},
): Promise<End> {
  await using held = new AsyncDisposableStack();
  const folder = held.use(new Folder());
  const server = held.use(await startNats());
  const controller = held.use(await KilledController.start(server.url, folder.file(), pace));
  const hosts: MadeUpHost[] = [];
  for (const host of HOSTS) {
    const nats = await connect({ servers: server.url, inboxPrefix: subjects.inbox(host), maxReconnectAttempts: -1 });
    held.defer(() => nats.close());
    hosts.push(held.use(new MadeUpHost(nats, host, { perSecond: 10_000 })));
  }
  const ask = (words: readonly string[], specs: readonly object[] = []) =>
    shunt(words, {
      env: { SHUNT_NATS: server.url },
      stdin: JSON.stringify({ redirects: specs }),
      terminal: new KeptTerminal(),
    });
  const heads = async (): Promise<readonly { head: number; verified: number }[]> =>
    JSON.parse((await ask(['hosts', '-o', 'json', ...SOON])).stdout || '{"items":[]}').items;
  await until('all hosts are heard', END_MS, async () => (await heads()).length === HOSTS.length, 100);
  const applied = await ask(['apply', '-f', '-'], BEFORE);
  if (applied.exit !== 0) throw new Error(applied.stderr);
  await until('all hosts have what was', END_MS, () => hosts.every(({ puts }) => puts.size === BEFORE.length));
  await disturb.before?.(controller, folder);
  const from = performance.now();
  const newest = async () =>
    JSON.parse((await ask(['rollout', 'list', '-o', 'json', ...SOON])).stdout || '{}').items?.[0];
  // A controller that dies before it has answered has begun it or has not; whoever asks looks, and asks again.
  await until('it has begun', END_MS, async () => {
    await ask(['rollout', 'start', '-f', '-', ...HOW, ...SOON], AFTER);
    return (await newest()) !== undefined;
  });
  await disturb.meanwhile?.(controller, async () => (await newest())?.wave ?? 0);
  const state = await until(
    'the rollout has ended',
    END_MS,
    async () => {
      const is = (await newest())?.state;
      return is !== undefined && !['RUNNING', 'ROLLING_BACK'].includes(is) && is;
    },
    100,
  );
  const tookMs = performance.now() - from;
  const all = await until(
    'hosts have what they were told',
    END_MS,
    async () => {
      const items = await heads();
      return items.length === HOSTS.length && items.every(({ head, verified }) => head === verified) && items;
    },
    100,
  );
  disturb.ended?.();
  const bodies = hosts.map(({ puts }) => JSON.stringify([...puts.values()].map(({ name, to }) => [name, to]).sort()));
  return {
    state,
    heads: all.map(({ head }) => head).sort((a, b) => a - b),
    bodies: [...new Set(bodies)],
    deaths: controller.deaths,
    tookMs,
  };
}

test('rollout: killed at points spread over its writes and sends, a controller brings it to the same end', async (t) => {
  t.timeout(TEST_MS);
  let trace = '';
  const whole = await play(QUICK_PACE, {
    before: async (controller, folder) => {
      trace = folder.file('trace');
      await controller.watch(WRITES, trace);
    },
    ended: () => (trace = readFileSync(trace, 'utf8')),
  });
  t.like(whole, { state: 'DONE', deaths: 0 });
  const points = spread(pointsOf(trace), KILLS);
  t.true(points.length >= Math.min(KILLS, 60), `${points.length}`);
  let died = 0;
  for (const point of points) {
    const { deaths, tookMs, ...end } = await play(QUICK_PACE, { before: (controller) => controller.killAt(point) });
    t.deepEqual(end, { state: whole.state, heads: whole.heads, bodies: whole.bodies }, `${point.name} ${point.nth}`);
    died += deaths;
    t.log(
      `${point.name} ${point.nth}: ${deaths === 0 ? 'not reached' : 'died'}, ${end.state} after ${tookMs.toFixed(0)} ms`,
    );
  }
  t.log(`${points.length} points, ${died} deaths; ${whole.tookMs.toFixed(0)} ms without any`);
  t.true(died >= (points.length * 9) / 10, `${died} of ${points.length}`);
});

test('rollout: a controller that is frozen for five times as long as it waits for hosts goes on where it was, and ends the same', async (t) => {
  t.timeout(TEST_MS);
  const whole = await play(HASTY);
  const { tookMs, ...frozen } = await play(HASTY, {
    meanwhile: async (controller, wave) => {
      await until('the first wave has it', END_MS, async () => (await wave()) >= 1);
      controller.freeze();
      await delay(FROZEN_MS);
      controller.thaw();
    },
  });
  t.deepEqual(frozen, { state: 'DONE', heads: whole.heads, bodies: whole.bodies, deaths: 0 });
  t.log(`${tookMs.toFixed(0)} ms, of these ${FROZEN_MS} frozen; ${whole.tookMs.toFixed(0)} ms without`);
});

function pointsOf(trace: string): readonly Point[] {
  const counts = new Map<string, number>();
  return trace.split('\n').flatMap((line): Point[] => {
    const [, name] = /^(\w+)\(/.exec(line) ?? [];
    if (name === undefined) return [];
    const nth = (counts.get(name) ?? 0) + 1;
    counts.set(name, nth);
    return [{ name, nth }];
  });
}

/** So many of them, evenly. */
function spread<T>(all: readonly T[], count: number): readonly T[] {
  const step = Math.max(1, all.length / count);
  return Array.from({ length: Math.min(count, all.length) }, (_, i) => all[Math.floor(i * step)]).filter(
    (one) => one !== undefined,
  );
}
