import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { play } from './play.ts';
import type { Played } from './played.ts';
import { type Act, scheduleOf } from './schedule.ts';

/** What the schedule of a seed came to. */
export interface Result extends Pick<Played, 'wrong' | 'events' | 'fired'> {
  readonly seed: number;
}

type Player = (seed: number) => Promise<Result>;

export interface Task {
  readonly from: number;
  readonly count: number;
  /** How many are played at a time, each by a thread of its own. */
  readonly jobs: number;
}

/** One schedule in so many is played a second time, on stores of SQLite. */
const ON_SQLITE_EVERY = 20;

/** Plays the schedule of a seed. */
export async function playSeed(seed: number): Promise<Result> {
  const { wrong, events, fired } = await playActs(scheduleOf(seed), seed);
  return { seed, wrong, events, fired };
}

/** Plays a schedule, and where its turn has come once more on stores of SQLite: all has to happen just the same. */
export async function playActs(acts: readonly Act[], seed: number): Promise<Played> {
  const played = await play(acts, seed);
  if (seed % ON_SQLITE_EVERY !== 0 || played.wrong.length > 0) return played;
  const { wrong, trace } = await play(acts, seed, 'of SQLite');
  const others = trace === played.trace ? [] : ['on stores of SQLite something else happens'];
  return { ...played, wrong: [...wrong, ...others] };
}

/** Plays the schedules of seeds, until one goes wrong; answers that, of several the one with the smallest seed. */
export async function playSeeds(task: Task, onResult: (result: Result) => void): Promise<Result | undefined> {
  let next = task.from;
  const failed: Result[] = [];
  const work = async (player: Player): Promise<void> => {
    while (next < task.from + task.count && failed.length === 0) {
      next += 1;
      const result = await player(next - 1);
      onResult(result);
      if (result.wrong.length > 0) failed.push(result);
    }
  };
  if (task.jobs === 1) await work(playSeed);
  else await Promise.all(Array.from({ length: task.jobs }, () => withThread(work)));
  return failed.sort((a, b) => a.seed - b.seed)[0];
}

async function withThread(work: (player: Player) => Promise<void>): Promise<void> {
  const thread = new Worker(new URL('worker.ts', import.meta.url));
  try {
    await work(async (seed) => {
      thread.postMessage(seed);
      const [result] = await once(thread, 'message');
      return result;
    });
  } finally {
    await thread.terminate();
  }
}
