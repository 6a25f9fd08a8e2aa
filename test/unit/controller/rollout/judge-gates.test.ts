import test from 'ava';
import type { Counted, CountWindow } from '../../../../controller/model/counted.ts';
import type { GateFacts, JudgedHost } from '../../../../controller/rollout/gates.ts';
import { gatesOf, judgeGates } from '../../../../controller/rollout/judge-gates.ts';
import { formatGate, type GateVerdict, parseGate } from '../../../../protocol/gate.ts';

const NONE: CountWindow = { spanMs: 10_000, packets: 0, redirected: 0, dropped: 0, lost: 0 };

function counted(window: Partial<CountWindow> = {}, more: Partial<Counted> = {}): Counted {
  const both = { ...NONE, ...window };
  return { answeredMsAgo: 1000, hits: 0, undone: 0, windows: { recent: both, whole: both }, ...more };
}

function host(name: string, more: Partial<JudgedHost> = {}): JudgedHost {
  return { host: name, wave: 1, statusMsAgo: 2000, verified: true, troubles: [], counted: counted(), ...more };
}

function facts(reached: readonly JudgedHost[], more: Partial<GateFacts> = {}): GateFacts {
  const base = {
    wave: 1,
    control: [],
    freshMs: 40_000,
    othersHeardMs: 60_000,
    maxUnreachable: 0,
    puts: true,
    noTrafficOk: false,
  };
  return { ...base, external: null, reached, ...more };
}

/** An answer long ago, and no status since. */
const silent = { statusMsAgo: 61_000, counted: counted({}, { answeredMsAgo: 61_000 }) };
const quiet = { statusMsAgo: 30_000, counted: counted({}, { answeredMsAgo: 30_000 }) };
const free = (wave: number): Partial<JudgedHost> => ({ wave, verified: false });
const lossy = (lost: number, redirected: number) => ({ counted: counted({ lost, redirected }) });
const spans = (recent: Partial<CountWindow>, whole: Partial<CountWindow>) =>
  counted({}, { windows: { recent: { ...NONE, ...recent }, whole: { ...NONE, ...whole } } });
const trouble = (state: 'blocked' | 'denied' | 'failed' | 'bypass', code?: string, forMs = 0) => ({
  troubles: [{ name: 'web', state, forMs, ...(code !== undefined && { code }) }],
});

interface Row {
  readonly it: string;
  readonly gate: string;
  readonly of: GateFacts;
  readonly is: Partial<GateVerdict> & Pick<GateVerdict, 'verdict'>;
  readonly why?: RegExp;
}

