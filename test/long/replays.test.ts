/**
 * What has happened to others, played by its shape on three real hosts under live traffic: what each was stopped by, whom it touched
 * until then (log, store, kernel), and when all was back. replays-fleet.test.ts plays it on made-up fleets.
 */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import type { HostsReply } from '../../protocol/listings.ts';
import type { PlanReply } from '../../protocol/plan.ts';
import type { RolloutStatusReply } from '../../protocol/rollout-status.ts';
import { catchBus, openGuard } from '../support/at-bus.ts';
import { CONVERGE_MS } from '../support/operator.ts';
import { until } from '../support/process.ts';
import { NAME, RolloutStage, type StageHost, TO_C, type Touch } from '../support/rollout-stage.ts';
import { C, NATS_URL, ROOT, SERVICE, shuntCommand } from '../support/testbed.ts';
import { PORT } from '../support/traffic.ts';

const RATE = 200;
const LOOK_EVERY_MS = 100;
const TEST_MS = 20 * 60_000;
const BACK_MS = 10_000;
const HOSTS = ['edge-1', 'edge-2', 'edge-3'];
const EDGE = { role: 'edge' };
const REASON = ['--reason', 'replayed'];
const SET = ['--set', 'fleet'];
const PRUNE = [...SET, '--prune', '--yes'];
const COUNT = 1_100;
/** The size gate lets so many by. */
const BATCH = 150;
const WITHIN = ['--confirm', '20s'];

const served = (more: object) => ({ match: { dst: SERVICE.v4, proto: 'udp', dport: PORT }, ...more });
/** What A is served by, what waits behind it with the same match, and what a host of another role would have instead. */
const WINS = served({ name: NAME, hosts: EDGE, to: TO_C, priority: 10 });
const SHADOWED = served({ name: 'old-drain', hosts: EDGE, to: 'drop' });
const SPARE = served({ name: 'spare-drain', hosts: { role: 'spare' }, to: 'drop' });
const many = (from: number, to: number): readonly object[] =>
  Array.from({ length: to - from }, (_, at) => {
    const number = from + at;
    return { name: `r${number}`, hosts: EDGE, match: { dst: `10.9.${number >> 8}.${number & 255}` }, to: 'drop' };
  });
const ALL = [WINS, SHADOWED, SPARE, ...many(0, COUNT)];
const STAND = COUNT + 1;

const CATCH = catchBus(EDGE);

/** Waits until so many entries are in the kernel of a host, and answers when that was. */
async function stand({ bed }: StageHost, count: number): Promise<number> {
  const is = async () => (await bed.entries('redirect4')).length === count;
  await until(`${count} entries on ${bed.host}`, CONVERGE_MS, is, LOOK_EVERY_MS);
  return Date.now();
}

async function eachStands(stage: RolloutStage, count: number): Promise<number> {
  return Math.max(...(await Promise.all([...stage.hosts.values()].map((host) => stand(host, count)))));
}

async function apply(stage: RolloutStage, specs: readonly object[], ...terms: readonly string[]): Promise<void> {
  await stage.shunt('apply', '-f', await stage.write('applied.jsonl', specs), ...terms);
}

/** Waits until hosts say that they withhold so much, or nothing. */
async function withheld(stage: RolloutStage, counts: Readonly<Record<string, number>>): Promise<void> {
  for (const [name, count] of Object.entries(counts)) {
    const is = async () => {
      const status = await stage.host(name).operator.status();
      return status !== undefined && (status.brake?.withheld ?? 0) === count;
    };
    await until(`${name} withholds ${count}`, CONVERGE_MS, is);
  }
}

/** Waits until hosts have stored all that they were told, and answers how far they are. */
async function settled(stage: RolloutStage): Promise<readonly Touch[]> {
  return await until('hosts have what they were told', CONVERGE_MS, async () => {
    const touches = await stage.touched(...HOSTS);
    return touches.every(({ head, stored }) => head === stored) && touches;
  });
}

