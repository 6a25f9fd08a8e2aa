import type { GateVerdict } from '../../protocol/gate.ts';
import type { Cause } from '../../protocol/rollout.ts';
import type { Rollout, RolloutEvent, Step } from '../model/rollout.ts';
import type { Decision } from './snapshot.ts';

/** It goes back by itself, or waits for somebody, as it was told at its start. */
export function fail({ plan }: Pick<Rollout, 'plan'>, step: Step, cause: Cause): Decision {
  if (plan.onFail === 'pause') return pause(step, cause, 'failed');
  const said = { what: 'failed', ...factsOf(cause), message: `${textOf(cause)}: it goes back` };
  return { act: { do: 'turn' }, to: { is: 'ROLLING_BACK', wave: step.wave, cause }, said };
}

/** It stands still, and keeps its step. */
export function pause(step: Step, cause: Cause, what = 'paused'): Decision {
  const said = { what, ...factsOf(cause), message: `${textOf(cause)}: it stands still` };
  return { act: { do: 'turn' }, to: { is: 'PAUSED', step, cause }, said };
}

/** A cause of what a gate says: which one, of which host and redirect, and the numbers of the wave against control. */
export function causeOf(code: Cause['code'], at: number, { gate, why, host, name, wave, control }: GateVerdict): Cause {
  return {
    ...{ code, at, gate },
    ...(host !== undefined && { host }),
    ...(name !== undefined && { name }),
    ...(wave !== null && { wave }),
    ...(control !== null && { control }),
    detail: why,
  };
}

function factsOf({ code, host, gate, actor }: Cause): Omit<RolloutEvent, 'what' | 'message'> {
  return {
    code,
    ...(host !== undefined && { host }),
    ...(gate !== undefined && { gate, verdict: code === 'GATE_FAILED' ? 'FAIL' : 'INCONCLUSIVE' }),
    ...(actor !== undefined && { actor }),
  };
}

/** A cause in words. */
export function textOf({ code, gate, host, name, detail, reason }: Cause): string {
  const of = [gate, host, name].filter((word) => word !== undefined).join(' on ');
  const why = detail ?? reason;
  return `${code}${of === '' ? '' : ` (${of})`}${why === undefined ? '' : `: ${why}`}`;
}

/** What gates said of a wave that soaked, in words. */
export function passedText(gates: readonly GateVerdict[]): string {
  return gates.map(({ gate, why, control }) => `${gate}: ${why}${controlText(control)}`).join('; ');
}

function controlText(control: GateVerdict['control']): string {
  if (control === null) return '';
  return ` (others ${control.count}${control.of === undefined ? '' : ` of ${control.of}`})`;
}

/** A step that goes on after a pause: the soak is kept, what was waited for is waited for anew. */
export function begunAnew(step: Step, nowMs: number): Step {
  switch (step.at) {
    case 'CONVERGE':
      return { ...step, waited: { ms: 0, lookedAtMs: nowMs } };
    case 'SOAK':
      return { ...step, soaked: { ...step.soaked, lookedAtMs: nowMs }, undecidedMs: 0 };
    default:
      return step;
  }
}
