/**
 * What has happened to others, played by its shape on many made-up hosts: what each was stopped by, whom it touched until then, and when
 * all was back.
 */
import test, { type ExecutionContext } from 'ava';
import type { RolloutStatusReply } from '../../protocol/rollout-status.ts';
import { letDie } from '../sim/life.ts';
import type { LightHost } from '../sim/rollouts/host.ts';
import { Replay, type Touch, type Wanted } from '../sim/rollouts/replay.ts';
import { kindOf } from '../sim/rollouts/value.ts';

/** `HOSTS=20` for a look. */
const HOSTS = Number(process.env.HOSTS ?? 500);
/** What more of them say while much time passes takes too long to be worked through. */
const FEWER_HOSTS = Math.min(HOSTS, 60);
const TEST_MS = 30 * 60_000;
const BACK_MS = 10_000;
const HOUR_MS = 3_600_000;
const WELL = { reason: 'replayed', allowShrink: true, allowGrowth: true } as const;
const WAVES = { waves: ['1', '10%', '100%'], soakMs: 30_000, acceptCollateral: true, again: true } as const;

const BASE: readonly Wanted[] = Array.from({ length: 12 }, (_, at) => {
  return { name: `r${at}`, dst: `203.0.113.${at}`, priority: 10 };
});
/** It has the match of another one, which wins. */
const DORMANT: Wanted = { name: 'dormant', dst: '203.0.113.0' };
/** Who has it hears nobody any more. */
const CUT: Wanted = { name: 'cut', dst: '203.0.113.99', kind: 'cuts' };
const MOVED: readonly Wanted[] = BASE.slice(0, 1);

letDie();

/** All hosts with the same redirects, in one set. */
async function open(hosts = HOSTS): Promise<{ readonly replay: Replay; readonly specs: readonly object[] }> {
  const replay = await Replay.open(hosts);
  const specs = replay.specs([DORMANT, ...BASE]);
  if ((await replay.ask('apply', replay.upload(specs, { ...WELL, set: 'fleet' }))) !== 'done')
    throw new Error('nothing stands');
  await replay.until('all have it', () => {
    return [...replay.fleet.hosts.values()].every(({ kernel }) => kernel.size === BASE.length);
  });
  return { replay, specs };
}

async function begin(t: ExecutionContext, replay: Replay, specs: readonly object[], terms: object): Promise<void> {
  t.is(await replay.ask('rollout-start', replay.upload(specs, { ...WELL, ...WAVES, ...terms })), 'done');
}

/** Those that a rollout has not told of it. */
function others(replay: Replay): readonly LightHost[] {
  const told = new Set(replay.told);
  return [...replay.fleet.hosts.values()].filter((host) => !told.has(host));
}

const stateOf = ({ newest }: Replay): string => newest?.state ?? '';
const stepOf = ({ newest }: Replay): string => `${newest?.step} ${newest?.wave}`;

/** Why the newest rollout stands still, or went back. */
async function causeOf(replay: Replay): Promise<string> {
  const asked = { v: 1, id: replay.newest?.id };
  const { rollout } = (await replay.reply('rollout-status', asked)) as Pick<RolloutStatusReply, 'rollout'>;
  return [rollout.cause?.code, rollout.cause?.gate].join(' ').trim();
}

/** Whether hosts are as they were, but for revisions of their logs. */
function stands(replay: Replay, before: ReadonlyMap<string, Touch>): boolean {
  return [...replay.touch()].every(([host, { kernel }]) => kernel === before.get(host)?.kernel);
}

test.serial('replays, 500 hosts: nothing named, half a source, one that lay dormant, twice the size', async (t) => {
  t.timeout(TEST_MS);
  const { replay, specs } = await open();
  const before = replay.touch();
  const half = BASE.slice(6).map(({ name }) => name);
  const kept = specs.slice(0, 7);
  const many = replay.specs(
    Array.from({ length: 1_001 }, (_, at) => ({ name: `m${at}`, dst: `198.18.${at >> 8}.${at & 255}` })),
  );
  const twice = replay.upload(many, { reason: 'replayed' });
  const { acceptCollateral: _, ...waves } = WAVES;
  const asked: readonly (readonly [string, string, object])[] = [
    ['BAD_FIELD', 'delete', { v: 1, names: [] }],
    ['BAD_SELECTOR', 'names', { v: 1, labels: {} }],
    ['BAD_NAME', 'names', { v: 1, set: '' }],
    ['BAD_NAME', 'apply', replay.upload([], { set: '', prune: [] })],
    ['SHRINKS_TOO_MUCH', 'apply', replay.upload(kept, { set: 'fleet', prune: half })],
    ['COLLATERAL', 'rollout-start', replay.upload([], { ...WELL, ...waves, delete: ['r0'] })],
    ['GROWS_TOO_MUCH', 'rollout-start', { ...twice, ...waves }],
  ];
  for (const [code, verb, request] of asked) {
    t.is(await replay.ask(verb, request), code, verb);
    await replay.fleet.pass(2_000);
    t.deepEqual(replay.touch(), before, `${verb}: no log, store or kernel is touched`);
  }
  t.deepEqual(await replay.end(), []);
});

