import type { Rollout, RolloutState } from '../../../../controller/model/rollout.ts';
import type { Judgement } from '../../../../controller/rollout/gates.ts';
import { PACE } from '../../../../controller/rollout/pace.ts';
import type { Decision, RolloutHostNow, Snapshot } from '../../../../controller/rollout/snapshot.ts';

export const NOW = 1_700_000_000_000;

export const PASSES: Judgement = { verdict: 'PASS', gates: [] };
const unseen = { wave: null, control: null };
export const FAILS: Judgement = {
  verdict: 'FAIL',
  cause: { gate: 'losses<=0.1%', verdict: 'FAIL', why: 'too many', host: 'a', ...unseen },
  gates: [],
};

export function undecided(code: 'INCONCLUSIVE' | 'NO_TRAFFIC' | 'TELEMETRY'): Judgement {
  return {
    verdict: 'INCONCLUSIVE',
    cause: { gate: 'hits>=1', verdict: 'INCONCLUSIVE', code, why: 'none', ...unseen },
    gates: [],
  };
}

/** A host that is there and well. */
export function host(name: string, place: number, more: Partial<RolloutHostNow> = {}): RolloutHostNow {
  const told = more.state === 'published';
  return {
    ...{ host: name, place, wave: 1, state: 'planned', rev: told ? 1 : 0, baseline: {} },
    ...{ heard: 'fresh', able: true, verified: told, settled: told },
    ...more,
  };
}

export function rollout(state: RolloutState, more: Partial<Rollout['plan']> = {}): Rollout {
  return {
    ...{ id: 'r', state, version: 7, planHash: '', epoch: 'e', startedMs: NOW, changedMs: NOW, origin: {} },
    plan: {
      waves: [1, 1, 2].map((size) => ({ share: String(size), size })),
      ...{ soakMs: 60_000, gates: [], onFail: 'rollback', withinMs: 60_000, firstRev: 1 },
      ...{ created: 1, changed: 0, deleted: 0, puts: true },
      ...more,
    },
  };
}

export function snapshot(
  state: RolloutState,
  hosts: readonly RolloutHostNow[],
  more: Partial<Snapshot> = {},
): Snapshot {
  return {
    ...{ rollout: rollout(state), hosts, joined: [], judgement: PASSES, blind: false, superseded: false },
    ...{ periods: PACE, hostsAtOnce: 64 },
    ...more,
  };
}

/** A decision on one line. */
export function told(decision: Decision | undefined): string {
  if (decision === undefined) return '–';
  const { act, to } = decision;
  const hosts = 'hosts' in act ? ` ${act.hosts.join(' ')}` : '';
  const late = 'deferred' in act && act.deferred.length > 0 ? `, not ${act.deferred.join(' ')}` : '';
  const step = 'step' in to ? ` ${to.step.at} ${to.step.wave}` : '';
  const why = 'cause' in to ? ` ${to.cause.code}` : '';
  return `${act.do}${hosts}${late} → ${to.is}${step}${why}`;
}
