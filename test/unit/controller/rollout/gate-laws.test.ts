import test from 'ava';
import fc from 'fast-check';
import type { Counted, CountWindow } from '../../../../controller/model/counted.ts';
import type { GateFacts, JudgedHost } from '../../../../controller/rollout/gates.ts';
import { judgeGates } from '../../../../controller/rollout/judge-gates.ts';
import { type Gate, parseGate } from '../../../../protocol/gate.ts';

const WAVE = 2;
const FRESH_MS = 15_000;

const window: fc.Arbitrary<CountWindow> = fc
  .record({ redirected: fc.nat(5000), lossPart: fc.nat(20), dropPart: fc.nat(20), watched: fc.nat(9) })
  .map(({ redirected, lossPart, dropPart, watched }) => ({
    ...{ spanMs: 10_000, packets: redirected * 2, redirected, dropped: Math.floor((redirected * dropPart) / 1000) },
    lost: watched === 0 ? null : Math.floor((redirected * lossPart) / 1000),
  }));
const ago = fc.constantFrom(0, 5000, FRESH_MS, FRESH_MS + 1, 59_999, 60_000, 600_000);
const counted: fc.Arbitrary<Counted> = fc.record(
  {
    answeredMsAgo: ago,
    unusable: fc.constant('counts anew'),
    hits: fc.nat(200),
    undone: fc.constant(0),
    windows: fc.option(fc.record({ recent: window, whole: window })),
  },
  { requiredKeys: ['answeredMsAgo', 'hits', 'undone', 'windows'] },
);
const host: fc.Arbitrary<JudgedHost> = fc.record(
  {
    host: fc.constant('h'),
    wave: fc.integer({ min: 1, max: WAVE }),
    statusMsAgo: fc.option(ago),
    verified: fc.boolean(),
    troubles: fc.array(
      fc.record({
        state: fc.constantFrom('blocked' as const, 'denied' as const),
        code: fc.constant('NO_NEIGHBOUR' as const),
        forMs: fc.constantFrom(0, 10_000),
      }),
      { maxLength: 2 },
    ),
    troublesCut: fc.constant(true as const),
    counted,
  },
  { requiredKeys: ['host', 'wave', 'statusMsAgo', 'verified', 'troubles'] },
);
const facts: fc.Arbitrary<GateFacts> = fc.record({
  wave: fc.constant(WAVE),
  reached: fc.array(host, { maxLength: 4 }),
  control: fc.array(host, { maxLength: 3 }),
  freshMs: fc.constant(FRESH_MS),
  othersHeardMs: fc.nat(120_000),
  maxUnreachable: fc.nat(2),
  puts: fc.boolean(),
  noTrafficOk: fc.boolean(),
  external: fc.option(
    fc.record({
      wave: fc.integer({ min: 1, max: WAVE }),
      verdict: fc.constantFrom('pass' as const, 'fail' as const),
      by: fc.constant('ci'),
      reason: fc.constant('why'),
      at: fc.constant(0),
    }),
  ),
});
const gates: readonly Gate[] = [
  'verified>=100%',
  'verified>=60%',
  'exceptions<=0',
  'exceptions<=2',
  'hits>=100',
  'losses<=1%',
  'drops<=1%',
  'external',
].map((text) => parseGate(text));
const gate = fc.constantFrom(...gates);

/** One of which nothing bad is known, with as much traffic as it likes, and none of it lost. */
const good: fc.Arbitrary<JudgedHost> = fc
  .record({ wave: fc.integer({ min: 1, max: WAVE }), redirected: fc.nat(5000) })
  .map(({ wave, redirected }) => {
    const same = { spanMs: 10_000, packets: redirected, redirected, dropped: 0, lost: 0 };
    const well = { answeredMsAgo: 0, hits: redirected, undone: 0, windows: { recent: same, whole: same } };
    return { host: 'good', wave, statusMsAgo: 0, verified: true, troubles: [], counted: well };
  });

