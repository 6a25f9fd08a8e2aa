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

test('rollout: aborted in the middle, every log is as if it had never been, and revisions only grow', async (t) => {
  await using stage = await Stage.open(5);
  await stage.apply(spec('web', 1, PASS), spec('old', 5, PASS));
  await stage.speak();
  const [before, revs] = [stage.holds, stage.hosts.map(({ replica }) => replica.head.rev)];
  await stage.start('r', [spec('web', 2, DROP), spec('new', 4, DROP)], { delete: ['old'], soakMs: 30_000 });
  await stage.pass(80_000);
  t.is((await stage.status('r')).rollout.published, 3);
  t.notDeepEqual(stage.holds, before);
  const reply = await stage.rollouts.abort({ v: 1, id: 'r', reason: 'no' }, { actor: 'ann' });
  t.is(reply.rollout.state, 'ROLLING_BACK');
  await stage.settle();
  const { rollout, outstanding } = await stage.status('r');
  t.is(rollout.state, 'ROLLED_BACK');
  t.like(rollout.cause, { code: 'ASKED', actor: 'ann', reason: 'no' });
  t.is(outstanding?.length, 3, 'until they say that they are back');
  await stage.speak();
  t.is((await stage.status('r')).outstanding, undefined);
  t.deepEqual(stage.holds, before);
  t.true(stage.hosts.every(({ replica }, at) => replica.head.rev >= (revs[at] ?? 0)));
  t.is((await stage.rollouts.abort({ v: 1, id: 'r' })).already, true);
});

test('rollout: a host that took it back by itself ends it, and so does an exception that lasts', async (t) => {
  for (const [code, state, cause] of [
    ['REVERTED', 'denied', 'REVERTED'],
    ['NO_NEIGHBOUR', 'blocked', 'GATE_FAILED'],
  ] as const) {
    await using stage = await Stage.open(3);
    await stage.start('r', [spec('web', 1, DROP)]);
    await stage.settle();
    await stage.speak();
    const host = stage.hosts.find(({ holds }) => holds.web === 'drop');
    if (host === undefined) return t.fail();
    const [put] = host.replica.intents.values();
    if (put === undefined) return t.fail();
    host.says = { exceptions: [{ key: put.key, name: 'web', rev: put.rev, state, code }], exceptionsTotal: 1 };
    await stage.pass(15_000);
    const { rollout } = await stage.status('r');
    t.is(rollout.state, 'ROLLED_BACK', code);
    t.like(rollout.cause, { code: cause, host: host.name });
    t.true(stage.hosts.every(({ holds }) => holds.web === undefined));
  }
});

test('rollout: without traffic it is paused, never done; with none asked for it is done', async (t) => {
  for (const [noTrafficOk, state] of [
    [undefined, 'PAUSED'],
    [true, 'DONE'],
  ] as const) {
    await using stage = await Stage.open(3);
    for (const host of stage.hosts) host.hits = 0;
    await stage.start('r', [spec('web', 1, DROP)], { soakMs: 30_000, ...(noTrafficOk && { noTrafficOk }) });
    const { rollout } = await stage.until('r', state, 200_000);
    t.is(rollout.cause?.code, noTrafficOk ? undefined : 'NO_TRAFFIC');
    if (noTrafficOk) continue;
    t.is(rollout.wave, 1);
    for (const host of stage.hosts) host.hits = 5;
    const { version } = rollout;
    await t.throwsAsync(stage.rollouts.resume({ v: 1, id: 'r', version: version - 1 }), { code: 'ROLLOUT_MOVED' });
    await stage.rollouts.resume({ v: 1, id: 'r', version });
    t.is((await stage.until('r', 'DONE', 200_000)).rollout.state, 'DONE');
  }
});

test('rollout: when nobody is heard any more it stands still, publishes nothing, and goes on by itself', async (t) => {
  await using stage = await Stage.open(6);
  await stage.start('r', [spec('web', 1, DROP)], { soakMs: 60_000, waves: ['1', '3', '100%'] });
  await stage.pass(80_000);
  const { rollout, soakedMs } = await stage.status('r');
  t.like(rollout, { state: 'RUNNING', step: 'SOAK', wave: 2, published: 3 });
  for (const host of stage.hosts) host.silent = true;
  await stage.pass(600_000);
  const blind = await stage.status('r');
  t.like(blind.rollout, { state: 'PAUSED', published: 3, cause: { code: 'TELEMETRY' } });
  t.true(blind.soakedMs <= soakedMs + 45_000, 'the soak is not credited while nobody is heard');
  for (const host of stage.hosts) host.silent = false;
  t.is((await stage.until('r', 'DONE', 300_000)).rollout.published, 6);
});