const ROWS: readonly Row[] = [
  // Whether hosts have it.
  {
    it: 'all have verified it',
    gate: 'verified>=100%',
    of: facts([host('a'), host('b')], { control: [host('c', free(0))] }),
    is: { verdict: 'PASS', wave: { count: 2, of: 2 }, control: { count: 1, of: 1 } },
  },
  {
    it: 'one has yet to',
    gate: 'verified>=100%',
    of: facts([host('a'), host('b', { verified: false })]),
    is: { verdict: 'INCONCLUSIVE', code: 'INCONCLUSIVE', host: 'b', wave: { count: 1, of: 2 } },
  },
  {
    it: 'as many as are wanted have',
    gate: 'verified>=50%',
    of: facts([host('a'), host('b', { verified: false })]),
    is: { verdict: 'PASS' },
  },
  {
    it: 'one that was not heard lately does not count',
    gate: 'verified>=100%',
    of: facts([host('a'), host('b', quiet)]),
    is: { verdict: 'INCONCLUSIVE', code: 'TELEMETRY', host: 'b', wave: { count: 1, of: 2 } },
    why: /last heard 30 s ago/,
  },
  {
    it: 'one that never answered is missed later than one that does',
    gate: 'verified>=100%',
    of: facts([{ host: 'a', wave: 1, statusMsAgo: 30_000, verified: true, troubles: [] }]),
    is: { verdict: 'PASS', wave: { count: 1, of: 1 } },
  },
  {
    it: 'it answers, and says no status',
    gate: 'verified>=100%',
    of: facts([host('a', { statusMsAgo: 61_000 })]),
    is: { verdict: 'INCONCLUSIVE', code: 'TELEMETRY', host: 'a' },
  },
  {
    it: 'it says its status, and does not answer',
    gate: 'verified>=100%',
    of: facts([host('a', { counted: counted({}, { answeredMsAgo: 61_000 }) })]),
    is: { verdict: 'PASS' },
  },
  {
    it: 'the wave is silent, and control is not',
    gate: 'verified>=100%',
    of: facts([host('a', silent)], { control: [host('c', free(0))] }),
    is: { verdict: 'FAIL', code: 'HOST_SILENT', host: 'a', control: { count: 1, of: 1 } },
  },
  {
    it: 'the wave is silent, and control was until just now',
    gate: 'verified>=100%',
    of: facts([host('a', silent)], { control: [host('c')], othersHeardMs: 59_000 }),
    is: { verdict: 'INCONCLUSIVE', code: 'TELEMETRY', host: 'a', control: { count: 1, of: 1 } },
  },
  {
    it: 'the wave is silent, and control is, too',
    gate: 'verified>=100%',
    of: facts([host('a', silent)], { control: [host('c', silent)] }),
    is: { verdict: 'INCONCLUSIVE', code: 'TELEMETRY', host: 'a', control: { count: 0, of: 1 } },
  },
  {
    it: 'the wave is silent, and so is more than half of control',
    gate: 'verified>=100%',
    of: facts([host('a', silent)], { control: [host('c'), host('d', silent), host('e', quiet)] }),
    is: { verdict: 'INCONCLUSIVE', code: 'TELEMETRY' },
  },
  {
    it: 'no control is left, and most of the wave is heard',
    gate: 'verified>=100%',
    of: facts([host('a', silent), host('b'), host('c')]),
    is: { verdict: 'FAIL', code: 'HOST_SILENT', host: 'a', control: null },
  },
  {
    it: 'no control is left, and nobody is heard',
    gate: 'verified>=100%',
    of: facts([host('a', silent), host('b', silent)]),
    is: { verdict: 'INCONCLUSIVE', code: 'TELEMETRY' },
  },
  {
    it: 'as many are silent as may be',
    gate: 'verified>=100%',
    of: facts([host('a', silent), host('b')], { maxUnreachable: 1 }),
    is: { verdict: 'PASS', wave: { count: 1, of: 1 } },
  },
  {
    it: 'all are silent, and may be',
    gate: 'verified>=100%',
    of: facts([host('a', silent)], { maxUnreachable: 1, control: [host('c')] }),
    is: { verdict: 'INCONCLUSIVE', code: 'TELEMETRY' },
  },
  {
    it: 'nobody was reached yet',
    gate: 'verified>=100%',
    of: facts([]),
    is: { verdict: 'INCONCLUSIVE', code: 'TELEMETRY' },
  },
  // Exceptions.
  {
    it: 'nobody has any',
    gate: 'exceptions<=0',
    of: facts([host('a')]),
    is: { verdict: 'PASS', wave: { count: 0 }, control: null },
  },
  {
    it: 'what was taken back counts at once',
    gate: 'exceptions<=0',
    of: facts([host('a'), host('b', trouble('denied', 'REVERTED'))]),
    is: { verdict: 'FAIL', code: 'REVERTED', host: 'b', name: 'web', wave: { count: 1 } },
  },
  {
    it: 'a next hop may answer in a moment',
    gate: 'exceptions<=0',
    of: facts([host('a', trouble('blocked', 'NO_NEIGHBOUR', 9_999))]),
    is: { verdict: 'INCONCLUSIVE', code: 'INCONCLUSIVE', host: 'a', name: 'web' },
  },
  {
    it: 'one that does not answer for long never will',
    gate: 'exceptions<=0',
    of: facts([host('a', trouble('blocked', 'NO_NEIGHBOUR', 10_000))]),
    is: { verdict: 'FAIL', code: 'NO_NEIGHBOUR', host: 'a', name: 'web' },
  },
  {
    it: 'a host that is bypassed has no code',
    gate: 'exceptions<=0',
    of: facts([host('a', { troubles: [{ state: 'bypass', forMs: 10_000 }] })]),
    is: { verdict: 'FAIL', code: 'EXCEPTIONS', host: 'a' },
    why: /the host is bypass/,
  },
  {
    it: 'as many as may be',
    gate: 'exceptions<=1',
    of: facts([host('a', trouble('failed', 'KERNEL_REFUSED'))]),
    is: { verdict: 'PASS', wave: { count: 1 } },
  },
  {
    it: 'a silent host that had one is not forgotten',
    gate: 'exceptions<=0',
    of: facts([host('b'), host('a', { ...silent, ...trouble('failed', 'KERNEL_REFUSED') })], { maxUnreachable: 1 }),
    is: { verdict: 'FAIL', code: 'KERNEL_REFUSED', host: 'a' },
  },
  {
    it: 'a host has more than it lists',
    gate: 'exceptions<=0',
    of: facts([host('a', { troublesCut: true })]),
    is: { verdict: 'INCONCLUSIVE', code: 'INCONCLUSIVE', host: 'a' },
  },
  {
    it: 'a host was not heard lately',
    gate: 'exceptions<=0',
    of: facts([host('a'), host('b', quiet)]),
    is: { verdict: 'INCONCLUSIVE', code: 'TELEMETRY', host: 'b' },
  },
  {
    it: 'nobody is heard',
    gate: 'exceptions<=0',
    of: facts([host('a', silent)]),
    is: { verdict: 'INCONCLUSIVE', code: 'TELEMETRY' },
  },
  // Hits.
  {
    it: 'enough met it',
    gate: 'hits>=3',
    of: facts([host('a', { counted: counted({}, { hits: 2 }) }), host('b', { counted: counted({}, { hits: 1 }) })]),
    is: { verdict: 'PASS', wave: { count: 3 } },
  },
  {
    it: 'none met it',
    gate: 'hits>=1',
    of: facts([host('a')], { control: [host('c', { counted: counted({}, { hits: 7 }) })] }),
    is: { verdict: 'INCONCLUSIVE', code: 'NO_TRAFFIC', wave: { count: 0 }, control: { count: 7 } },
  },
  {
    it: 'those of an earlier wave do not count',
    gate: 'hits>=1',
    of: facts([host('a', { counted: counted({}, { hits: 9 }) }), host('b', { wave: 2 })], { wave: 2 }),
    is: { verdict: 'INCONCLUSIVE', code: 'NO_TRAFFIC', wave: { count: 0 } },
  },
  {
    it: 'there need be none',
    gate: 'hits>=1',
    of: facts([host('a')], { noTrafficOk: true }),
    is: { verdict: 'PASS' },
  },
  {
    it: 'it only deletes',
    gate: 'hits>=1',
    of: facts([host('a')], { puts: false }),
    is: { verdict: 'PASS' },
  },
  {
    it: 'a host that does not count',
    gate: 'hits>=1',
    of: facts([host('a', { counted: counted({}, { hits: 5, unusable: 'does not count' }) })]),
    is: { verdict: 'INCONCLUSIVE', code: 'TELEMETRY', host: 'a', wave: null },
    why: /a does not count/,
  },
  {
    it: 'hits prove themselves, however old',
    gate: 'hits>=1',
    of: facts([host('a', { counted: counted({}, { hits: 5, answeredMsAgo: 40_000 }) })]),
    is: { verdict: 'PASS' },
  },
  // Shares.
  {
    it: 'one packet less than is wanted',
    gate: 'losses<=0.1%',
    of: facts([host('a', lossy(0, 2999))]),
    is: { verdict: 'INCONCLUSIVE', code: 'NO_TRAFFIC', wave: { count: 0, of: 2999 } },
    why: /2999 packets, of 3000/,
  },
  {
    it: 'as many as are wanted, and three lost',
    gate: 'losses<=0.1%',
    of: facts([host('a', lossy(3, 3000))]),
    is: { verdict: 'PASS', wave: { count: 3, of: 3000 } },
  },
  {
    it: 'and four',
    gate: 'losses<=0.1%',
    of: facts([host('a', lossy(4, 3000))]),
    is: { verdict: 'FAIL', code: 'LOSSES', host: 'a', wave: { count: 4, of: 3000 } },
  },
  {
    it: 'all are lost of too few',
    gate: 'losses<=0.1%',
    of: facts([host('a', lossy(2999, 2999))]),
    is: { verdict: 'INCONCLUSIVE', code: 'INCONCLUSIVE' },
  },
  {
    it: 'control shows the same',
    gate: 'losses<=0.1%',
    of: facts([host('a', lossy(30, 3000))], { control: [host('c', lossy(15, 3000))] }),
    is: { verdict: 'INCONCLUSIVE', code: 'INCONCLUSIVE', host: 'a', control: { count: 15, of: 3000 } },
  },
  {
    it: 'control shows less than half of it',
    gate: 'losses<=0.1%',
    of: facts([host('a', lossy(30, 3000))], { control: [host('c', lossy(14, 3000))] }),
    is: { verdict: 'FAIL', code: 'LOSSES', host: 'a' },
  },
  {
    it: 'control has too few packets to excuse it',
    gate: 'losses<=0.1%',
    of: facts([host('a', lossy(30, 3000))], { control: [host('c', lossy(30, 2999))] }),
    is: { verdict: 'FAIL', code: 'LOSSES' },
  },
  {
    it: 'control that is not heard excuses nothing',
    gate: 'losses<=0.1%',
    of: facts([host('a', lossy(30, 3000))], { control: [host('c', { ...lossy(30, 3000), statusMsAgo: 61_000 })] }),
    is: { verdict: 'FAIL', code: 'LOSSES', control: null },
  },
  {
    it: 'a host among many is not lost in the sum',
    gate: 'losses<=0.1%',
    of: facts([host('a', lossy(0, 10_000_000)), host('b', lossy(100, 3000))]),
    is: { verdict: 'FAIL', code: 'LOSSES', host: 'b' },
  },
  {
    it: 'those with few packets are judged together',
    gate: 'losses<=1%',
    of: facts([host('a', lossy(3, 150)), host('b', lossy(3, 150))]),
    is: { verdict: 'FAIL', code: 'LOSSES' },
  },
  {
    it: 'what was well for hours does not hide the last minutes',
    gate: 'losses<=1%',
    of: facts([host('a', { counted: spans({ redirected: 300, lost: 300 }, { redirected: 10_000_000, lost: 300 }) })]),
    is: { verdict: 'FAIL', code: 'LOSSES', host: 'a' },
  },
  {
    it: 'few packets of late are judged with those before',
    gate: 'losses<=1%',
    of: facts([host('a', { counted: spans({ redirected: 3, lost: 1 }, { redirected: 10_000, lost: 1 }) })]),
    is: { verdict: 'PASS' },
  },
  {
    it: 'packets of an earlier wave are no mass for this one',
    gate: 'losses<=1%',
    of: facts([host('a', lossy(0, 10_000)), host('b', { ...lossy(0, 10), wave: 2 })], { wave: 2 }),
    is: { verdict: 'INCONCLUSIVE', code: 'NO_TRAFFIC' },
  },
  {
    it: 'a host of an earlier wave fails this one',
    gate: 'losses<=1%',
    of: facts([host('a', lossy(5000, 10_000)), host('b', { ...lossy(0, 10_000), wave: 2 })], { wave: 2 }),
    is: { verdict: 'FAIL', code: 'LOSSES', host: 'a' },
  },
  {
    it: 'there need be no packets',
    gate: 'losses<=1%',
    of: facts([host('a')], { noTrafficOk: true }),
    is: { verdict: 'PASS' },
  },
  {
    it: 'counters went back',
    gate: 'losses<=1%',
    of: facts([host('a', { counted: counted({}, { unusable: 'counts anew' }) })]),
    is: { verdict: 'INCONCLUSIVE', code: 'TELEMETRY', host: 'a' },
    why: /a counts anew/,
  },
  {
    it: 'it told once',
    gate: 'losses<=1%',
    of: facts([host('a', { counted: counted({}, { windows: null }) })]),
    is: { verdict: 'INCONCLUSIVE', code: 'TELEMETRY', host: 'a' },
  },
  {
    it: 'nobody watches what becomes of packets',
    gate: 'losses<=1%',
    of: facts([host('a', { counted: counted({ redirected: 10_000, lost: null }) })]),
    is: { verdict: 'INCONCLUSIVE', code: 'TELEMETRY', host: 'a' },
    why: /does not watch/,
  },
  {
    it: 'that it is not watched hides no drops',
    gate: 'drops<=1%',
    of: facts([host('a', { counted: counted({ packets: 10_000, dropped: 101, lost: null }) })]),
    is: { verdict: 'FAIL', code: 'DROPS', host: 'a', wave: { count: 101, of: 10_000 } },
  },
  {
    it: 'old counts are no evidence',
    gate: 'losses<=1%',
    of: facts([host('a', { counted: counted({ redirected: 10_000 }, { answeredMsAgo: 15_001 }) })]),
    is: { verdict: 'INCONCLUSIVE', code: 'TELEMETRY', host: 'a' },
  },
  {
    it: 'one that fails is told before one that is not known',
    gate: 'losses<=1%',
    of: facts([host('a', { counted: counted({}, { windows: null }) }), host('b', lossy(300, 300))]),
    is: { verdict: 'FAIL', code: 'LOSSES', host: 'b' },
  },
  // From outside.
  {
    it: 'silence is no consent',
    gate: 'external',
    of: facts([host('a')]),
    is: { verdict: 'INCONCLUSIVE', code: 'INCONCLUSIVE', wave: null, control: null },
  },
  {
    it: 'a pass of this wave',
    gate: 'external',
    of: facts([host('a')], { external: { wave: 1, verdict: 'pass', by: 'ci', reason: 'green', at: 0 } }),
    is: { verdict: 'PASS' },
    why: /ci: green/,
  },
  {
    it: 'a pass of the wave before',
    gate: 'external',
    of: facts([host('a')], { wave: 2, external: { wave: 1, verdict: 'pass', by: 'ci', reason: 'green', at: 0 } }),
    is: { verdict: 'INCONCLUSIVE', code: 'INCONCLUSIVE' },
  },
  {
    it: 'a fail of the wave before',
    gate: 'external',
    of: facts([host('a')], { wave: 2, external: { wave: 1, verdict: 'fail', by: 'ci', reason: 'red', at: 0 } }),
    is: { verdict: 'FAIL', code: 'EXTERNAL' },
  },
];

