import test from 'ava';
import { encodeApplyRequest } from '../../protocol/api.ts';
import { encodeDeleteRequest } from '../../protocol/delete.ts';
import { World } from './world.ts';

const HOUR_MS = 3_600_000;
const TO_NEXT_HOP = { nexthop: '192.0.2.7' };

function apply(world: World, upload: string, ...specs: readonly object[]): Promise<Uint8Array> {
  return world.api('apply', encodeApplyRequest({ v: 1, upload, part: 0, parts: 1, specs: specs as never }));
}

function spec(n: number, to: unknown, hosts: unknown): object {
  return { name: `r${n}`, hosts, match: { dst: `203.0.113.${n}`, proto: 'udp', dport: 443 }, to };
}

/** What happens in an hour of the day; the other hours are quiet. */
const SCRIPT: Readonly<Record<number, (world: World) => Promise<unknown>>> = {
  1: (world) =>
    apply(world, 'a', spec(1, TO_NEXT_HOP, { role: 'edge' }), spec(2, 'drop', 'all'), spec(3, 'drop', ['b'])),
  3: async (world) => {
    world.hosts.get('a')?.kernel.netdev('eth1', { up: false });
  },
  4: async (world) => {
    const kernel = world.hosts.get('a')?.kernel;
    kernel?.netdev('eth1', { up: true });
    kernel?.notify();
  },
  6: async (world) => {
    await world.hosts.get('b')?.stop();
    await apply(world, 'b', spec(1, 'drop', { role: 'edge' }), spec(4, 'pass', ['b']));
  },
  7: async (world) => world.hosts.get('b')?.start(),
  9: async (world) => {
    await world.controller.stop();
    await world.controller.start();
  },
  11: (world) => apply(world, 'c', spec(5, TO_NEXT_HOP, 'all')),
  14: (world) => world.api('delete', encodeDeleteRequest({ v: 1, names: ['r2', 'r3', 'nobody'] })),
  17: async (world) =>
    world.hosts.get('b')?.kernel.uproot([...(world.hosts.get('b')?.kernel.peek().entries.keys() ?? [])][0] ?? ''),
};

/** One day, from midnight to midnight. */
async function live(): Promise<World> {
  const world = await World.make();
  const hosts = [world.host('a', { role: 'edge' }), world.host('b', { role: 'edge' })];
  const started = world.controller.start();
  for (const host of hosts) host.start();
  await world.clock.pass(1_000);
  await started;
  for (let hour = 0; hour < 24; hour += 1) {
    const act = SCRIPT[hour]?.(world);
    await world.clock.pass(HOUR_MS);
    await act;
  }
  return world;
}

test('a day: agents, controller and bus on one manual clock end converged, and every run is the same', async (t) => {
  t.timeout(3_600_000);
  const [first, second] = [await live(), await live()];
  for (const [name, host] of first.hosts) {
    const { stored, applied, verified, counts, problems } = first.statuses.get(name) ?? {};
    const names = [...host.store.set.values()].map((intent) => intent.name).sort();
    t.deepEqual(names, name === 'a' ? ['r1', 'r5'] : ['r1', 'r4', 'r5']);
    t.deepEqual([applied, verified, counts?.installed, problems], [stored, stored, names.length, undefined]);
    t.deepEqual([...host.kernel.peek().entries.keys()].sort(), [...host.store.set.keys()].sort());
  }
  const { items } = await first.controller.ports.desk.hosts({ v: 1 }, 500_000);
  t.deepEqual(
    items.map(({ host, stored, head, standing }) => [host, stored === head, standing]),
    [
      ['a', true, 'ok'],
      ['b', true, 'ok'],
    ],
  );
  t.deepEqual(first.errors, []);
  t.log(`${first.messages} messages a day`);
  t.true(first.messages > 20_000);
  t.is(first.messages, second.messages);
  t.is(first.traceOf(), second.traceOf());
  await first.end();
  await second.end();
});
