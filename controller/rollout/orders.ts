import type { Cause } from '../../protocol/rollout.ts';
import { Declined } from '../model/declined.ts';
import { isActive, type Plan, type Rollout, type RolloutEvent, type RolloutState, waveOf } from '../model/rollout.ts';
import { begunAnew } from './outcome.ts';

/** Who asks for something, why and when. */
export interface By {
  readonly actor?: string;
  readonly reason?: string;
  readonly at: number;
}

/** What becomes of a rollout by what somebody asks for; undefined: it is so already. */
export interface Order {
  readonly to: RolloutState;
  readonly more?: Partial<Rollout>;
  readonly said: RolloutEvent;
}

/** It stands still until somebody resumes it. Errors: Declined. */
export function pausing({ id, state }: Rollout, by: By): Order | undefined {
  const { step } = requireMovable(id, state);
  if (state.is === 'PAUSED' && state.cause.code === 'ASKED') return undefined;
  return { to: { is: 'PAUSED', step, cause: asked(by) }, said: saidBy('paused', by) };
}

/** It goes on where it stood. Errors: Declined, also where it is not as it was when it was looked at. */
export function resuming(
  { id, state, version }: Rollout,
  seen: { readonly version: number; readonly skipGate?: true },
  epoch: string,
  by: By,
): Order | undefined {
  const { step } = requireMovable(id, state);
  if (state.is !== 'PAUSED') return undefined;
  if (version !== seen.version)
    throw new Declined(
      'ROLLOUT_MOVED',
      `rollout ${id} is of version ${version} by now, not ${seen.version}; look again: shunt rollout status ${id}`,
    );
  const more = { epoch, ...(seen.skipGate && { skipped: step.wave }) };
  const what = seen.skipGate ? 'gates-skipped' : 'resumed';
  return { to: { is: 'RUNNING', step: begunAnew(step, by.at) }, more, said: saidBy(what, by) };
}

/** It goes back, from wherever it is. Errors: Declined ROLLOUT_ENDED, where it is done. */
export function aborting({ id, state }: Rollout, by: By): Order | undefined {
  if (state.is === 'DONE')
    throw new Declined('ROLLOUT_ENDED', `rollout ${id} is done; undo it with shunt rollout rollback ${id}`);
  if (state.is === 'ROLLING_BACK' || state.is === 'ROLLED_BACK') return undefined;
  return { to: { is: 'ROLLING_BACK', wave: state.step.wave, cause: asked(by) }, said: saidBy('aborted', by) };
}

/**
 * What somebody outside saw of the wave that it is in. Errors: Declined, also where no gate asks for it: who says that it fails
 * must not believe that it stops by that.
 */
export function hearing(
  { id, state, plan }: Pick<Rollout, 'id' | 'state'> & { readonly plan: Pick<Plan, 'gates'> },
  { verdict, reason }: { readonly verdict: 'pass' | 'fail'; readonly reason: string },
  by: By,
): Order {
  requireMovable(id, state);
  if (!plan.gates.includes('external'))
    throw new Declined(
      'NOT_ASKED',
      `rollout ${id} has no gate external, so nobody would heed it; nothing was changed: shunt rollout abort ${id} takes it back, shunt rollout pause ${id} holds it`,
    );
  const wave = waveOf(state);
  const external = { wave, verdict, by: by.actor ?? 'somebody', reason, at: by.at };
  const message = `verdict ${verdict} by ${external.by}: ${reason}`;
  const of = { gate: 'external', verdict: verdict === 'pass' ? 'PASS' : 'FAIL' } as const;
  const said = { ...saidBy('verdict', by), ...of, message };
  return { to: state, more: { external }, said };
}

/** Errors: Declined, where nothing moves it any more, or it goes back. */
export function requireMovable(id: string, state: RolloutState): Extract<RolloutState, { readonly step: unknown }> {
  if (!isActive(state)) throw new Declined('ROLLOUT_ENDED', `rollout ${id} has ended: it is ${state.is}`);
  if ('step' in state) return state;
  throw new Declined('GOING_BACK', `rollout ${id} goes back already, and nothing stops that`);
}

function asked({ actor, reason, at }: By): Cause {
  return { code: 'ASKED', at, ...(actor !== undefined && { actor }), ...(reason !== undefined && { reason }) };
}

export function saidBy(what: string, { actor, reason }: By): RolloutEvent {
  const message = `${what} by ${actor ?? 'somebody'}${reason === undefined ? '' : `: ${reason}`}`;
  return { what, ...(actor !== undefined && { actor }), message };
}