test.serial('replays, 60 hosts: a controller that slept an hour has nothing to publish', async (t) => {
  t.timeout(TEST_MS);
  const { replay } = await open(FEWER_HOSTS);
  const { basis } = (await replay.reply('plan', replay.upload(replay.specs(MOVED)))) as { readonly basis: string };
  await begin(t, replay, replay.specs(MOVED), { noTrafficOk: true });
  await replay.until('wave 2 has it', () => stepOf(replay) === 'SOAK 2');
  replay.fleet.pair.freeze(0, 0);
  t.is(await replay.ask('rollout-abort', { v: 1, id: replay.newest?.id }), 'done');
  await replay.until('it went back', () => stateOf(replay) === 'ROLLED_BACK');
  t.is(await replay.ask('apply', replay.upload(replay.specs(MOVED), WELL)), 'done');
  await replay.fleet.pass(HOUR_MS);
  const before = replay.touch();
  replay.fleet.pair.thaw(0);
  await replay.fleet.pass(120_000);
  t.deepEqual(replay.touch(), before, 'the one that wakes tells nobody anything');
  t.is(await replay.ask('apply', replay.upload(replay.specs(MOVED), { ...WELL, basis })), 'PLAN_STALE');
  t.deepEqual(replay.touch(), before);
  t.deepEqual(await replay.end(), []);
});

test.serial('replays, 500 hosts: cut off with all controllers dead, they are back by themselves', async (t) => {
  t.timeout(TEST_MS);
  const { replay } = await open();
  const before = replay.touch();
  await begin(t, replay, replay.specs([CUT]), { noTrafficOk: true, withinMs: 20_000 });
  const isCut = ({ kernel }: LightHost): boolean => [...kernel.values()].some((value) => kindOf(value) === 'cuts');
  const all = [...replay.fleet.hosts.values()];
  await replay.until('one is cut off', () => all.some(isCut));
  replay.fleet.pair.end();
  const alone = await replay.until('it took it back', () => !all.some(isCut));
  t.true(stands(replay, before));
  await replay.fleet.world.passing(replay.fleet.pair.spare());
  await replay.until('it went back', () => stateOf(replay) === 'ROLLED_BACK');
  t.is(await causeOf(replay), 'REVERTED');
  const told = [...(replay.newest?.hosts.values() ?? [])].filter(({ rev }) => rev > 0).map(({ host }) => host);
  t.is(told.length, 1);
  const rest = all.filter(({ name }) => !told.includes(name));
  t.deepEqual(replay.touch(rest), new Map(rest.map(({ name }) => [name, before.get(name)])));

  const again = replay.specs([CUT]);
  t.is(await replay.ask('apply', replay.upload(again, { ...WELL, confirm: { withinMs: 20_000 } })), 'done');
  await replay.until('all are cut off', () => all.every(isCut));
  replay.fleet.pair.end();
  const together = await replay.until('all took it back', () => !all.some(isCut));
  t.true(stands(replay, before));
  t.log(`back by itself after ${alone} ms, and all ${HOSTS} after ${together} ms; 20 s were given`);
  t.deepEqual(await replay.end(), []);
});

test.serial(
  'replays, 60 hosts: with all telemetry gone nothing is published, and it goes on when that returns',
  async (t) => {
    t.timeout(TEST_MS);
    const { replay } = await open(FEWER_HOSTS);
    replay.packets = { met: 0, lost: 0 };
    await begin(t, replay, replay.specs(MOVED), { noTrafficOk: true, soakMs: 300_000 });
    const isConfirmed = (): boolean => {
      const { confirmed } = replay.fleet.judge.look;
      const told = [...(replay.newest?.hosts.values() ?? [])].filter(({ state }) => state === 'published');
      return told.every(({ host, rev }) => (confirmed.get(host) ?? 0) >= rev);
    };
    await replay.until('wave 2 is confirmed', () => stepOf(replay) === 'SOAK 2' && isConfirmed());
    for (const { bent } of replay.fleet.hosts.values()) bent.ways = 'both';
    const before = replay.touch();
    const pausedMs = await replay.until('it is paused', () => stateOf(replay) === 'PAUSED');
    t.is(await causeOf(replay), 'TELEMETRY verified>=100%');
    await replay.fleet.pass(600_000);
    t.is(stateOf(replay), 'PAUSED');
    t.deepEqual(replay.touch(), before, 'nothing is published');
    for (const { bent } of replay.fleet.hosts.values()) bent.ways = 'none';
    const onMs = await replay.until('it goes on', () => stateOf(replay) !== 'PAUSED');
    await replay.until('it is done', () => stateOf(replay) === 'DONE');
    t.log(`paused after ${pausedMs} ms, and running ${onMs} ms after they are heard`);
    t.deepEqual(await replay.end(), []);
  },
);

test.serial('replays, 500 hosts: what caches hide for five minutes is judged when it shows', async (t) => {
  t.timeout(TEST_MS);
  const { replay } = await open();
  const before = replay.touch();
  const packets = { met: 0, lost: 0 };
  replay.packets = packets;
  await begin(t, replay, replay.specs(MOVED), { gates: ['losses<=1%'] });
  await replay.until('it is paused', () => stateOf(replay) === 'PAUSED');
  t.is(await causeOf(replay), 'NO_TRAFFIC hits>=1');
  t.is(stepOf(replay), 'SOAK 1');
  const rest = others(replay);
  await replay.fleet.pass(300_000);
  t.is(stateOf(replay), 'PAUSED', 'nobody goes on because nothing is seen');
  Object.assign(packets, { met: 5_000, lost: 2_500 });
  const seenMs = await replay.until('it goes back', () => stateOf(replay).startsWith('ROLL'));
  const backMs = await replay.until('all is as it was', () => stands(replay, before));
  t.is(await causeOf(replay), 'GATE_FAILED losses<=1%');
  t.true(backMs <= BACK_MS, `${backMs} ms`);
  t.deepEqual(replay.touch(rest), new Map(rest.map(({ name }) => [name, before.get(name)])));
  t.is(rest.length, HOSTS - 1);
  t.log(`taken back ${seenMs} ms after it showed, and back ${backMs} ms later`);
  t.deepEqual(await replay.end(), []);
});
