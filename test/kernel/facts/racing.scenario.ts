/**
 * Threads delete, or create, the same keys at the same moment: `racing.scenario.ts delete|create THREADS KEYS`, in
 * namespaces of its own. They meet at a barrier in shared memory before each key. Answers how often each thread was told
 * 0, how often the winner changed from one key to the next, for how many keys the answers were other than one 0 and the
 * rest `told`, and how many keys are there in the end.
 */
import { once } from 'node:events';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { loadNative, type MapHandle, type Native } from '../../../native/index.ts';
import { must } from '../../support/must.ts';
import { printResult } from '../../support/netns.ts';
import { u32 } from './loaded-source.ts';
import { OwnBpffs } from './own-bpffs.ts';

const HASH = 1;
const BPF_NOEXIST = 1;
const VALUE = new Uint8Array(8);

/** What happens to a key, and what those are told who came late. */
const RACES = {
  delete: { run: (native: Native, map: MapHandle, key: Uint8Array) => native.mapDeleteElem(map, key), told: -2 },
  create: {
    run: (native: Native, map: MapHandle, key: Uint8Array) => native.mapUpdateElem(map, key, VALUE, BPF_NOEXIST),
    told: -17,
  },
} as const;
type Race = keyof typeof RACES;

interface Task {
  readonly race: Race;
  readonly path: string;
  readonly thread: number;
  readonly threads: number;
  readonly keys: number;
  readonly arrived: SharedArrayBuffer;
  readonly answers: SharedArrayBuffer;
}

/** A thread that spun this long lets another one have its CPU. */
const SPINS = 2_000;
const PAUSE_MS = 0.05;

function meet(arrived: Int32Array, all: number): void {
  Atomics.add(arrived, 0, 1);
  for (let spins = 1; Atomics.load(arrived, 0) < all; spins++)
    if (spins % SPINS === 0) Atomics.wait(arrived, 1, 0, PAUSE_MS);
}

function raceAll({ race, path, thread, threads, keys, arrived, answers }: Task): void {
  const native = loadNative();
  const map = must(path, native.mapOpen(path, false));
  const { run } = RACES[race];
  const count = new Int32Array(arrived);
  const mine = new Int32Array(answers, thread * keys * 4, keys);
  for (let key = 0; key < keys; key++) {
    const bytes = u32(key);
    meet(count, (key + 1) * threads);
    mine[key] = run(native, map, bytes);
  }
}

function judge(answers: Int32Array, race: Race, threads: number, keys: number) {
  const wins = Array<number>(threads).fill(0);
  let [alternations, wrong, last] = [0, 0, -1];
  for (let key = 0; key < keys; key++) {
    const answered = Array.from({ length: threads }, (_, thread) => answers[thread * keys + key] ?? 1);
    const winner = answered.indexOf(0);
    if (winner < 0 || answered.some((rc, thread) => thread !== winner && rc !== RACES[race].told)) wrong++;
    wins[winner] = (wins[winner] ?? 0) + 1;
    if (last >= 0 && winner !== last) alternations++;
    last = winner;
  }
  return { threads, keys, wins, alternations, wrong };
}

async function observe(race: Race, threads: number, keys: number): Promise<unknown> {
  using bpffs = new OwnBpffs();
  const native = loadNative();
  const map: MapHandle = must('mapCreate', native.mapCreate(HASH, 'raced', 4, 8, keys, 0));
  native.mapPin(map, bpffs.path('raced'));
  const all = u32(...Array(keys).keys());
  if (race === 'delete' && native.mapUpdateBatch(map, all, new Uint8Array(8 * keys), keys, 0).rc !== 0)
    throw new Error('not filled');
  const answers = new SharedArrayBuffer(4 * threads * keys);
  new Int32Array(answers).fill(1);
  const arrived = new SharedArrayBuffer(8);
  const workers = Array.from({ length: threads }, (_, thread) => {
    const task: Task = { race, path: bpffs.path('raced'), thread, threads, keys, arrived, answers };
    return new Worker(new URL(import.meta.url), { workerData: task });
  });
  await Promise.all(workers.map((worker) => once(worker, 'exit')));
  const left = native.mapDump(map, 0).count;
  native.close(map);
  return { ...judge(new Int32Array(answers), race, threads, keys), left };
}

if (isMainThread) printResult(await observe(process.argv[2] as Race, Number(process.argv[3]), Number(process.argv[4])));
else raceAll(workerData as Task);
