import type { Counting, Watched } from '../ports.ts';
import type { About } from './about.ts';
import type { Look } from './look.ts';

/** Has the hosts of a rollout asked what packets do there: those that it has reached, and those that it is compared with. */
export function watch(counting: Counting, { rollout, facts }: Look, { keys }: About, everyMs: number): void {
  const ours = new Map(keys.map((key) => [key, rollout.plan.firstRev]));
  const any = new Map(keys.map((key) => [key, 0]));
  const watched: Watched[] = [
    ...facts.reached.map(({ host }) => ({ host, keys: ours })),
    ...facts.control.map(({ host }) => ({ host, keys: any })),
  ];
  counting.watch(rollout.id, watched, everyMs);
}

/** Nobody is asked for rollouts that are not under way any more. */
export function unwatch(counting: Counting, active: ReadonlySet<string>): void {
  for (const id of [...counting.rollouts]) if (!active.has(id)) counting.forget(id);
}
