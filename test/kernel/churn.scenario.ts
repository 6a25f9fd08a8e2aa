/**
 * Looks up one entry while another thread rewrites it and deletes and adds its neighbours without a pause. Run by
 * churn.test.ts in namespaces of its own; the argument is the flag of the rewriting updates.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { VERDICTS } from '../../agent/kernel/abi.ts';
import { encodeKey, encodeValue } from '../../agent/kernel/layout.ts';
import { loadNative } from '../../native/index.ts';
import { parseMatch } from '../../protocol/match.ts';
import { must } from '../support/must.ts';
import { printResult } from '../support/netns.ts';
import { frame, ipv4, udp } from '../support/packets.ts';
import { LoadedProgram, SEND } from './loaded-program.ts';

interface Task {
  readonly path: string;
  readonly flags: number;
  readonly stop: SharedArrayBuffer;
}

const BPF_F_LOCK = 4;
const OWN = { dst: '203.0.113.10' };
const STRANGERS = Array.from({ length: 16 }, (_, index) => ({ dst: `203.0.113.${100 + index}` }));
/** A table of two elements: the strangers fall into the own bucket and get the elements that it gives back. */
const ENTRIES = 2;
const ROUNDS = 20;
const RUNS = 1_000_000;

const keyOf = (match: { dst: string }) => encodeKey(parseMatch(match), 0);

/** Rewrites the own entry with `flags`; strangers come and go, so that freed elements find new keys at once. */
function churn({ path, flags, stop }: Task): number {
  const native = loadNative();
  const map = must(path, native.mapOpen(path, false));
  const own = keyOf(OWN);
  const values = [0, 1].map((rev) => encodeValue(own, { ...SEND, action: 'drop', rev }));
  const strangers = STRANGERS.map((match) => keyOf(match)).map((key) => ({
    key,
    value: encodeValue(key, { ...SEND, action: 'pass', slot: 2 }),
  }));
  const stopped = new Int32Array(stop);
  let turns = 0;
  for (; Atomics.load(stopped, 0) === 0; turns++) {
    for (const { key, value } of strangers) {
      native.mapUpdateElem(map, key, value, BPF_F_LOCK);
      native.mapUpdateElem(map, own, values[turns & 1] ?? value, flags);
      native.mapDeleteElem(map, key);
    }
  }
  native.close(map);
  return turns;
}

async function observe(flags: number): Promise<unknown> {
  const folder = mkdtempSync(join(tmpdir(), 'shunt-churn-'));
  const bpffs = join(folder, 'bpf');
  mkdirSync(bpffs);
  using program = new LoadedProgram({ entries: ENTRIES });
  if (program.native.mountBpf(bpffs) !== 0) throw new Error(`no bpffs at ${bpffs}`);
  try {
    program.install({ match: OWN, action: 'drop' });
    program.pin('redirect4', join(bpffs, 'redirect4'));
    const stop = new SharedArrayBuffer(4);
    const task: Task = { path: join(bpffs, 'redirect4'), flags, stop };
    const worker = new Worker(new URL(import.meta.url), { workerData: task });
    await new Promise((resolve) => worker.once('online', resolve));
    for (let round = 0; round < ROUNDS; round++) program.repeat(frame(ipv4(udp())), RUNS);
    Atomics.store(new Int32Array(stop), 0, 1);
    await new Promise((resolve) => worker.once('exit', resolve));
    const verdicts = program.verdicts().map((packets, index) => [VERDICTS[index], packets] as const);
    const counted = verdicts.filter(([, packets]) => packets !== 0n);
    return { verdicts: Object.fromEntries(counted), strangers: program.counter(2).packets };
  } finally {
    execFileSync('umount', [bpffs]);
    rmSync(folder, { recursive: true });
  }
}

if (isMainThread) printResult(await observe(Number(process.argv[2])));
else console.error(`${churn(workerData as Task)} turns`);