const RUNS = { numRuns: 3000 };
const verdictOf = (one: Gate, of: GateFacts) => judgeGates([one], of).verdict;
const lacks = (of: GateFacts) => ({ ...of, reached: [], control: [] });

test('gates: a good host more turns no pass into anything else, and makes nothing fail that did not', (t) => {
  const law = fc.property(gate, facts, good, (one, of, more) => {
    const [before, after] = [verdictOf(one, of), verdictOf(one, { ...of, reached: [...of.reached, more] })];
    if (before === 'PASS') t.is(after, 'PASS');
    const isHeardAtLast = one.kind === 'verified' && of.control.length === 0; // with it, somebody can tell who is silent
    if (before !== 'FAIL' && !isHeardAtLast) t.not(after, 'FAIL');
  });
  t.notThrows(() => fc.assert(law, RUNS));
});

test('gates: a host that goes bad turns no other verdict into a pass', (t) => {
  const bad = [
    (one: JudgedHost) => ({ ...one, verified: false }),
    (one: JudgedHost) => ({ ...one, troubles: [{ state: 'failed' as const, forMs: 0 }, ...one.troubles] }),
  ];
  const law = fc.property(gate, facts, fc.constantFrom(...bad), (one, of, turn) => {
    const [first, ...rest] = of.reached;
    if (first === undefined || verdictOf(one, of) === 'PASS') return;
    t.not(verdictOf(one, { ...of, reached: [turn(first), ...rest] }), 'PASS');
  });
  t.notThrows(() => fc.assert(law, RUNS));
});

test('gates: control hosts let nothing pass that does not pass without them', (t) => {
  const law = fc.property(gate, facts, (one, of) => {
    if (verdictOf(one, of) === 'PASS') t.is(verdictOf(one, { ...of, control: [] }), 'PASS');
  });
  t.notThrows(() => fc.assert(law, RUNS));
});

test('gates: nothing passes over hosts of which nothing is known, but what is not asked of hosts', (t) => {
  const law = fc.property(gate, facts, (one, of) => {
    const verdict = verdictOf(one, lacks(of));
    const isAsked = one.kind !== 'external' && !(one.kind === 'hits' && (of.noTrafficOk || !of.puts));
    if (isAsked) t.is(verdict, 'INCONCLUSIVE');
  });
  t.notThrows(() => fc.assert(law, RUNS));
});

test('gates: all of them pass, or one that does not is named, whatever their order', (t) => {
  const law = fc.property(fc.shuffledSubarray([...gates], { minLength: 1 }), facts, (asked, of) => {
    const { verdict, cause, gates: judged } = judgeGates(asked, of);
    t.is(judged.length, asked.length);
    t.is(
      verdict === 'PASS',
      judged.every((one) => one.verdict === 'PASS'),
    );
    t.is(
      verdict === 'FAIL',
      judged.some((one) => one.verdict === 'FAIL'),
    );
    t.is(cause?.verdict, verdict === 'PASS' ? undefined : verdict);
    t.is(judgeGates(asked.toReversed(), of).verdict, verdict);
  });
  t.notThrows(() => fc.assert(law, RUNS));
});

test('gates: below so many packets no share fails', (t) => {
  const few = { spanMs: 10_000, packets: 299, redirected: 299, dropped: 299, lost: 299 };
  const law = fc.property(fc.constantFrom('losses<=1%', 'drops<=1%'), fc.nat(299), (text, packets) => {
    const same = { ...few, packets, redirected: packets, dropped: packets, lost: packets };
    const all = { answeredMsAgo: 0, hits: 0, undone: 0, windows: { recent: same, whole: same } };
    const reached = [{ host: 'h', wave: WAVE, statusMsAgo: 0, verified: true, troubles: [], counted: all }];
    const of = { wave: WAVE, reached, control: [], freshMs: FRESH_MS, othersHeardMs: 0, maxUnreachable: 0 };
    t.is(verdictOf(parseGate(text), { ...of, puts: true, noTrafficOk: false, external: null }), 'INCONCLUSIVE');
  });
  t.notThrows(() => fc.assert(law));
});