/** Whether C answered each question by now, on all hosts. */
async function requireServed(t: ExecutionContext, stage: RolloutStage): Promise<void> {
  for (const { asker, bed } of stage.hosts.values()) {
    const { last, lost } = await asker.report();
    t.deepEqual([last, lost], ['c', 0], `A is served at ${bed.host}`);
  }
}

test.serial('replays: nothing named, half a source, one that lay dormant, twice the size, an old plan', async (t) => {
  t.timeout(TEST_MS);
  await using stage = await RolloutStage.make(3);
  await stage.ask();
  await apply(stage, ALL, ...SET, '--allow-growth', ...REASON);
  await eachStands(stage, STAND);
  for (const { asker } of stage.hosts.values()) await asker.answeredBy('c', CONVERGE_MS);
  const before = await settled(stage);
  const untouched = async (what: string): Promise<void> => {
    t.deepEqual(await stage.touched(...HOSTS), before, `${what}: no log, store or kernel is touched`);
  };

  // (a) a clean-up job whose filter is empty
  const empty = await stage.write('empty.jsonl', []);
  t.is(await stage.refused('delete', '--set', '', '--yes'), 'USAGE');
  t.is(await stage.refused('delete', '-l', '', '--yes'), 'USAGE');
  t.is(await stage.refused('delete', '--yes'), 'USAGE');
  t.is(await stage.refused('apply', '-f', empty, ...PRUNE), 'NOT_VALID');
  const raw = [join(ROOT, 'test/support/raw-request.ts'), NATS_URL, 'shunt.v1.api.delete', '{"v":1,"names":[]}'];
  t.regex(await stage.host('edge-1').bed.must('bus', [process.execPath, ...raw]), /"code":"BAD_FIELD"/);
  await untouched('an empty filter');

  // (b) a full rebuild from a source that lacks half of what stands
  const half = await stage.write('half.jsonl', ALL.slice(0, ALL.length / 2));
  t.is(await stage.refused('apply', '-f', half, ...PRUNE), 'SHRINKS_TOO_MUCH');
  await untouched('half a source');

  // (d) a plan twice the size
  const twice = await stage.write('twice.jsonl', [...ALL, ...many(COUNT, 2 * COUNT + 2)]);
  t.is(await stage.refused('apply', '-f', twice, ...SET), 'GROWS_TOO_MUCH');
  t.is(await stage.refused('rollout', 'start', '-f', twice, ...SET, ...REASON), 'GROWS_TOO_MUCH');
  await untouched('twice the size');

  // (c) what wakes one that lay dormant
  t.is(await stage.refused('rollout', 'start', '--delete', NAME, ...REASON), 'COLLATERAL');
  await untouched('one that lay dormant');
  await requireServed(t, stage);

  // (b) goes on past the size gate, in batches that are small each
  await apply(stage, ALL.slice(0, -BATCH), ...PRUNE);
  await eachStands(stage, STAND - BATCH);
  await apply(stage, ALL.slice(0, -2 * BATCH), ...PRUNE);
  await withheld(stage, { 'edge-1': BATCH, 'edge-2': BATCH, 'edge-3': BATCH });
  await eachStands(stage, STAND - BATCH);
  await requireServed(t, stage);
  const mendedAt = Date.now();
  await apply(stage, ALL, ...SET);
  const backAt = await eachStands(stage, STAND);
  await withheld(stage, { 'edge-1': 0, 'edge-2': 0, 'edge-3': 0 });
  t.log(
    `(b) the first ${BATCH} of ${STAND} went on each host, the brake held the next; back ${backAt - mendedAt} ms after the apply`,
  );

  // (c) a label, and all that hangs on it
  const third = stage.host('edge-3');
  const [others, , asked] = [
    await stage.touched('edge-1', 'edge-2'),
    await third.agent.stop(),
    await third.asker.report(),
  ];
  const spare = third.bed.agentCommand().map((word) => (word === 'role=edge' ? 'role=spare' : word));
  third.agent = await third.bed.start('b', 'agent', spare);
  await withheld(stage, { 'edge-3': STAND });
  await stand(third, STAND);
  await until('hosts says it', CONVERGE_MS, async () => {
    const { items } = await stage.shunt<HostsReply>('hosts');
    return items.some(({ host, troubles }) => host === 'edge-3' && troubles?.some(({ code }) => code === 'BRAKE'));
  });
  t.deepEqual(await stage.touched('edge-1', 'edge-2'), others);
  await requireServed(t, stage);
  t.true((await third.asker.report()).sent > asked.sent);
  await third.agent.stop();
  const labelledAt = Date.now();
  third.agent = await third.bed.startAgent();
  await withheld(stage, { 'edge-3': 0 });
  await stand(third, STAND);
  await requireServed(t, stage);
  t.log(
    `(c) the brake held ${STAND} on edge-3; nothing withheld ${Date.now() - labelledAt} ms after it had its label again`,
  );

  // (e) a plan that was kept, and was overtaken
  const kept = join(third.bed.folder, 'kept.plan');
  const moved = { ...WINS, to: { nexthop: C.v4, ttl: 'keep' } };
  await stage.shunt('plan', '-f', await stage.write('moved.jsonl', [moved]), '--out', kept);
  await apply(stage, [{ ...WINS, priority: 11 }]);
  const then = await settled(stage);
  t.is(await stage.refused('apply', kept), 'PLAN_STALE');
  t.is(await stage.refused('rollout', 'start', kept, ...REASON), 'PLAN_STALE');
  t.deepEqual(await stage.touched(...HOSTS), then);
  for (const { asker } of stage.hosts.values()) t.is((await asker.stop()).lost, 0);
});

