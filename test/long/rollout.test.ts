import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import type { RolloutStatusReply } from '../../protocol/rollout-status.ts';
import { CONVERGE_MS } from '../support/operator.ts';
import { RolloutStage, TO_C } from '../support/rollout-stage.ts';
import { stoppedByLosses, stoppedByNobody, stoppedByProbe } from '../support/rollout-stops.ts';

const TEST_MS = 20 * 60_000;
const SOAK = ['--soak', '5s'];
const BACK_MS = 10_000;

test.serial('rollout: a good change goes in three waves, and each answer comes', async (t) => {
  t.timeout(TEST_MS);
  await using stage = await RolloutStage.make(3);
  await stage.ask();
  const { id, waves } = await stage.start(TO_C, '--waves', '1,2,3', ...SOAK);
  const [, , [third] = []] = waves;
  const untouched = await stage.touched(third);
  const passed = await stage.until('wave 2 soaks', id, ({ wave, step }) => wave === 2 && step === 'SOAK');
  t.deepEqual(await stage.touched(third), untouched, 'host 3 is as it was while wave 2 soaks');
  t.true(passed.gates.length >= 2);
  const done = await stage.until('it is done', id, ({ state }) => state === 'DONE');
  t.is(done.rollout.published, 3);
  for (const { asker, operator } of stage.hosts.values()) {
    await asker.answeredBy('c', CONVERGE_MS);
    const { sent, answers, lost } = await asker.stop();
    t.is((answers.b ?? 0) + (answers.c ?? 0), sent);
    t.is(lost, 0);
    t.is((await operator.dump()).length, 1);
  }
});

test.serial('rollout: what a gate stops in wave 1 is back within ten seconds of the verdict', async (t) => {
  t.timeout(TEST_MS);
  await using stage = await RolloutStage.make(3);
  await stage.ask();
  const probed = await stoppedByProbe(stage);
  t.like(probed.status.rollout.cause, { code: 'GATE_FAILED', gate: 'external' });
  const nowhere = await stoppedByNobody(stage);
  t.like(nowhere.status.rollout.cause, { code: 'GATE_FAILED', gate: 'exceptions<=0', host: nowhere.first });
  const lossy = await stoppedByLosses(stage);
  t.like(lossy.status.rollout.cause, { code: 'GATE_FAILED', gate: 'losses<=1%', host: lossy.first });
  for (const { before, after, backMs } of [probed, nowhere, lossy]) {
    t.deepEqual(after, before, 'and the others are not touched');
    t.true(backMs <= BACK_MS, `${backMs} ms`);
    t.log(`back ${Math.round(backMs)} ms after the verdict`);
  }
});

test.serial('rollout: where no packet meets it, it is never done', async (t) => {
  t.timeout(TEST_MS);
  await using stage = await RolloutStage.make(2);
  const { id, waves } = await stage.start(TO_C, '--waves', '1,2', ...SOAK);
  const [, [second] = []] = waves;
  const untouched = await stage.touched(second);
  const paused = await stage.until('it is paused', id, ({ state }) => state === 'PAUSED');
  t.like(paused.rollout.cause, { code: 'NO_TRAFFIC', gate: 'hits>=1' });
  await delay(10_000);
  t.is((await stage.status(id)).rollout.state, 'PAUSED');
  t.deepEqual(await stage.touched(second), untouched);
});

test.serial('rollout: with all telemetry away it stands still, and goes on when that returns', async (t) => {
  t.timeout(TEST_MS);
  await using stage = await RolloutStage.make(3);
  await stage.ask();
  const { id, waves } = await stage.start(TO_C, '--waves', '1,2,3', '--soak', '60s');
  const [, , [third] = []] = waves;
  // Before that, the host would take it back by itself: it is not heard.
  const isSure = ({ waveList }: RolloutStatusReply) => waveList[1]?.confirmed === 1;
  const soaks = await stage.until('wave 2 is confirmed', id, ({ wave }, now) => wave === 2 && isSure(now));
  t.true(soaks.soakedMs < 60_000);
  const head = (await stage.touched(third))[0]?.head;
  for (const { agent } of stage.hosts.values()) agent.signal('SIGSTOP');
  const paused = await stage.until('it is paused', id, ({ state }) => state === 'PAUSED');
  t.is(paused.rollout.cause?.code, 'TELEMETRY');
  const { soakedMs } = paused;
  await delay(20_000);
  const still = await stage.status(id);
  t.like(still, { rollout: { state: 'PAUSED', wave: 2 }, soakedMs }, 'nothing is credited while nobody is heard');
  t.is((await stage.touched(third))[0]?.head, head, 'and nothing is published');
  for (const { agent } of stage.hosts.values()) agent.signal('SIGCONT');
  const done = await stage.until('it is done', id, ({ state }) => state === 'DONE');
  t.is(done.rollout.published, 3);
});

test.serial('rollout: one dead host of five is named, and served when it returns', async (t) => {
  t.timeout(TEST_MS);
  await using stage = await RolloutStage.make(5);
  await stage.ask();
  const dead = stage.host('edge-5');
  await dead.agent.stop('SIGKILL');
  await delay(65_000); // until then its silence says nothing
  const { id } = await stage.start(TO_C, '--waves', '1,100%', ...SOAK, '--max-unreachable', '1');
  const done = await stage.until('it is done', id, ({ state }) => state === 'DONE');
  t.is(done.rollout.published, 4);
  t.true([...(done.silent ?? []), ...(done.deferred ?? [])].includes('edge-5'));
  t.deepEqual(await dead.bed.entries('redirect4'), []);
  dead.agent = await dead.bed.startAgent();
  await dead.asker.answeredBy('c', CONVERGE_MS);
  t.is((await dead.bed.entries('redirect4')).length, 1);
});
