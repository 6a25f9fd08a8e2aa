import type { Fleet } from './fleet.ts';
import type { Placed, Rollout } from './look.ts';

const LOOKS_EVERY_MS = 200;

/** Does something once, right after the first transaction that leaves a rollout as it is to be for that. */
export function once({ judge }: Fleet, fits: (rollout: Rollout) => boolean, then: (rollout: Rollout) => void): void {
  const unwatch = judge.watch(() => {
    const found = judge.reach.active.find(fits);
    if (found === undefined) return;
    unwatch();
    then(found);
  });
}

export function later({ world }: Fleet, delayMs: number, then: () => void): void {
  void world.clock.delay(delayMs).then(then);
}

/** A host has what a rollout gave it, and does not take it back by itself. */
export function isConfirmed({ judge, hosts }: Fleet, { host, rev }: Placed): boolean {
  const { disk } = hosts.get(host) ?? {};
  return disk?.pending.size === 0 && (judge.look.confirmed.get(host) ?? 0) >= rev;
}

/** Does something as soon as it is so, if that is in time. */
export function soon(fleet: Fleet, isSo: () => boolean, then: () => void, leftMs: number): void {
  if (isSo()) then();
  else if (leftMs > 0) later(fleet, LOOKS_EVERY_MS, () => soon(fleet, isSo, then, leftMs - LOOKS_EVERY_MS));
}
