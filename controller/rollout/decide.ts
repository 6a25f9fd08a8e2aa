import type { Cause } from '../../protocol/rollout.ts';
import type { RolloutState, Step } from '../model/rollout.ts';
import { begunAnew, causeOf, fail, pause } from './outcome.ts';
import type { Decision, Snapshot } from './snapshot.ts';
import { converge, promote, publish, refill, soak } from './steps.ts';

/** Says what is to be done now: at most one step. Undefined: nothing. */
export function decide(snapshot: Snapshot, nowMs: number): Decision | undefined {
  const { state } = snapshot.rollout;
  switch (state.is) {
    case 'DONE':
    case 'ROLLED_BACK':
      return undefined;
    case 'ROLLING_BACK':
      return withdraw(snapshot, state);
    case 'PAUSED':
      return found(snapshot, state.step, nowMs) ?? goOn(snapshot, state, nowMs);
    case 'RUNNING':
      return found(snapshot, state.step, nowMs) ?? run(snapshot, state.step, nowMs);
  }
}

function run(snapshot: Snapshot, step: Step, nowMs: number): Decision | undefined {
  if (snapshot.blind) return pause(step, blindness(snapshot, nowMs));
  const emptied = refill(snapshot, step);
  if (emptied !== undefined) return emptied;
  switch (step.at) {
    case 'PUBLISH':
      return publish(snapshot, step, nowMs);
    case 'CONVERGE':
      return converge(snapshot, step, nowMs);
    case 'SOAK':
      return soak(snapshot, step, nowMs);
    case 'PROMOTE':
      return promote(snapshot, step, nowMs);
  }
}

function blindness({ judgement: { cause } }: Snapshot, at: number): Cause {
  return cause?.code === 'TELEMETRY' ? causeOf('TELEMETRY', at, cause) : { code: 'TELEMETRY', at };
}

/** What ends or stops a rollout in every state that has not ended. */
function found(snapshot: Snapshot, step: Step, nowMs: number): Decision | undefined {
  const { rollout, superseded } = snapshot;
  const { state } = rollout;
  if (superseded) return isPausedFor(state, 'HISTORY') ? undefined : pause(step, { code: 'HISTORY', at: nowMs });
  const cause = failureOf(snapshot, step, nowMs);
  if (cause === undefined) return undefined;
  // who only waits to hear hosts again would go on
  const stands = state.is === 'PAUSED' && rollout.plan.onFail === 'pause' && state.cause.code !== 'TELEMETRY';
  return stands ? undefined : fail(rollout, step, cause);
}

/** A host took it back by itself, or a gate fails over the hosts that have it. */
function failureOf({ hosts, judgement, rollout }: Snapshot, step: Step, at: number): Cause | undefined {
  const back = hosts.find(({ state, reverted }) => state === 'published' && reverted !== undefined);
  if (back?.reverted !== undefined) return { code: 'REVERTED', at, host: back.host, name: back.reverted };
  const { verdict, cause } = judgement;
  if (verdict !== 'FAIL' || cause === undefined || rollout.skipped === step.wave) return undefined;
  return causeOf('GATE_FAILED', at, cause);
}

function isPausedFor(state: RolloutState, code: string): boolean {
  return state.is === 'PAUSED' && state.cause.code === code;
}

/** What stopped because nothing was heard goes on when something is. */
function goOn({ rollout, judgement, blind }: Snapshot, state: RolloutState, nowMs: number): Decision | undefined {
  if (state.is !== 'PAUSED' || state.cause.code !== 'TELEMETRY' || blind) return undefined;
  if (judgement.verdict === 'INCONCLUSIVE' && judgement.cause?.code === 'TELEMETRY') return undefined;
  const to: RolloutState = { is: 'RUNNING', step: begunAnew(state.step, nowMs) };
  return {
    act: { do: 'turn' },
    to,
    said: { what: 'resumed', message: `hosts are heard again: ${rollout.id} goes on` },
  };
}

/** Going back passes no gate and waits for nobody. The newest wave goes first. */
function withdraw({ hosts, hostsAtOnce }: Snapshot, state: RolloutState & { readonly is: 'ROLLING_BACK' }): Decision {
  const reached = hosts.filter((host) => host.state === 'published');
  const next = reached.toSorted((a, b) => b.wave - a.wave || b.place - a.place).slice(0, hostsAtOnce);
  if (next.length > 0) return { act: { do: 'withdraw', hosts: next.map(({ host }) => host) }, to: state };
  const to: RolloutState = { ...state, is: 'ROLLED_BACK' };
  return { act: { do: 'free' }, to, said: { what: 'rolled-back', message: 'every log is as if it had never been' } };
}
