/**
 * Rewrites one row of a table without a pause, from another thread, while packets run through the program, as often as the
 * argument says: how many of them took the one value, the other, what the redirect map says, or a mixture of two. Another argument
 * is the object of another program. Run by table-race.test.ts.
 */
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { VERDICTS, type Verdict } from '../../agent/kernel/abi.ts';
import { encodeKey, encodeValue } from '../../agent/kernel/layout.ts';
import { loadNative } from '../../native/index.ts';
import { must } from '../support/must.ts';
import { printResult } from '../support/netns.ts';
import { frame, ipv4, udp } from '../support/packets.ts';
import { OwnBpffs } from './facts/own-bpffs.ts';
import { SEND } from './loaded-program.ts';
import { keyOf, TabledProgram } from './tabled-program.ts';

interface Task {
  readonly rows: string;
  readonly filter: string;
  readonly shared: SharedArrayBuffer;
}

const OWN = '203.0.113.10';
const KEY = encodeKey(keyOf(OWN).match, 0);
/** In one call of the writer. */
const BATCH = 1_000;
/** In one call of the reader. */
const RUNS = 200_000;
const HALF = 2;
/** Words that both threads see. */
const STOP = 0;
const ROUNDS = 1;

/**
 * Which verdict is whose: PASSED the one's, EXPIRED the other's, TTL that of the redirect map. One that is dropped took its time
 * from the one and its action from the other. All have one slot, so that its row is believed as soon as it was hit.
 */
const ONE = { ...SEND, rev: 1, slot: 1, action: 'pass', until: 0n } as const;
const OTHER = { ...SEND, rev: 2, slot: 1, action: 'drop', until: 1n, ifindex: 99, dmac: '02:99:99:99:99:99' } as const;
const MAPPED = { ...SEND, rev: 3, slot: 1, action: 'send' } as const;
const NAMES: Partial<Record<Verdict, string>> = { PASSED: 'one', EXPIRED: 'other', TTL: 'map', DROPPED: 'torn' };

function rewrite({ rows, filter, shared }: Task): void {
  const native = loadNative();
  const table = must(
    'tableOpen',
    native.tableOpen(must(rows, native.mapOpen(rows, false)), must(filter, native.mapOpen(filter, false))),
  );
  const keys = Buffer.concat(Array.from({ length: BATCH }, () => KEY));
  const values = Buffer.concat(Array.from({ length: BATCH }, (_, n) => encodeValue(KEY, n % 2 === 0 ? ONE : OTHER)));
  native.tableClear(table, HALF, 0, 64);
  const words = new Int32Array(shared);
  while (Atomics.load(words, STOP) === 0) {
    if (native.tablePut(table, HALF, keys, values, BATCH) !== 0) throw new Error('tablePut');
    Atomics.add(words, ROUNDS, 1);
    Atomics.notify(words, ROUNDS);
  }
}

async function observe(looks: number, path: string | undefined): Promise<unknown> {
  using bpffs = new OwnBpffs();
  using held = new TabledProgram(path === undefined ? {} : { path });
  const { program } = held;
  program.install({ match: { dst: OWN }, ...MAPPED });
  const [rows, filter] = [bpffs.path('rows4'), bpffs.path('filter4')];
  program.pin('rows4', rows);
  program.pin('filter4', filter);
  const shared = new SharedArrayBuffer(8);
  const words = new Int32Array(shared);
  const worker = new Worker(new URL(import.meta.url), { workerData: { rows, filter, shared } satisfies Task });
  const ended = new Promise((resolve, reject) => worker.once('exit', resolve).once('error', reject));
  await Promise.race([ended, Atomics.waitAsync(words, ROUNDS, 0).value]);
  held.control.setTable(4, HALF);
  const packet = frame(ipv4(udp(), { dst: OWN, ttl: 1 }));
  const before = program.verdicts();
  for (let ran = 0; ran < looks; ran += RUNS) program.repeat(packet, RUNS);
  const counts: Record<string, number> = { one: 0, other: 0, map: 0, torn: 0, unexpected: 0 };
  for (const [i, count] of program.verdicts().entries()) {
    const name = NAMES[VERDICTS[i] as Verdict] ?? 'unexpected';
    counts[name] = (counts[name] ?? 0) + Number(count - (before[i] ?? 0n));
  }
  Atomics.store(words, STOP, 1);
  await ended;
  return { ...counts, rewrites: (words[ROUNDS] ?? 0) * BATCH };
}

if (isMainThread) printResult(await observe(Number(process.argv[2]), process.argv[3]));
else rewrite(workerData as Task);
