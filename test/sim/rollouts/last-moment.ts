import type { RolloutStep } from '../../../protocol/rollout.ts';
import { isFor } from './ends.ts';
import type { Fleet } from './fleet.ts';
import type { Rollout } from './look.ts';
import { isConfirmed, later, once } from './moments.ts';
import { BUSY, type Traffic } from './packets.ts';

/** So long at most somebody who is about to promote stops. */
const STOPS_MS = 250;

/**
 * Somebody joins at the worst moment: when the controller that is about to promote a rollout has looked who is there, and has
 * not written yet. It stops there until the other one has written down the host.
 */
export function joinAtLast(fleet: Fleet, number: number): void {
  const { judge, pair } = fleet;
  const joiner = fleet.host(number);
  const { name, bent } = joiner;
  const isAbout = (rollout: Rollout): boolean =>
    rollout.state === 'RUNNING' &&
    rollout.step === 'PROMOTE' &&
    pair.works(1 - pair.writer) &&
    isFor(rollout, { host: name, ...bent });
  once(fleet, isAbout, () => {
    const about = pair.writer;
    pair.freeze(about, 2); // what it waits for is the end of this transaction, and then its next look
    joiner.start();
    const wakes = (): void => {
      unwatch();
      pair.thaw(about);
    };
    const unwatch = judge.watch(() => {
      if (judge.look.hosts.has(name)) wakes();
    });
    later(fleet, STOPS_MS, wakes);
  });
}

const ABORTED_AFTER_MS = 50;
const WAKES_AFTER_MS = 3_000;

/** An operator aborts through one controller while the other one has decided to go on: it stopped before it wrote, and wakes. */
export function abortAtLast(fleet: Fleet, step: RolloutStep): void {
  const isThere = (rollout: Rollout): boolean => rollout.state === 'RUNNING' && rollout.step === step;
  once(fleet, isThere, ({ id }) => {
    fleet.pair.freeze(1, 2);
    later(fleet, ABORTED_AFTER_MS, () => fleet.operator.abort(id));
    later(fleet, WAKES_AFTER_MS, () => fleet.pair.thaw(1));
  });
}

/** An operator aborts as soon as so many hosts have it. */
export function abortOnceReached(fleet: Fleet, hosts: number): void {
  const has = ({ hosts: all }: Rollout): boolean =>
    [...all.values()].filter(({ state }) => state === 'published').length >= hosts;
  once(fleet, has, ({ id }) => fleet.operator.abort(id));
}

/** A soak that is shorter is over before anybody could have slept through it. */
const SOAKS_MS = 10_000;

/** Both controllers stop when a wave that soaks wants nothing but time, and wake together: nobody looked meanwhile. */
export function sleepWhileSoaking(fleet: Fleet, sleepMs: number): void {
  const wantsTime = (rollout: Rollout): boolean => {
    const { state, step, plan, wave, hosts } = rollout;
    const mine = [...hosts.values()].filter((host) => host.state === 'published' && host.wave === wave);
    const isSoaking = state === 'RUNNING' && step === 'SOAK' && plan.soakMs >= SOAKS_MS;
    return isSoaking && mine.every((host) => isConfirmed(fleet, host));
  };
  once(fleet, wantsTime, () => {
    for (const which of [0, 1]) fleet.pair.freeze(which, 0);
    later(fleet, sleepMs, () => {
      for (const which of [0, 1]) fleet.pair.thaw(which);
    });
  });
}

const PAUSED_AFTER_MS = 1_000;
const RESUMED_AFTER_MS = 2_000;

/** A wave falls silent before it hears of its change, and an operator lets its gates by: that is no word on who lacks it. */
export function letSilentBy(fleet: Fleet): void {
  const { judge, operator } = fleet;
  const isTold = ({ state, step }: Rollout): boolean => state === 'RUNNING' && step === 'CONVERGE';
  once(fleet, isTold, ({ id, wave, hosts }) => {
    for (const { host, wave: of, state } of hosts.values()) {
      const light = fleet.hosts.get(host);
      if (of === wave && state === 'published' && light !== undefined) light.bent.ways = 'both';
    }
    later(fleet, PAUSED_AFTER_MS, () => operator.pause(id));
    later(fleet, RESUMED_AFTER_MS, () => {
      const paused = judge.look.rollouts.get(id);
      if (paused?.state !== 'PAUSED') return;
      judge.soaks.skipped.add(id);
      operator.resume(paused, true);
    });
  });
}

const NO_PACKETS: Traffic = { perSecond: 0, lostPercent: 0 };
/** Longer than the first wave of any schedule takes, also one that stands still in the end. */
const AWAY_MS = 90_000;

/** No packet comes from when a rollout begins that wants some in its first wave: nobody knows what they would meet. */
export function keepPacketsAway(fleet: Fleet): void {
  const wantsSome = ({ state, step, wave, plan }: Rollout): boolean =>
    state === 'RUNNING' && step === 'PUBLISH' && wave === 1 && plan.puts && !plan.noTrafficOk && !plan.now;
  const send = (traffic: Traffic): void => {
    for (const host of fleet.hosts.values()) {
      host.flow();
      host.packets.changed();
      host.packets.traffic = traffic;
    }
  };
  once(fleet, wantsSome, () => {
    send(NO_PACKETS);
    later(fleet, AWAY_MS, () => send(BUSY));
  });
}