test('rollout: one dead host of five does not hold it up; it is named, and has the change when it comes back', async (t) => {
  await using stage = await Stage.open(5);
  const dead = stage.host('edge-3');
  dead.silent = true;
  await stage.pass(70_000);
  const { late } = await stage.start('r', [spec('web', 1, DROP)], { soakMs: 30_000 });
  t.deepEqual(late, ['edge-3']);
  const { rollout, deferred } = await stage.until('r', 'DONE', 300_000);
  t.like(rollout, { published: 4 });
  t.deepEqual(deferred, ['edge-3']);
  dead.silent = false;
  await stage.speak();
  t.is(dead.holds.web, 'drop');
});

test('rollout: where no host is there it stands still, and a wave is not filled with hosts that are away', async (t) => {
  await using stage = await Stage.open(3);
  for (const host of stage.hosts) host.silent = true;
  await stage.pass(70_000);
  await stage.start('r', [spec('web', 1, DROP)]);
  await stage.settle();
  t.like((await stage.status('r')).rollout, { state: 'PAUSED', published: 0, cause: { code: 'NO_HOSTS' } });
});

test('rollout: hosts that join, and those that are left out, have it in the end', async (t) => {
  await using stage = await Stage.open(4);
  const [late] = stage.hosts.slice(-1);
  if (late === undefined) return t.fail();
  late.silent = true;
  await stage.ports.desk.forget({ v: 1, host: late.name, force: true });
  await stage.start('r', [spec('web', 1, DROP)], { soakMs: 30_000 });
  await stage.rollouts.exclude({ v: 1, id: 'r', hosts: ['edge-2'], reason: 'in repair' });
  await stage.pass(20_000);
  late.silent = false;
  const { rollout, excluded } = await stage.until('r', 'DONE', 400_000);
  await stage.speak();
  t.like(rollout, { published: 3, hosts: 4 });
  t.deepEqual(excluded, ['edge-2']);
  t.true(stage.hosts.every(({ holds }) => holds.web === 'drop'));
});

test('rollout: paused, it is judged on; resumed, it keeps its soak', async (t) => {
  await using stage = await Stage.open(3);
  await stage.start('r', [spec('web', 1, DROP)], { soakMs: 60_000 });
  await stage.pass(40_000);
  const paused = await stage.rollouts.pause({ v: 1, id: 'r', reason: 'lunch' }, { actor: 'ann' });
  t.like(paused.rollout, { state: 'PAUSED', step: 'SOAK', cause: { code: 'ASKED', actor: 'ann' } });
  t.is((await stage.rollouts.pause({ v: 1, id: 'r' })).already, true);
  const { soakedMs } = await stage.status('r');
  await stage.pass(300_000);
  const { rollout, ...still } = await stage.status('r');
  t.like(still, { soakedMs });
  await stage.rollouts.resume({ v: 1, id: 'r', version: rollout.version });
  await stage.pass(60_000 - soakedMs + 2000);
  t.is((await stage.status('r')).rollout.wave, 2);
});

test('rollout: what somebody outside says counts for its wave, and a fail ends it from wherever it is', async (t) => {
  await using stage = await Stage.open(3);
  await stage.start('r', [spec('web', 1, DROP)], { soakMs: 30_000, gates: ['external'] });
  await stage.pass(100_000);
  t.like((await stage.status('r')).rollout, { state: 'PAUSED', wave: 1, cause: { code: 'INCONCLUSIVE' } });
  await stage.rollouts.verdict({ v: 1, id: 'r', verdict: 'pass', reason: 'ok' });
  const { rollout } = await stage.status('r');
  await stage.rollouts.resume({ v: 1, id: 'r', version: rollout.version });
  await stage.pass(40_000);
  t.like((await stage.status('r')).rollout, { state: 'RUNNING', wave: 2 });
  await stage.rollouts.verdict({ v: 1, id: 'r', verdict: 'fail', reason: 'A does not get through' }, { actor: 'ci' });
  await stage.settle();
  const failed = await stage.status('r');
  t.like(failed.rollout, { state: 'ROLLED_BACK', cause: { code: 'GATE_FAILED', gate: 'external' } });
});

