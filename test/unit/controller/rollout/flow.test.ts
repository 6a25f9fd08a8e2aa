import test from 'ava';
import { spec } from '../fleet.ts';
import { Stage } from './stage.ts';

const DROP = { hosts: 'all', to: 'drop' };
const PASS = { hosts: 'all', to: 'pass' };

test('rollout: goes from wave to wave, and hosts that it has not reached hold what they held', async (t) => {
  await using stage = await Stage.open(5);
  await stage.apply(spec('web', 1, PASS));
  await stage.speak();
  const reply = await stage.start('r', [spec('web', 1, DROP)], { soakMs: 30_000 });
  t.deepEqual(
    reply.waves.map(({ hostsTotal }) => hostsTotal),
    [1, 1, 1, 2],
  );
  t.is(reply.rollout?.state, 'RUNNING');
  const sizes = new Set<number>();
  for (let seconds = 0; seconds < 600; seconds += 1) {
    await stage.pass(1000);
    const { rollout } = await stage.status('r');
    await stage.speak();
    const reached = stage.hosts.filter(({ holds }) => holds.web === 'drop').length;
    t.is(reached, rollout.published);
    sizes.add(reached);
    if (rollout.state === 'DONE') break;
  }
  t.deepEqual([...sizes], [1, 2, 3, 5]);
  const { rollout, evidence } = await stage.status('r');
  t.is(rollout.state, 'DONE');
  t.true(evidence.length > 8);
  const [item] = (await stage.ports.desk.get({ v: 1, names: ['web'] } as never, 100_000)).items;
  t.is(item?.spec.to, 'drop');
});
