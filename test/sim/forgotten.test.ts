import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import test from 'ava';
import { letDie } from './life.ts';
import { SeededClock } from './seeded-clock.ts';
import { World } from './world.ts';

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');
letDie();

/** What is left to remember a world by in which an agent and a controller died in the middle of their work. */
async function dead(): Promise<WeakRef<World>> {
  const world = await World.make(new SeededClock(1));
  const host = world.host('a');
  const started = world.controller.start();
  host.start();
  await world.clock.pass(5_000);
  await started;
  host.kill();
  world.controller.kill();
  await world.clock.pass(5_000);
  await world.database.close();
  return new WeakRef(world);
}

test('a world whose programs died is forgotten: thousands of schedules are played in one process', async (t) => {
  const world = await dead();
  for (let tries = 0; tries < 10 && world.deref() !== undefined; tries += 1) {
    await setImmediate();
    collect();
  }
  t.is(world.deref(), undefined);
});
