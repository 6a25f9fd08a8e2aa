/**
 * Builds a table anew, as often as the argument says, one after the other, while packets of keys that stand all the time run
 * through the program in another thread, and their entries change: how many packets missed. With `hasty` as the second argument
 * nobody waits for packets under way, and it ends once one missed; the third is the object of another program. Run by table-race.test.ts.
 */
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { VERDICTS, type Verdict } from '../../agent/kernel/abi.ts';
import { loadNative } from '../../native/index.ts';
import { must } from '../support/must.ts';
import { printResult } from '../support/netns.ts';
import { frame, ipv4, udp } from '../support/packets.ts';
import { OwnBpffs } from './facts/own-bpffs.ts';
import { TabledProgram } from './tabled-program.ts';

interface Task {
  readonly program: string;
  readonly shared: SharedArrayBuffer;
  /** Packets of one key in a row: a test-run begins and ends with a grace period, which takes longer than they do. */
  readonly repeat: number;
}

const STOP = 0;
const PACKETS = 1;
const PRESENT = Array.from({ length: 60 }, (_, n) => `203.0.113.${n}`);
/** Come and go in each round, and leave more rows behind than a table is to have. */
const PASSING = Array.from({ length: 60 }, (_, n) => `198.51.100.${n}`);
const ROW_BITS = 8;
/** So long the half that was left stands empty, as it does where the loop has other things to do. */
const EMPTY_NS = 10_000_000n;

function run({ program: path, shared, repeat }: Task): void {
  const native = loadNative();
  const program = must('program', native.programOpen(path));
  const words = new Int32Array(shared);
  const packets = PRESENT.map((dst) => frame(ipv4(udp(), { dst })));
  for (let n = 0; Atomics.load(words, STOP) === 0; n += 1) {
    const dataIn = packets[n % packets.length] as Uint8Array;
    const { rc } = native.programTestRun(program, { dataIn, ctxIn: null, repeat, dataOutSize: 256, ctxOutSize: 0 });
    if (rc === 0) Atomics.add(words, PACKETS, repeat);
  }
}

/** Two rounds: keys come, go, and the half that they wore out is left; at once an agent that is started anew takes it again. */
function rebuild(held: TabledProgram, round: number): void {
  leaveWorn(held, round);
  held.restart();
  for (const _ of held.entries.observe());
  held.entries.tend();
  const until = process.hrtime.bigint() + EMPTY_NS;
  while (process.hrtime.bigint() < until);
  while (held.entries.tend());
}

function leaveWorn(held: TabledProgram, round: number): void {
  const before = held.control.table(4);
  for (let turn = 0; held.control.table(4) === before; turn += 1) {
    if (turn > 100) throw new Error('it is not built anew');
    for (const _ of held.entries.observe());
    for (let slice = 0; held.entries.tend(); slice += 1)
      held.put([
        PRESENT[(round + slice) % PRESENT.length] as string,
        { action: slice % 2 === 0 ? 'pass' : 'drop', rev: round },
      ]);
    if (held.control.table(4) !== before) return;
    held.put(...PASSING.map((dst) => [dst, { action: 'drop' }] as const));
    held.remove(...PASSING);
  }
}

async function observe(rebuilds: number, hasty: boolean, path: string | undefined): Promise<unknown> {
  using bpffs = new OwnBpffs();
  const native = { ...loadNative(), ...(hasty && { membarrierGlobal: () => 0 }) };
  using held = new TabledProgram({ native, rowBits: ROW_BITS, ...(path !== undefined && { path }) });
  const { program } = held;
  program.install({ match: { dst: '192.0.2.1' } });
  held.put(...PRESENT.map((dst) => [dst, { action: 'drop' }] as const));
  held.readBack();
  const shared = new SharedArrayBuffer(8);
  const words = new Int32Array(shared);
  native.programPin(program.program, bpffs.path('program'));
  const worker = new Worker(new URL(import.meta.url), {
    workerData: { program: bpffs.path('program'), shared, repeat: path === undefined ? 20_000 : 10 } satisfies Task,
  });
  const ended = new Promise((resolve, reject) => worker.once('exit', resolve).once('error', reject));
  while (Atomics.load(words, PACKETS) === 0) await new Promise((resolve) => setImmediate(resolve));
  const missed = (): boolean => (program.verdicts()[VERDICTS.indexOf('NO_MATCH')] ?? 0n) > 0n;
  for (let round = 0; round < rebuilds && !(hasty && missed()); round += 2) rebuild(held, round);
  Atomics.store(words, STOP, 1);
  await ended;
  const counts = Object.fromEntries(program.verdicts().map((count, i) => [VERDICTS[i] as Verdict, Number(count)]));
  const { DROPPED = 0, PASSED = 0, NO_MATCH = 0, ...others } = counts;
  const other = Object.values(others).reduce((sum, count) => sum + count, 0);
  return { rebuilds, packets: words[PACKETS], hits: DROPPED + PASSED, missed: NO_MATCH, other };
}

const [, , rebuilds, haste, path] = process.argv;
if (isMainThread) printResult(await observe(Number(rebuilds), haste === 'hasty', path));
else run(workerData as Task);
