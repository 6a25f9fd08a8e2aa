import test from 'ava';
import { encodeStatus } from '../../protocol/status.ts';
import { Starts } from './starts.ts';
import { World } from './world.ts';

/** A listing may be so old. */
const LISTED_MS = 5_000;

async function hostsOf(world: World) {
  await world.clock.pass(LISTED_MS);
  const { items } = await world.controller.ports.desk.hosts({ v: 1 }, 500_000);
  return items.map(({ host, ended }) => [host, ended]);
}

test('ended: an agent that ends says so, and one that starts takes it back', async (t) => {
  const world = await World.make();
  const [a, b] = [world.host('a'), world.host('b')];
  await Promise.all([world.controller.start(), world.clock.pass(1_000)]);
  for (const host of [a, b]) host.start();
  await world.clock.pass(10_000);
  const last = world.statuses.get('a');
  t.deepEqual(await hostsOf(world), [
    ['a', undefined],
    ['b', undefined],
  ]);
  await Promise.all([a.stop(), world.clock.pass(1_000)]);
  t.like(world.statuses.get('a'), { ended: true, boot: last?.boot, applied: last?.applied, stored: last?.stored });
  t.deepEqual(await hostsOf(world), [
    ['a', true],
    ['b', undefined],
  ]);
  if (last !== undefined) world.bus.publish(world.bus.subjects.status('a'), encodeStatus(last)); // as a slow bus does
  t.deepEqual((await hostsOf(world))[0], ['a', true]);
  a.start();
  await world.clock.pass(10_000);
  t.deepEqual((await hostsOf(world))[0], ['a', undefined]);
  await Promise.all([world.end(), world.clock.pass(1_000)]);
});

test('ended: a start that eight others have followed may count again, also where one of these is heard late', (t) => {
  const starts = new Starts();
  const begin = (boot: string): boolean => {
    starts.began('a');
    return starts.counts('a', boot);
  };
  for (const boot of ['old', ...'123456']) t.false(begin(boot));
  t.false(starts.counts('b', 'old'), 'of another host');
  t.false(starts.counts('a', 'late'));
  t.false(starts.counts('a', '1'), 'it was followed by six others');
  t.false(begin('7'));
  t.true(starts.counts('a', 'old'));
  t.false(starts.counts('a', '7'));
});