for (const { it, gate, of, is, why } of ROWS) {
  test(`gates: ${gate}: ${it}`, (t) => {
    const { gates, verdict } = judgeGates([parseGate(gate)], of);
    t.like(gates[0], { gate, ...is });
    t.is(verdict, is.verdict);
    if (why !== undefined) t.regex(gates[0]?.why ?? '', why);
  });
}

test('gates: the gravest decides: what failed, then what nobody can know, then what is missing', (t) => {
  const gates = ['exceptions<=0', 'hits>=1', 'external', 'verified>=100%'].map((gate) => parseGate(gate));
  const causeOf = (of: GateFacts) => judgeGates(gates, of).cause;
  const external = { wave: 1, verdict: 'pass', by: 'ci', reason: 'green', at: 0 } as const;
  t.like(causeOf(facts([host('a', trouble('failed', 'KERNEL_REFUSED'))])), { gate: 'exceptions<=0', verdict: 'FAIL' });
  t.like(causeOf(facts([host('a', silent)])), { gate: 'exceptions<=0', code: 'TELEMETRY' });
  t.like(causeOf(facts([host('a')])), { gate: 'hits>=1', code: 'NO_TRAFFIC' });
  t.like(causeOf(facts([host('a')], { noTrafficOk: true })), { gate: 'external', code: 'INCONCLUSIVE' });
  t.is(causeOf(facts([host('a')], { noTrafficOk: true, external })), undefined);
  t.is(judgeGates([], facts([host('a')])).verdict, 'INCONCLUSIVE');
});

test('gates: what is always asked may be asked otherwise, and packets are asked of the first wave', (t) => {
  const asked = (given: readonly string[], wave: number, noTrafficOk = false) =>
    gatesOf(
      given.map((gate) => parseGate(gate)),
      { wave, noTrafficOk },
    ).map(formatGate);
  t.deepEqual(asked([], 1), ['verified>=100%', 'exceptions<=0', 'hits>=1']);
  t.deepEqual(asked([], 2), ['verified>=100%', 'exceptions<=0']);
  t.deepEqual(asked([], 1, true), ['verified>=100%', 'exceptions<=0']);
  t.deepEqual(asked(['hits>=9', 'verified>=98%'], 1), ['exceptions<=0', 'hits>=9', 'verified>=98%']);
  t.deepEqual(asked(['hits>=9'], 3), ['verified>=100%', 'exceptions<=0', 'hits>=9']);
});