test.serial('replays: what nobody sees during the soak, and all telemetry gone', async (t) => {
  t.timeout(TEST_MS);
  await using stage = await RolloutStage.make(3);

  // (h) nobody's packets come: they are served from caches
  const hidden = await stage.start(TO_C, '--waves', '1,2,3', '--soak', '5s', '--gate', 'losses<=1%');
  const [name, ...later] = hidden.waves.flat();
  const first = stage.host(name);
  const untouched = await stage.touched(...later);
  const paused = await stage.until('it is paused', hidden.id, ({ state }) => state === 'PAUSED');
  t.is(paused.rollout.cause?.code, 'NO_TRAFFIC');
  await delay(20_000);
  const still = await stage.status(hidden.id);
  t.like(
    still,
    { rollout: { state: 'PAUSED', wave: 1 }, soakedMs: paused.soakedMs },
    'it is not judged, so it does not soak',
  );
  await first.bed.must('c', ['ip', 'link', 'set', 'to-b', 'mtu', '68']);
  const shownAt = Date.now();
  for (const { asker } of stage.hosts.values()) await asker.steady(RATE);
  const gone = await stage.until('it goes back', hidden.id, ({ state }) => state.startsWith('ROLL'));
  const goneAt = await stand(first, 0);
  const { evidence, rollout } = await stage.until('it went back', hidden.id, ({ state }) => state === 'ROLLED_BACK');
  t.like(rollout.cause ?? gone.rollout.cause, { code: 'GATE_FAILED', gate: 'losses<=1%', host: name });
  const verdictAt = evidence.find(({ what }) => what === 'failed')?.at ?? 0;
  t.true(goneAt - verdictAt <= BACK_MS, `${goneAt - verdictAt} ms`);
  t.deepEqual(await stage.touched(...later), untouched);
  await first.bed.must('c', ['ip', 'link', 'set', 'to-b', 'mtu', '1500']);
  t.log(`(h) NO_TRAFFIC; the verdict ${verdictAt - shownAt} ms after it showed, back ${goneAt - verdictAt} ms later`);

  // (g) nobody is heard
  const { id, waves } = await stage.start(TO_C, '--waves', '1,3', '--soak', '60s', '--again');
  const isSure = ({ waveList }: RolloutStatusReply) => waveList[0]?.confirmed === 1;
  await stage.until('wave 1 is confirmed', id, (_, now) => isSure(now));
  const before = await stage.touched(...HOSTS);
  for (const { agent } of stage.hosts.values()) agent.signal('SIGSTOP');
  const blind = await stage.until('it is paused', id, ({ state }) => state === 'PAUSED');
  t.is(blind.rollout.cause?.code, 'TELEMETRY');
  await delay(10_000);
  t.is((await stage.status(id)).soakedMs, blind.soakedMs);
  t.deepEqual(await stage.touched(...HOSTS), before, 'nothing is published');
  await stage.shunt('rollout', 'abort', id, ...REASON);
  await stage.until('it went back in every log', id, ({ state }) => state === 'ROLLED_BACK');
  for (const { agent } of stage.hosts.values()) agent.signal('SIGCONT');
  const heardAt = Date.now();
  const backAt = await stand(stage.host(waves[0]?.[0]), 0);
  t.log(
    `(g) TELEMETRY, ${blind.soakedMs} ms of it soaked; aborted blind, and back ${backAt - heardAt} ms after hosts hear again`,
  );
});

