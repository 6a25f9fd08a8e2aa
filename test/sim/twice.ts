import { play } from './play.ts';
import type { Played } from './played.ts';
import { type Act, scheduleOf } from './schedule.ts';

/** One schedule in so many is played a second time, on stores of SQLite. */
const ON_SQLITE_EVERY = 20;

/** Plays the schedule of a seed. */
export function playSeed(seed: number): Promise<Played> {
  return playActs(scheduleOf(seed), seed);
}

/** Plays a schedule, and where its turn has come once more on stores of SQLite: all has to happen just the same. */
export async function playActs(acts: readonly Act[], seed: number): Promise<Played> {
  const played = await play(acts, seed);
  if (seed % ON_SQLITE_EVERY !== 0 || played.wrong.length > 0) return played;
  const { wrong, trace } = await play(acts, seed, 'of SQLite');
  const others = trace === played.trace ? [] : ['on stores of SQLite something else happens'];
  return { ...played, wrong: [...wrong, ...others] };
}
