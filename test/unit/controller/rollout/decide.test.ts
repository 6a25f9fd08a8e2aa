import test from 'ava';
import type { RolloutState, Step } from '../../../../controller/model/rollout.ts';
import { decide } from '../../../../controller/rollout/decide.ts';
import { begunAnew } from '../../../../controller/rollout/outcome.ts';
import type { RolloutHostNow, Snapshot } from '../../../../controller/rollout/snapshot.ts';
import { FAILS, host, NOW, rollout, snapshot, told, undecided } from './snapshots.ts';

const waited = (ms: number) => ({ ms, lookedAtMs: NOW - 500 });
const ASKED = { code: 'ASKED', at: NOW } as const;
const PUBLISH: Step = { at: 'PUBLISH', wave: 2 };
const CONVERGE: Step = { at: 'CONVERGE', wave: 2, waited: waited(1000) };
const SOAK: Step = { at: 'SOAK', wave: 2, soaked: waited(1000), undecidedMs: 0 };

const published = (name: string, place: number, wave: number) => host(name, place, { wave, state: 'published' });
const [A, B] = [published('a', 1, 1), published('b', 2, 2)];
const planned = [host('b', 2, { wave: 2 }), host('c', 3, { wave: 3 }), host('d', 4, { wave: 3 })];
const rest = planned.slice(1);
const all = [A, B, published('c', 3, 3), published('d', 4, 3)];

/** Every state, as it is in the middle of things. */
const STATES = {
  PUBLISH: snapshot({ is: 'RUNNING', step: PUBLISH }, [A, ...planned]),
  told: snapshot({ is: 'RUNNING', step: { ...PUBLISH, told: true } }, [A, B, ...rest]),
  CONVERGE: snapshot({ is: 'RUNNING', step: CONVERGE }, [A, B, ...rest]),
  SOAK: snapshot({ is: 'RUNNING', step: SOAK }, [A, B, ...rest]),
  PROMOTE: snapshot({ is: 'RUNNING', step: { at: 'PROMOTE', wave: 3 } }, all),
  PAUSED: snapshot({ is: 'PAUSED', step: SOAK, cause: ASKED }, [A, B, ...rest]),
  TELEMETRY: snapshot({ is: 'PAUSED', step: SOAK, cause: { ...ASKED, code: 'TELEMETRY' } }, [A, B, ...rest]),
  ROLLING_BACK: snapshot({ is: 'ROLLING_BACK', wave: 2, cause: ASKED }, [A, B, ...rest]),
  withdrawn: snapshot({ is: 'ROLLING_BACK', wave: 2, cause: ASKED }, rest),
  DONE: snapshot({ is: 'DONE', wave: 3 }, all),
  ROLLED_BACK: snapshot({ is: 'ROLLED_BACK', wave: 3, cause: ASKED }, rest),
} satisfies Record<string, Snapshot>;

const each = (change: (host: RolloutHostNow) => Partial<RolloutHostNow>) => (of: Snapshot) => ({
  ...of,
  hosts: of.hosts.map((one) => ({ ...one, ...change(one) })),
});
const onFail = (of: Snapshot): Snapshot => ({
  ...of,
  rollout: { ...of.rollout, plan: rollout(of.rollout.state, { onFail: 'pause' }).plan },
});

/** What may be so at any time. */
const EVENTS = {
  calm: (of: Snapshot) => of,
  gateFails: (of: Snapshot) => ({ ...of, judgement: FAILS }),
  gateFailsAndPauses: (of: Snapshot) => onFail({ ...of, judgement: FAILS }),
  gateFailsAndIsSkipped: (of: Snapshot) => ({ ...of, judgement: FAILS, rollout: { ...of.rollout, skipped: 2 } }),
  reverted: each((one) => (one.host === 'a' ? { reverted: 'web' } : {})),
  noVerdict: (of: Snapshot) => ({ ...of, judgement: undecided('NO_TRAFFIC') }),
  blind: (of: Snapshot) => ({ ...of, blind: true, judgement: undecided('TELEMETRY') }),
  superseded: (of: Snapshot) => ({ ...of, superseded: true }),
  unverified: each((one) => (one.host === 'b' ? { verified: false, settled: false } : {})),
  nextIsAway: each((one) => (one.state === 'planned' ? { heard: 'stale' } : {})),
  nextIsUnheardYet: each((one) => (one.state === 'planned' ? { heard: 'unknown' } : {})),
  joined: (of: Snapshot) => ({ ...of, joined: ['e'] }),
} satisfies Record<string, (of: Snapshot) => Snapshot>;

