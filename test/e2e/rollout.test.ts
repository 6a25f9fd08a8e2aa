import test from 'ava';
import { RolloutStage } from '../support/rollout-stage.ts';
import { stoppedByProbe } from '../support/rollout-stops.ts';

test.serial(
  'rollout: a bad change is stopped in wave 1 and taken back, and the other hosts are never touched',
  async (t) => {
    await using stage = await RolloutStage.make(3);
    await stage.ask();
    const probed = await stoppedByProbe(stage);
    t.like(probed.status.rollout.cause, { code: 'GATE_FAILED', gate: 'external' });
    t.is(probed.before.length, 2);
    t.deepEqual(probed.after, probed.before);
    t.log(`back ${Math.round(probed.backMs)} ms after the verdict`);
    for (const { asker } of stage.hosts.values()) t.is((await asker.stop()).lost, 0);
  },
);
