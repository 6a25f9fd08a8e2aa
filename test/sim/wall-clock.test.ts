import test from 'ava';
import { encodeApplyRequest } from '../../protocol/api.ts';
import { MemoryTimes } from '../fakes/memory-times.ts';
import type { Host } from './host.ts';
import { World } from './world.ts';

const DAYS_400_MS = 400 * 86_400_000;
const LIFE_MS = 900_000;
const KEY = 'v4 udp 0.0.0.0/0:* > 203.0.113.1/32:443';

/** A redirect for a quarter of an hour, by the controller's time. */
async function apply(world: World): Promise<void> {
  const match = { dst: '203.0.113.1', proto: 'udp', dport: 443 };
  const specs = [{ name: 'r', hosts: ['a'], match, to: 'drop', expires: world.clock.nowMs() + LIFE_MS }];
  const done = world.api('apply', encodeApplyRequest({ v: 1, upload: 'u', part: 0, parts: 1, specs }));
  await world.clock.pass(2_000);
  await done;
}

async function begin(aheadMs = 0): Promise<{ world: World; host: Host }> {
  const world = await World.make();
  const started = world.controller.start();
  await world.clock.pass(10);
  await started;
  const host = world.host('a');
  host.aheadMs = aheadMs;
  host.start();
  await world.clock.pass(5_000);
  return { world, host };
}

/** When the wall clock is set, and what is there then. */
const MOMENTS: Readonly<Record<string, (byMs: number) => Promise<{ world: World; host: Host }>>> = {
  'before the agent starts': async (byMs) => {
    const { world, host } = await begin(byMs);
    await apply(world);
    return { world, host };
  },
  'before the redirect arrives': async (byMs) => {
    const { world, host } = await begin();
    host.aheadMs = byMs;
    await apply(world);
    return { world, host };
  },
  'while the redirect stands': async (byMs) => {
    const { world, host } = await begin();
    await apply(world);
    host.aheadMs = byMs;
    return { world, host };
  },
  'while the agent is dead': async (byMs) => {
    const { world, host } = await begin();
    await apply(world);
    await host.stop();
    host.aheadMs = byMs;
    await world.clock.pass(3_000);
    host.start();
    return { world, host };
  },
  'while the agent is dead, and the bus with it': async (byMs) => {
    const { world, host } = await begin();
    await apply(world);
    await host.stop();
    await world.controller.stop();
    host.aheadMs = byMs;
    host.start();
    return { world, host };
  },
  'and the agent stays dead': async (byMs) => {
    const { world, host } = await begin();
    await apply(world);
    host.aheadMs = byMs;
    await world.clock.pass(1_000);
    await host.stop();
    return { world, host };
  },
};

for (const [moment, make] of Object.entries(MOMENTS)) {
  for (const byMs of [DAYS_400_MS, -DAYS_400_MS]) {
    for (const forMs of [8_000, Number.POSITIVE_INFINITY]) {
      const how = `${byMs > 0 ? '+' : '-'}400 days ${Number.isFinite(forMs) ? 'for 8 s' : 'for good'}`;
      test(`wall clock ${how}, ${moment}: the redirect acts for its time, and then no more`, async (t) => {
        t.timeout(600_000);
        const { world, host } = await make(byMs);
        const endMs = world.clock.nowMs() + LIFE_MS - 5_000;
        let acting = 0;
        for (let second = 1; second <= 120; second += 1) {
          await world.clock.pass(1_000);
          if (host.kernel.acts(KEY)) acting += 1;
          if (second === 8 && Number.isFinite(forMs)) host.aheadMs = 0;
        }
        t.is(acting, 120, 'in each of 120 seconds');
        await world.clock.pass(endMs - 10_000 - world.clock.nowMs());
        t.true(host.kernel.acts(KEY), 'ten seconds before its end');
        await world.clock.pass(20_000);
        t.false(host.kernel.acts(KEY), 'ten seconds after its end');
        await world.end();
      });
    }
  }
}

test('wall clock: a host that boots with a wrong one and hears nobody goes by it, until the first page', async (t) => {
  const { world, host } = await begin();
  await apply(world);
  await host.stop();
  await world.controller.stop();
  host.times = new MemoryTimes();
  host.kernel.uproot(KEY);
  host.aheadMs = DAYS_400_MS;
  host.start();
  await world.clock.pass(10_000);
  t.false(host.kernel.acts(KEY), 'by the host alone it is long past');
  await world.controller.start();
  await world.clock.pass(60_000);
  t.true(host.kernel.acts(KEY), 'by the controller it is not');
  const aheadMs = world.statuses.get('a')?.clockAhead ?? 0;
  t.true(Math.abs(aheadMs - DAYS_400_MS) < 1_000, `${aheadMs}`);
  host.aheadMs = 3_000;
  await world.clock.pass(20_000);
  t.is(world.statuses.get('a')?.clockAhead, undefined);
  await world.end();
});