type Table = Readonly<Record<keyof typeof STATES, Readonly<Record<keyof typeof EVENTS, string>>>>;

const GOES_BACK = 'turn → ROLLING_BACK GATE_FAILED';
const TOOK_BACK = 'turn → ROLLING_BACK REVERTED';
const rows = <Row extends object>(same: string, but: Row) => ({
  ...{
    calm: same,
    gateFails: same,
    gateFailsAndPauses: same,
    gateFailsAndIsSkipped: same,
    reverted: same,
    noVerdict: same,
  },
  ...{ blind: same, superseded: same, unverified: same, nextIsAway: same, nextIsUnheardYet: same, joined: same },
  ...but,
});
const under = <Row extends object>(step: string, same: string, but: Row) =>
  rows(same, {
    gateFails: GOES_BACK,
    gateFailsAndPauses: `turn → PAUSED ${step} GATE_FAILED`,
    reverted: TOOK_BACK,
    blind: `turn → PAUSED ${step} TELEMETRY`,
    superseded: `turn → PAUSED ${step} HISTORY`,
    ...but,
  });

const TABLE: Table = {
  PUBLISH: under('PUBLISH 2', 'publish b → RUNNING PUBLISH 2', {
    nextIsAway: 'publish , not b c d → RUNNING PUBLISH 2',
    nextIsUnheardYet: '–',
  }),
  told: under('PUBLISH 2', 'turn → RUNNING CONVERGE 2', {}),
  CONVERGE: under('CONVERGE 2', 'turn → RUNNING SOAK 2', { unverified: 'turn → RUNNING CONVERGE 2' }),
  SOAK: under('SOAK 2', 'turn → RUNNING SOAK 2', { gateFailsAndIsSkipped: 'turn → RUNNING PUBLISH 3' }),
  PROMOTE: under('PROMOTE 3', 'promote → DONE', {
    gateFailsAndIsSkipped: GOES_BACK, // of another wave
    joined: 'join e → RUNNING PUBLISH 4',
  }),
  PAUSED: under('SOAK 2', '–', { gateFailsAndPauses: '–', blind: '–' }),
  TELEMETRY: under('SOAK 2', 'turn → RUNNING SOAK 2', { blind: '–' }),
  ROLLING_BACK: rows('withdraw b a → ROLLING_BACK ASKED', {}),
  withdrawn: rows('free → ROLLED_BACK ASKED', {}),
  DONE: rows('–', {}),
  ROLLED_BACK: rows('–', {}),
};

for (const [state, row] of Object.entries(TABLE) as [keyof typeof STATES, Table[keyof typeof STATES]][])
  for (const [event, expected] of Object.entries(row) as [keyof typeof EVENTS, string][])
    test(`decide: ${state}, ${event}: ${expected}`, (t) => {
      t.is(told(decide(EVENTS[event](STATES[state]), NOW)), expected);
    });

const running = (step: Step): RolloutState => ({ is: 'RUNNING', step });