test('rollout: a controller that slept has soaked two ticks, and calls nobody silent', async (t) => {
  await using stage = await Stage.open(3);
  await stage.start('r', [spec('web', 1, DROP)], { soakMs: 60_000 });
  await stage.pass(10_000);
  const before = await stage.status('r');
  await stage.clock.pass(600_000);
  await stage.settle();
  const after = await stage.status('r');
  t.like(after.rollout, { state: 'RUNNING', step: 'SOAK', wave: 1 });
  t.true(after.soakedMs - before.soakedMs <= 1000);
  t.is((await stage.until('r', 'DONE', 400_000)).rollout.published, 3);
});

test('rollout: of two controllers each step is done once, by whichever comes first', async (t) => {
  const revs = [];
  for (const controllers of [1, 2]) {
    await using stage = await Stage.open(5);
    const other = await stage.another();
    await stage.start('r', [spec('web', 1, DROP)], { soakMs: 30_000 });
    for (let at = 0; at < 600; at += 1) {
      await stage.clock.pass(500);
      if (at % 2 === 0) await stage.speak();
      if (controllers === 2) await Promise.all([stage.rollouts.advance(), other.rollouts.advance()]);
      else await stage.settle();
      if ((await stage.status('r')).rollout.state === 'DONE') break;
    }
    t.like((await stage.status('r')).rollout, { state: 'DONE', published: 5 });
    revs.push((await stage.ports.logs.movedAfter(0)).rev);
  }
  t.is(revs[0], revs[1]);
});

test('rollout: when the history begins anew it stands still until somebody has looked', async (t) => {
  await using stage = await Stage.open(3);
  await stage.apply(spec('dns', 9, PASS));
  await stage.start('r', [spec('web', 1, DROP)], { soakMs: 30_000 });
  await stage.pass(5000);
  await stage.ports.desk.recover();
  await stage.settle();
  const { rollout } = await stage.status('r');
  t.like(rollout, { state: 'PAUSED', cause: { code: 'HISTORY' } });
  await stage.rollouts.resume({ v: 1, id: 'r', version: rollout.version });
  t.is((await stage.until('r', 'DONE', 200_000)).rollout.published, 3);
});

test('rollout: a verdict that no gate asks for is refused: who says that it fails shall know that it goes on', async (t) => {
  await using stage = await Stage.open(3);
  await stage.start('r', [spec('web', 1, DROP)]);
  for (const verdict of ['pass', 'fail'] as const)
    await t.throwsAsync(stage.rollouts.verdict({ v: 1, id: 'r', verdict, reason: 'x' }), {
      code: 'NOT_ASKED',
      message: /shunt rollout abort r takes it back/,
    });
});

test('rollout: once it has soaked it waits for hosts that may take it back yet, and says so', async (t) => {
  await using stage = await Stage.open(3);
  await stage.start('r', [spec('web', 1, DROP)], { soakMs: 30_000 });
  for (const host of stage.hosts) host.says = { unconfirmedTotal: 1 };
  await stage.pass(10_000);
  t.like((await stage.status('r')).waits, { for: 'soak' });
  await stage.pass(30_000);
  const { waits, soakedMs, rollout } = await stage.status('r');
  t.like(waits, { for: 'confirmed', hosts: 1 });
  t.is(soakedMs, 30_000);
  t.is(rollout.wave, 1);
  for (const host of stage.hosts) host.says = {};
  await stage.pass(5000);
  t.true((await stage.status('r')).rollout.wave > 1);
});

test('rollout: one that cannot be looked at holds up no other one, is named, and can be taken back', async (t) => {
  await using stage = await Stage.open(3);
  await stage.start('a', [spec('web', 1, DROP)], { soakMs: 30_000 });
  await stage.start('b', [spec('other', 2, DROP)], { soakMs: 30_000 });
  await stage.pass(10_000);
  stage.faulty = 'a';
  const errors = new Set<string>();
  const tick = async (): Promise<void> => {
    await stage.clock.pass(500);
    if (stage.clock.monotonicMs() % 3000 === 0) await stage.speak();
    await stage.settle().catch((error) => errors.add(`${error.message}`));
  };
  for (let ticks = 0; ticks < 400; ticks += 1) await tick();
  t.deepEqual([...errors], ['rollout a: a fault']);
  t.is((await stage.status('b')).rollout.state, 'DONE');
  await stage.rollouts.abort({ v: 1, id: 'a' });
  for (let ticks = 0; ticks < 4; ticks += 1) await tick();
  t.is((await stage.status('a')).rollout.state, 'ROLLED_BACK');
});
