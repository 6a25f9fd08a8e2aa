import test from 'ava';
import { CONVERGE_MS } from '../support/operator.ts';
import { until } from '../support/process.ts';
import { failedAt, RolloutStage, TO_C, TO_NOBODY, wallMs } from '../support/rollout-stage.ts';

const WAVES = ['--waves', '1,2,3', '--soak', '20s'];
const BACK_MS = 10_000;

test.serial(
  'rollout: a bad change is stopped in wave 1 and taken back, and the other hosts are never touched',
  async (t) => {
    await using stage = await RolloutStage.make(3);
    await stage.ask();

    const probed = await stage.start(TO_C, ...WAVES, '--gate', 'external');
    const [[first] = [], ...later] = probed.waves;
    const others = later.flat();
    t.is(others.length, 2);
    const [untouched, { asker }] = [await stage.touched(...others), stage.host(first)];
    await asker.answeredBy('c', CONVERGE_MS);
    await stage.until('the change soaks', probed.id, ({ step }) => step === 'SOAK');
    await stage.shunt('rollout', 'verdict', probed.id, 'fail', '--reason', 'A is not answered as it ought to be');
    const back = wallMs((await asker.answeredBy('b', CONVERGE_MS)).atMs);
    const failed = await stage.until('it has gone back', probed.id, ({ state }) => state === 'ROLLED_BACK');
    t.like(failed.rollout.cause, { code: 'GATE_FAILED', gate: 'external' });
    t.true(back - failedAt(failed) <= BACK_MS, `${back - failedAt(failed)} ms`);
    t.deepEqual(await stage.touched(...others), untouched);

    const nowhere = await stage.start(TO_NOBODY, ...WAVES);
    const [[next] = [], ...rest] = nowhere.waves;
    const still = await stage.touched(...rest.flat());
    const stopped = await stage.until('it has gone back', nowhere.id, ({ state }) => state === 'ROLLED_BACK');
    t.like(stopped.rollout.cause, { code: 'GATE_FAILED', gate: 'exceptions<=0', host: next });
    await until('the host has nothing that does not stand', BACK_MS, async () => {
      return (await stage.host(next).operator.status())?.exceptionsTotal === 0;
    });
    t.true(Date.now() - failedAt(stopped) <= BACK_MS, `${Date.now() - failedAt(stopped)} ms`);
    t.deepEqual(await stage.touched(...rest.flat()), still);
    for (const { asker: one } of stage.hosts.values()) t.is((await one.stop()).lost, 0);
  },
);