test('decide: who is away is put off, and the next in order takes the place; the wave keeps its size', (t) => {
  const hosts = [host('a', 1, { heard: 'stale' }), host('b', 2, { wave: 2 }), host('c', 3, { wave: 3 })];
  const step: Step = { at: 'PUBLISH', wave: 1 };
  t.is(told(decide(snapshot(running(step), hosts), NOW)), 'publish b, not a → RUNNING PUBLISH 1');
  const unable = [host('a', 1, { able: false }), ...hosts.slice(1)];
  t.is(told(decide(snapshot(running(step), unable), NOW)), 'publish b, not a → RUNNING PUBLISH 1');
  const full = [host('a', 1, { state: 'deferred' }), host('b', 2, { state: 'published' }), host('c', 3, { wave: 3 })];
  t.is(told(decide(snapshot(running({ ...step, told: true }), full), NOW)), 'turn → RUNNING CONVERGE 1');
});

test('decide: at most 64 hosts at once', (t) => {
  const hosts = Array.from({ length: 300 }, (_, at) => host(`h${at}`, at + 1));
  const waves = [{ share: '100%', size: 300 }];
  const of = snapshot(running({ at: 'PUBLISH', wave: 1 }), hosts);
  const decision = decide({ ...of, rollout: rollout(of.rollout.state, { waves }) }, NOW);
  t.is(decision?.act.do === 'publish' && decision.act.hosts.length, 64);
  const back = hosts.map((one) => ({ ...one, state: 'published' as const, heard: 'stale' as const }));
  const going = decide(snapshot({ is: 'ROLLING_BACK', wave: 1, cause: ASKED }, back), NOW);
  t.is(going?.act.do === 'withdraw' && going.act.hosts.length, 64, 'also such as nobody hears');
});

test('decide: hosts that are left are waited for, as far as there may be no more of them', (t) => {
  const away = (count: number) =>
    Array.from({ length: count }, (_, at) => host(`z${at}`, 10 + at, { state: 'deferred', heard: 'stale' }));
  const at = (wave: number, count: number) =>
    told(decide(snapshot(running({ at: 'PUBLISH', wave }), [A, ...away(count)]), NOW));
  t.is(at(4, 1), 'turn → RUNNING PROMOTE 1');
  t.is(at(4, 2), 'turn → PAUSED PUBLISH 4 NO_HOSTS');
  t.is(at(1, 1), 'turn → PAUSED PUBLISH 1 NO_HOSTS', 'none of the first wave');
  const left = (more: Partial<RolloutHostNow>) => [A, ...away(1).map((one) => ({ ...one, ...more }))];
  const tail = (hosts: readonly RolloutHostNow[]) =>
    told(decide(snapshot(running({ at: 'PUBLISH', wave: 4 }), hosts), NOW));
  t.is(tail(left({ heard: 'fresh', able: false })), 'turn → PAUSED PUBLISH 4 NO_HOSTS', 'it is there, and cannot');
  t.is(tail(left({ heard: 'unknown' })), '–', 'nobody knows yet');
  const back = [A, ...away(1).map((one) => ({ ...one, heard: 'fresh' as const }))];
  t.is(told(decide(snapshot(running({ at: 'PUBLISH', wave: 4 }), back), NOW)), 'publish z0 → RUNNING PUBLISH 4');
  t.is(told(decide(snapshot(running({ at: 'PROMOTE', wave: 3 }), back), NOW)), 'turn → RUNNING PUBLISH 4');
});

test('decide: a wave of which nobody is left has others in their place', (t) => {
  const out = host('b', 2, { wave: 2, state: 'excluded' });
  const left = host('b', 2, { wave: 2, state: 'left' });
  for (const step of [CONVERGE, SOAK])
    for (const gone of [out, left])
      t.is(told(decide(snapshot(running(step), [A, gone, ...rest]), NOW)), 'turn → RUNNING PUBLISH 2');
  t.is(told(decide(snapshot(running(PUBLISH), [A, out, ...rest]), NOW)), 'publish c → RUNNING PUBLISH 2');
});

test('decide: what no host has is not made so for all', (t) => {
  const [out, left] = [host('a', 1, { state: 'excluded' }), host('a', 1, { state: 'left' })];
  const dead = host('b', 2, { wave: 2, state: 'deferred', heard: 'stale' });
  for (const hosts of [[out, dead], [left, dead], [left]])
    for (const step of [PUBLISH, { at: 'PROMOTE', wave: 2 }] as const)
      t.is(told(decide(snapshot(running(step), hosts), NOW)), `turn → PAUSED ${step.at} 2 NO_HOSTS`);
});

