import type { GateVerdict } from '../../../../protocol/gate.ts';
import type { RolloutHead } from '../../../../protocol/rollout.ts';
import type { Evidence, HoldUp, RolloutStatusReply, WaveNow } from '../../../../protocol/rollout-status.ts';

/** When the rollout of these tests begins. */
export const BEGAN = Date.UTC(2026, 10, 29, 18, 0, 0);
const SECOND = 1000;

export const HEAD: RolloutHead = {
  id: '5c1d9e20-7a41-4d0e-9a55-0b8e8b6a9d11',
  state: 'RUNNING',
  step: 'SOAK',
  wave: 2,
  waves: 5,
  version: 7,
  made: BEGAN,
  moved: BEGAN + 190 * SECOND,
  actor: 'ann@ops-1',
  sources: ['drain.yaml'],
  reason: 'web-2 is replaced',
  redirects: 2,
  hosts: 50,
  published: 5,
};

export function wave(number: number, share: string, hosts: number, more: Partial<WaveNow> = {}): WaveNow {
  const stored = { planned: 0, deferred: 0, published: 0, withdrawn: 0, excluded: 0, left: 0 };
  return {
    ...{ wave: number, share, hosts, ...stored },
    ...{ applied: 0, verified: 0, confirmed: 0, reverted: 0, silent: 0, ...more },
  };
}

const done = (count: number) => ({ published: count, applied: count, verified: count, confirmed: count });

const GATES: readonly GateVerdict[] = [
  { gate: 'verified>=100%', verdict: 'PASS', why: '5 of 5 hosts', wave: { count: 5, of: 5 }, control: null },
  { gate: 'exceptions<=0', verdict: 'PASS', why: 'none', wave: { count: 0 }, control: { count: 0 } },
  { gate: 'hits>=1', verdict: 'PASS', why: '48,210 packets', wave: { count: 48_210 }, control: null },
  {
    ...{ gate: 'losses<=0.1%', verdict: 'INCONCLUSIVE', code: 'NO_TRAFFIC', why: '210 packets, and 3,000 are needed' },
    ...{ wave: { count: 0, of: 210 }, control: { count: 1, of: 51_877 } },
  },
];

const HOLD_UPS: readonly HoldUp[] = [
  {
    ...{ host: 'edge-8', wave: 2, state: 'published', is: 'unconfirmed', rev: 48, at: 48 },
    ...{ seenAt: BEGAN + 199 * SECOND, code: 'NO_NEIGHBOUR', name: 'drain-web-2' },
  },
  { host: 'edge-9', wave: 5, state: 'deferred', is: 'silent', seenAt: null },
];

export function evidence(seq: number, atS: number, message: string, more: Partial<Evidence> = {}): Evidence {
  return { seq, at: BEGAN + atS * SECOND, what: 'moved', state: 'RUNNING', wave: 1, message, ...more };
}

const EVIDENCE: readonly Evidence[] = [
  evidence(1, 0, 'begun by ann@ops-1: 2 redirects on 50 hosts in 4 waves'),
  evidence(2, 0, 'wave 1: published to edge-4'),
  evidence(3, 9, 'wave 1: 1 of 1 host verified', { verdict: 'PASS' }),
  evidence(4, 160, 'wave 1: soaked, all gates pass'),
  evidence(5, 161, 'edge-9 cannot take it now: silent; it comes late'),
  evidence(6, 190, 'wave 2: 4 of 4 hosts verified', { verdict: 'PASS', wave: 2 }),
];

/** A rollout in the soak of its second wave. */
export function statusOf(more: Partial<RolloutStatusReply> = {}, head: Partial<RolloutHead> = {}): RolloutStatusReply {
  return {
    ...{ v: 1, rollout: { ...HEAD, ...head }, at: BEGAN + 260 * SECOND },
    waits: { for: 'soak', since: BEGAN + 190 * SECOND, until: BEGAN + 490 * SECOND },
    ...{ soakedMs: 70_000, soakMs: 300_000, spread: 'rack', maxUnreachable: '2%', onFail: 'rollback' },
    waveList: [
      wave(1, '1', 1, done(1)),
      wave(2, '10%', 4, { ...done(4), confirmed: 3 }),
      wave(3, '50%', 20, { planned: 20 }),
      wave(4, '100%', 24, { planned: 24 }),
      wave(5, '100%', 1, { deferred: 1, tail: true }),
    ],
    gates: GATES,
    holdUps: HOLD_UPS,
    holdUpsTotal: 2,
    ...{ silent: ['edge-9'], silentTotal: 1, deferred: ['edge-9'], deferredTotal: 1 },
    evidence: EVIDENCE,
    ...more,
  };
}

/** The same while its second wave is published: one host verified it, and one is cut off. */
export function converging(): RolloutStatusReply {
  return statusOf(
    {
      waits: { for: 'verified', since: BEGAN + 170 * SECOND, until: BEGAN + 290 * SECOND, hosts: 3 },
      soakedMs: 0,
      waveList: [
        wave(1, '1', 1, done(1)),
        wave(2, '10%', 4, { published: 4, applied: 2, verified: 1, silent: 1 }),
        wave(3, '50%', 20, { planned: 20 }),
        wave(4, '100%', 25, { planned: 25 }),
      ],
    },
    { step: 'CONVERGE', waves: 4 },
  );
}

/** The same taken back by a gate. */
export function rolledBack(more: Partial<RolloutStatusReply> = {}): RolloutStatusReply {
  const { step: _, ...head } = HEAD;
  const lost = { count: 212, of: 48_210 };
  return {
    ...statusOf({ soakedMs: 0, outstanding: ['edge-9'], outstandingTotal: 1, ...more }),
    rollout: {
      ...head,
      ...{ state: 'ROLLED_BACK', published: 0, version: 11, ended: BEGAN + 256 * SECOND },
      cause: {
        ...{ code: 'GATE_FAILED', at: BEGAN + 250 * SECOND, gate: 'losses<=0.1%', host: 'edge-4', name: 'drain-web-2' },
        ...{ wave: lost, control: { count: 2, of: 51_877 } },
      },
    },
    gates: GATES.map((gate) =>
      gate.gate === 'losses<=0.1%'
        ? { ...gate, verdict: 'FAIL', code: 'GATE_FAILED', host: 'edge-4', wave: lost }
        : gate,
    ),
    waveList: [
      wave(1, '1', 1, { withdrawn: 1 }),
      wave(2, '10%', 4, { withdrawn: 4, silent: 1 }),
      wave(3, '50%', 20, { planned: 20 }),
      wave(4, '100%', 25, { planned: 25 }),
    ],
  };
}
