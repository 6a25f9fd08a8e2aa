import { parentPort, workerData } from 'node:worker_threads';
import { playOne } from './crew.ts';
import { letDie } from './life.ts';

/** Plays the schedule of each seed that it is sent, and answers what it came to. */
letDie();
parentPort?.on('message', async (seed: number) => parentPort?.postMessage(await playOne(workerData, seed)));
