/**
 * What watching delivery costs a packet: `node bench/delivery.ts`, as root, after `./dev build`. Live frames go through the
 * program and out of a veth whose far end drops them natively; in turns with and without the tracepoint programs, on one
 * CPU, in namespaces of its own. Nanoseconds a frame are the median of the rounds; the floor is the same without.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { attach } from '../agent/attach/attach.ts';
import { detach } from '../agent/attach/detach.ts';
import { NativeKernel } from '../agent/kernel/native-kernel.ts';
import { pinPaths } from '../agent/kernel/pins.ts';
import { TRACEPOINTS } from '../agent/kernel/traffic.ts';
import { entryId } from '../agent/model/entry-key.ts';
import { loadNative } from '../native/index.ts';
import { parseMatch } from '../protocol/match.ts';
import { shapeOf } from '../protocol/shape.ts';
import { readArguments } from '../test/support/arguments.ts';
import { BpfObject } from '../test/support/bpf-object.ts';
import { must } from '../test/support/must.ts';
import { frame, ipv4, udp } from '../test/support/packets.ts';

const ROUNDS = 15;
const REPEAT = 200_000;
const XDP_NATIVE = 4;

if (process.argv[2] !== 'inside') {
  readArguments('bench delivery', {});
  const script = ['sh', '-c', 'mount -t sysfs sysfs /sys && exec "$@"', 'sh', process.execPath];
  const argv = ['--net', '--mount', '--propagation', 'private', ...script, fileURLToPath(import.meta.url), 'inside'];
  execFileSync('unshare', argv, { stdio: 'inherit' });
  process.exit();
}

const native = loadNative();
const folder = mkdtempSync(join(tmpdir(), 'shunt-bench-'));
const pinRoot = join(folder, 'bpf');
const paths = pinPaths(pinRoot);
const ip = (words: string): unknown => execFileSync('ip', words.split(' '));
const ifindexOf = (name: string): number =>
  must(name, native.netLinks().items.find((link) => link.name === name) ?? -19).ifindex;

const live = join(folder, 'live-frames');
execFileSync('cc', ['-O2', '-o', live, join(import.meta.dirname, 'live-frames.c'), '-lbpf']);
execFileSync('sysctl', ['-qw', 'net.ipv6.conf.default.disable_ipv6=1']);
for (const name of ['in', 'out']) {
  ip(`link add ${name}0 type veth peer ${name}1`);
  for (const end of [0, 1]) ip(`link set ${name}${end} up`);
}
using source = new BpfObject(
  'SEC("xdp") int far(struct xdp_md *ctx) { return XDP_DROP; } char LICENSE[] SEC("license") = "GPL";',
);
const object = must('open', native.objectOpen(source.path));
native.objectLoad(object);
const program = must('far', native.objectProgram(object, 'far'));
const far = must('link', native.linkCreateXdp(program, ifindexOf('out1'), XDP_NATIVE));

const watch = (): unknown =>
  attach(native, {
    ...{ interfaces: ['in0'], owner: { uid: 0, gid: 0 }, mode: 'native', pinRoot, maxRedirects: 64 },
    acceptPrivatePins: true,
  });
const unwatch = (): void => {
  for (const name of TRACEPOINTS) unlinkSync(paths.tracepoint(name));
};
watch();
const kernel = new NativeKernel(native, pinRoot);
const match = parseMatch({ dst: '203.0.113.10' });
const key = { match, zone: 0 };
const macs = { dmac: '02:00:00:00:00:01', smac: '02:00:00:00:00:02' };
const ifindex = ifindexOf('out0');
kernel.entries.apply([
  { op: 'port', ifindex, present: true },
  { op: 'shapes', family: 4, shapes: [shapeOf(match)] },
  {
    ...{ op: 'write', id: entryId(key), key },
    value: { rev: 1, until: 0n, slot: 0, ifindex, action: 'send', keepTtl: true, mtu: 1500, ...macs },
  },
]);

const bytes = Buffer.from(frame(ipv4(udp()))).toString('hex');
const median = (list: readonly number[]): number => list.toSorted((a, b) => a - b)[list.length >> 1] ?? Number.NaN;
const run = (batch: number): number => {
  const argv = ['-c', '0', live, paths.program, `${ifindexOf('in0')}`, bytes, `${REPEAT}`, `${batch}`];
  return Number(execFileSync('taskset', argv, { encoding: 'utf8' }));
};

/** Rounds in turns, so that what else the machine does falls on both alike. */
function compare(says: string, batch: number): void {
  const [off, on]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round += 1) {
    unwatch();
    off.push(run(batch));
    watch();
    on.push(run(batch));
  }
  const [floor, watched] = [median(off), median(on)];
  console.log(`${says}: ${floor} ns without, ${watched} ns with, ratio ${(watched / floor).toFixed(3)}`);
}

console.log(`ns a frame, median of ${ROUNDS} rounds of ${REPEAT} frames`);
compare('delivered, 16 frames a flush', 64);
compare('delivered, 1 frame a flush', 1);
execFileSync('ip', ['link', 'set', 'out0', 'down']);
compare('lost, ENETDOWN on every frame', 64);
const { losses } = kernel.counts.losses();
console.log('counted as lost:', losses.map((it) => `${it.tracepoint} ${it.errno ?? '-'} ${it.packets}`).join(', '));

kernel[Symbol.dispose]();
for (const handle of [far, program, object]) native.close(handle);
detach(native, pinRoot, []);
rmSync(folder, { recursive: true });