test('decide: hosts that have not verified it in time end it, but for silent ones that may be', (t) => {
  const late = { ...B, verified: false, settled: false };
  const at = (hosts: readonly RolloutHostNow[], ms: number) =>
    told(decide(snapshot(running({ ...CONVERGE, waited: waited(ms) } as Step), hosts), NOW));
  t.is(at([A, late], 119_000), 'turn → RUNNING CONVERGE 2');
  t.is(at([A, late], 119_500), 'turn → ROLLING_BACK NOT_IN_TIME');
  t.is(at([A, { ...late, heard: 'stale' }], 1000), 'turn → RUNNING SOAK 2');
  t.is(
    at(
      [
        { ...A, heard: 'stale' },
        { ...late, heard: 'stale' },
      ],
      1000,
    ),
    'turn → RUNNING CONVERGE 2',
  );
});

test('decide: the soak counts what was looked at, at most two ticks at once, and only while all gates pass', (t) => {
  const soaked = (decision: ReturnType<typeof decide>) =>
    decision !== undefined && 'step' in decision.to && decision.to.step.at === 'SOAK' ? decision.to.step : undefined;
  const slept = { ...SOAK, soaked: { ms: 1000, lookedAtMs: NOW - 3_600_000 } } as Step;
  t.is(soaked(decide(snapshot(running(slept), [A, B]), NOW))?.soaked.ms, 2000);
  const back = { ...SOAK, soaked: { ms: 1000, lookedAtMs: NOW + 3_600_000 } } as Step;
  t.is(soaked(decide(snapshot(running(back), [A, B]), NOW))?.soaked.ms, 1000, 'a clock that was set back');
  const waits = soaked(decide(snapshot(running(SOAK), [A, B], { judgement: undecided('NO_TRAFFIC') }), NOW));
  t.deepEqual([waits?.soaked.ms, waits?.undecidedMs], [1000, 500]);
  const end = { ...SOAK, soaked: waited(59_500) } as Step;
  t.is(told(decide(snapshot(running(end), [A, B, ...rest]), NOW)), 'turn → RUNNING PUBLISH 3');
  const unsettled = [A, { ...B, settled: false }];
  t.is(told(decide(snapshot(running(end), unsettled), NOW)), 'turn → RUNNING SOAK 2', 'it may take it back still');
  const last = { ...end, wave: 3 } as Step;
  t.is(told(decide(snapshot(running(last), all), NOW)), 'turn → RUNNING PROMOTE 3');
  const tail = [...all, host('z', 9, { state: 'deferred', heard: 'stale' })];
  t.is(told(decide(snapshot(running(last), tail), NOW)), 'turn → RUNNING PUBLISH 4');
});

test('decide: a gate without a verdict for as long as the soak stops it, and says which', (t) => {
  for (const code of ['NO_TRAFFIC', 'TELEMETRY', 'INCONCLUSIVE'] as const) {
    const step = { ...SOAK, undecidedMs: 59_500 } as Step;
    const decision = decide(snapshot(running(step), [A, B], { judgement: undecided(code) }), NOW);
    t.is(told(decision), `turn → PAUSED SOAK 2 ${code}`);
  }
});

test('decide: a step that goes on keeps its soak, and waits anew', (t) => {
  t.deepEqual(begunAnew({ ...SOAK, undecidedMs: 9 } as Step, NOW + 9), {
    ...{ at: 'SOAK', wave: 2, undecidedMs: 0 },
    soaked: { ms: 1000, lookedAtMs: NOW + 9 },
  });
  t.deepEqual(begunAnew(CONVERGE, NOW + 9), { at: 'CONVERGE', wave: 2, waited: { ms: 0, lookedAtMs: NOW + 9 } });
  t.is(begunAnew(PUBLISH, NOW + 9), PUBLISH);
});
