import type { RolloutStep } from '../../../protocol/rollout.ts';
import type { Fleet } from './fleet.ts';

/** So long somebody who is about to promote stops. */
const STOPS_MS = 250;
const NEVER = AbortSignal.any([]);

/**
 * Somebody joins at the worst moment: when the controller that is about to promote a rollout has looked who is there, and has
 * not written yet. It stops there, and the other one hears of the host.
 */
export function joinAtLast(fleet: Fleet, { host, which }: { readonly host: number; readonly which: number }): void {
  const { judge, pair, world } = fleet;
  judge.onCommit = () => {
    if (!judge.reach.active.some(({ state, step }) => state === 'RUNNING' && step === 'PROMOTE')) return;
    judge.onCommit = () => {};
    pair.freeze(which, 2); // what it waits for is the end of this transaction, and then its next look
    fleet.host(host).start();
    void world.clock.delay(STOPS_MS, NEVER).then(() => pair.thaw(which));
  };
}

const ABORTED_AFTER_MS = 50;
const WAKES_AFTER_MS = 3_000;

/** An operator aborts through one controller while the other one has decided to go on: it stopped before it wrote, and wakes. */
export function abortAtLast({ judge, operator, pair, world }: Fleet, step: RolloutStep): void {
  judge.onCommit = () => {
    const moved = judge.reach.active.find((rollout) => rollout.state === 'RUNNING' && rollout.step === step);
    if (moved === undefined) return;
    judge.onCommit = () => {};
    pair.freeze(1, 2);
    void world.clock.delay(ABORTED_AFTER_MS, NEVER).then(() => operator.abort(moved.id));
    void world.clock.delay(WAKES_AFTER_MS, NEVER).then(() => pair.thaw(1));
  };
}
