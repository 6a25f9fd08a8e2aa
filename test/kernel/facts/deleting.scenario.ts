/**
 * Threads delete the same keys at the same moment: `deleting.scenario.ts THREADS KEYS`, in namespaces of its own. They
 * meet at a barrier in shared memory before each key. Answers how often each thread was told 0, how often the winner
 * changed from one key to the next, and how many keys had other answers than one 0 and the rest ENOENT.
 */
import { once } from 'node:events';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { loadNative, type MapHandle } from '../../../native/index.ts';
import { must } from '../../support/must.ts';
import { printResult } from '../../support/netns.ts';
import { u32 } from './loaded-source.ts';
import { OwnBpffs } from './own-bpffs.ts';

interface Task {
  readonly path: string;
  readonly thread: number;
  readonly threads: number;
  readonly keys: number;
  readonly arrived: SharedArrayBuffer;
  readonly answers: SharedArrayBuffer;
}

const HASH = 1;
const ENOENT = -2;
/** A thread that spun this long lets another one have its CPU. */
const SPINS = 2_000;
const PAUSE_MS = 0.05;

function meet(arrived: Int32Array, all: number): void {
  Atomics.add(arrived, 0, 1);
  for (let spins = 1; Atomics.load(arrived, 0) < all; spins++)
    if (spins % SPINS === 0) Atomics.wait(arrived, 1, 0, PAUSE_MS);
}

function deleteAll({ path, thread, threads, keys, arrived, answers }: Task): void {
  const native = loadNative();
  const map = must(path, native.mapOpen(path, false));
  const count = new Int32Array(arrived);
  const mine = new Int32Array(answers, thread * keys * 4, keys);
  for (let key = 0; key < keys; key++) {
    const bytes = u32(key);
    meet(count, (key + 1) * threads);
    mine[key] = native.mapDeleteElem(map, bytes);
  }
}

function judge(answers: Int32Array, threads: number, keys: number) {
  const wins = Array<number>(threads).fill(0);
  let [alternations, wrong, last] = [0, 0, -1];
  for (let key = 0; key < keys; key++) {
    const told = Array.from({ length: threads }, (_, thread) => answers[thread * keys + key] ?? 1);
    const winner = told.indexOf(0);
    if (winner < 0 || told.some((rc, thread) => thread !== winner && rc !== ENOENT)) wrong++;
    wins[winner] = (wins[winner] ?? 0) + 1;
    if (last >= 0 && winner !== last) alternations++;
    last = winner;
  }
  return { threads, keys, wins, alternations, wrong };
}

async function observe(threads: number, keys: number): Promise<unknown> {
  using bpffs = new OwnBpffs();
  const native = loadNative();
  const map: MapHandle = must('mapCreate', native.mapCreate(HASH, 'raced', 4, 8, keys, 0));
  native.mapPin(map, bpffs.path('raced'));
  const all = u32(...Array(keys).keys());
  if (native.mapUpdateBatch(map, all, new Uint8Array(8 * keys), keys, 0).rc !== 0) throw new Error('not filled');
  const answers = new SharedArrayBuffer(4 * threads * keys);
  new Int32Array(answers).fill(1);
  const arrived = new SharedArrayBuffer(8);
  const workers = Array.from({ length: threads }, (_, thread) => {
    const task: Task = { path: bpffs.path('raced'), thread, threads, keys, arrived, answers };
    return new Worker(new URL(import.meta.url), { workerData: task });
  });
  await Promise.all(workers.map((worker) => once(worker, 'exit')));
  const left = native.mapDump(map, 0).count;
  native.close(map);
  return { ...judge(new Int32Array(answers), threads, keys), left };
}

if (isMainThread) printResult(await observe(Number(process.argv[2]), Number(process.argv[3])));
else deleteAll(workerData as Task);