test.serial('replays: what cuts operator and bus off', async (t) => {
  t.timeout(TEST_MS);
  await using stage = await RolloutStage.make(3, { atBus: true });

  // (f) the guard denies it
  const denied = await stage.begin(CATCH, '--waves', '1,2,3');
  const [name, ...later] = denied.waves.flat();
  const untouched = await stage.touched(...later);
  const guarded = await stage.until('it went back', denied.id, ({ state }) => state === 'ROLLED_BACK');
  t.like(guarded.rollout.cause, { code: 'GATE_FAILED', gate: 'exceptions<=0', host: name });
  t.deepEqual(await stage.touched(...later), untouched);
  await eachStands(stage, 0);

  // and where guards are open, it cuts them off
  for (const { bed } of stage.hosts.values()) await openGuard(bed);
  const file = await stage.write('catch.jsonl', [CATCH]);
  const isOpen = async () => (await stage.shunt<PlanReply>('plan', '-f', file)).denied === undefined;
  await until('guards are open', CONVERGE_MS, isOpen);
  const cut = await stage.begin(CATCH, '--waves', '1,2,3', '--again', ...WITHIN);
  const [reached, ...rest] = cut.waves.flat();
  const unreached = await stage.touched(...rest);
  const stoodAt = await stand(stage.host(reached), 1);
  await stage.killController();
  const goneAt = await stand(stage.host(reached), 0);
  for (const other of rest) t.deepEqual(await stage.host(other).bed.entries('redirect4'), []);
  await stage.startController();
  const { rollout } = await stage.until('it went back', cut.id, ({ state }) => state === 'ROLLED_BACK');
  t.like(rollout.cause, { code: 'REVERTED', host: reached, name: 'catch' });
  t.deepEqual(await stage.touched(...rest), unreached);
  t.log(`(f) rollout: back by itself ${goneAt - stoodAt} ms after it came to stand, the controller dead`);

  // the same without waves
  await settled(stage);
  const bed = stage.host('edge-1').bed;
  await bed.start(
    'bus',
    'apply',
    shuntCommand(['apply', '-f', file, ...WITHIN, '--nats', NATS_URL, '--timeout', '2m']),
  );
  const allStoodAt = await eachStands(stage, 1);
  await stage.killController();
  const allGoneAt = await eachStands(stage, 0);
  await stage.startController();
  for (const host of HOSTS) {
    const says = async () => {
      const status = await stage.host(host).operator.status();
      return status?.exceptions.some(({ name: of, code }) => of === 'catch' && code === 'REVERTED');
    };
    await until(`${host} says that it took it back`, CONVERGE_MS, says);
  }
  t.log(`(f) apply --confirm: all three back by themselves ${allGoneAt - allStoodAt} ms after it stood on the last`);
});
