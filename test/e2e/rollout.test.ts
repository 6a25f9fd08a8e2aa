import test from 'ava';
import { RolloutStage } from '../support/rollout-stage.ts';
import { stoppedByNobody, stoppedByProbe } from '../support/rollout-stops.ts';

test.serial(
  'rollout: a bad change is stopped in wave 1 and taken back, and the other hosts are never touched',
  async (t) => {
    await using stage = await RolloutStage.make(3);
    await stage.ask();
    const probed = await stoppedByProbe(stage);
    t.like(probed.status.rollout.cause, { code: 'GATE_FAILED', gate: 'external' });
    const nowhere = await stoppedByNobody(stage);
    t.like(nowhere.status.rollout.cause, { code: 'GATE_FAILED', gate: 'exceptions<=0', host: nowhere.first });
    for (const { before, after, backMs } of [probed, nowhere]) {
      t.is(before.length, 2);
      t.deepEqual(after, before);
      t.log(`back ${Math.round(backMs)} ms after the verdict`);
    }
    for (const { asker } of stage.hosts.values()) t.is((await asker.stop()).lost, 0);
  },
);
