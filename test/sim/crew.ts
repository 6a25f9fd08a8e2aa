import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { GAMES, type GameName, type Outcome } from './game.ts';

/** What the schedule of a seed came to. */
export interface Result extends Outcome {
  readonly seed: number;
}

type Player = (seed: number) => Promise<Result>;

export interface Task {
  readonly game: GameName;
  readonly from: number;
  readonly count: number;
  /** How many are played at a time, each by a thread of its own. */
  readonly jobs: number;
}

export async function playOne(game: GameName, seed: number): Promise<Result> {
  const { wrong, events, fired } = await GAMES[game].play(seed);
  await setImmediate(); // a schedule is one task, and what is native is freed between two
  return { seed, wrong, events, fired };
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
  if (task.jobs === 1) await work((seed) => playOne(task.game, seed));
  else await Promise.all(Array.from({ length: task.jobs }, () => withThread(task.game, work)));
  return failed.sort((a, b) => a.seed - b.seed)[0];
}

async function withThread(game: GameName, work: (player: Player) => Promise<void>): Promise<void> {
  const thread = new Worker(new URL('worker.ts', import.meta.url), { workerData: game });
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
