/**
 * Overwrites one entry's next hop, as often as the argument says, from another thread, while frames run through it one by
 * one: how many missed the entry, and how many left with MACs that no next hop has. Run by overwrite.test.ts.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { encodeKey, encodeValue, formatMac } from '../../agent/kernel/layout.ts';
import { loadNative } from '../../native/index.ts';
import { parseMatch } from '../../protocol/match.ts';
import { must } from '../support/must.ts';
import { printResult } from '../support/netns.ts';
import { frame, ipv4, udp } from '../support/packets.ts';
import { LoadedProgram, SEND } from './loaded-program.ts';

interface Task {
  readonly path: string;
  readonly overwrites: number;
  readonly done: SharedArrayBuffer;
}

const BPF_F_LOCK = 4;
const OWN = { dst: '203.0.113.10' };
/** Every field that a packet can tell differs between the two. */
const HOPS = [
  { dmac: '02:11:11:11:11:11', smac: '02:22:22:22:22:22' },
  { dmac: '02:33:33:33:33:33', smac: '02:44:44:44:44:44' },
] as const;

function overwrite({ path, overwrites, done }: Task): void {
  const native = loadNative();
  const map = must(path, native.mapOpen(path, false));
  const key = encodeKey(parseMatch(OWN), 0);
  const values = HOPS.map((hop, rev) => encodeValue(key, { ...SEND, ...hop, rev }));
  for (let turn = 0; turn < overwrites; turn += 1) {
    const rc = native.mapUpdateElem(map, key, values[turn & 1] as Uint8Array, BPF_F_LOCK);
    if (rc !== 0) throw new Error(`overwrite ${turn}: errno ${-rc}`);
  }
  Atomics.store(new Int32Array(done), 0, 1);
  native.close(map);
}

async function observe(overwrites: number): Promise<unknown> {
  const folder = mkdtempSync(join(tmpdir(), 'shunt-overwrite-'));
  const bpffs = join(folder, 'bpf');
  mkdirSync(bpffs);
  using program = new LoadedProgram({ entries: 2 });
  if (program.native.mountBpf(bpffs) !== 0) throw new Error(`no bpffs at ${bpffs}`);
  try {
    program.install({ match: OWN, ...HOPS[0] });
    program.pin('redirect4', join(bpffs, 'redirect4'));
    const done = new SharedArrayBuffer(4);
    const task: Task = { path: join(bpffs, 'redirect4'), overwrites, done };
    const worker = new Worker(new URL(import.meta.url), { workerData: task });
    const ended = new Promise((resolve, reject) => worker.once('exit', resolve).once('error', reject));
    const packet = frame(ipv4(udp()));
    const macs = packet.slice(0, 12).toString();
    const counts = { packets: 0, missed: 0, wrong: 0, first: 0, second: 0 };
    for (const over = new Int32Array(done); Atomics.load(over, 0) === 0; counts.packets += 1) {
      const out = program.rewrite(packet);
      const [dmac, smac] = [formatMac(out.subarray(0, 6)), formatMac(out.subarray(6, 12))];
      if (dmac === HOPS[0].dmac && smac === HOPS[0].smac) counts.first += 1;
      else if (dmac === HOPS[1].dmac && smac === HOPS[1].smac) counts.second += 1;
      else if (out.subarray(0, 12).toString() === macs) counts.missed += 1;
      else counts.wrong += 1;
    }
    await ended;
    return { overwrites, ...counts };
  } finally {
    execFileSync('umount', [bpffs]);
    rmSync(folder, { recursive: true });
  }
}

if (isMainThread) printResult(await observe(Number(process.argv[2])));
else overwrite(workerData as Task);
