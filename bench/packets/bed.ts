import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { attach } from '../../agent/attach/attach.ts';
import { detach } from '../../agent/attach/detach.ts';
import { NativeKernel } from '../../agent/kernel/native-kernel.ts';
import { pinPaths } from '../../agent/kernel/pins.ts';
import { type LinkHandle, loadNative, type MapHandle, type Native } from '../../native/index.ts';
import { must } from '../../test/support/must.ts';
import { addressBytes, frame, ipv4, ipv6, UDP, u16, udp } from '../../test/support/packets.ts';

/** What a subject answers, as the kernel numbers it. */
export type Answer = 'DROP' | 'PASS' | 'TX' | 'REDIRECT';
const ANSWERS = ['ABORTED', 'DROP', 'PASS', 'TX', 'REDIRECT'];
const FLOORS = ['floor1', 'floor1_v6', 'fib', 'bare', 'far'] as const;
export type Subject = 'shunt' | (typeof FLOORS)[number];

/** Addresses are drawn from the first 2^n after the base. */
export interface Run {
  readonly subject: Subject;
  readonly family: 4 | 6;
  /** The last 32 bits of the destination. */
  readonly base: number;
  readonly addresses: number;
  readonly repeat: number;
}

/** The destinations that entries have begin here: their last 32 bits. */
export const BASE = 0x0a00_0000;
const PREFIX6 = '2001:db8::';
const SOURCES = { 4: '198.51.100.7', 6: '2001:db8:1::7' } as const;
const XDP_NATIVE = 4;

/** Programs, maps and devices of a run, in a network namespace that whoever calls this made. All goes with it. */
export class Bed implements Disposable {
  readonly native: Native = loadNative();
  readonly kernel: NativeKernel;
  readonly ingress: number;
  readonly egress: number;
  readonly #folder = mkdtempSync(join(tmpdir(), 'shunt-bench-'));
  readonly pinRoot = join(this.#folder, 'bpf');
  readonly #floors: readonly [v4: MapHandle, v6: MapHandle];
  #far: LinkHandle | undefined;
  readonly #entries: number;

  /** `entries` of each address family, in our maps and in the floor's alike; those of one family fill all slots. */
  constructor(entries: number) {
    this.#entries = entries;
    compile(this.#folder);
    this.ingress = this.#ifindexOf('in0');
    this.egress = this.#ifindexOf('out0');
    const maxRedirects = Math.max(entries, 64);
    const owner = { uid: 0, gid: 0 };
    attach(this.native, {
      interfaces: ['in0'],
      owner,
      mode: 'native',
      pinRoot: this.pinRoot,
      maxRedirects,
      acceptPrivatePins: true,
    });
    this.kernel = new NativeKernel(this.native, this.pinRoot);
    this.#floors = this.#loadFloors(4 * maxRedirects);
  }

  /** Gives the floors the entries that ours have. */
  fillFloors(base: number): void {
    for (const [index, map] of this.#floors.entries()) {
      const family = index === 0 ? 4 : 6;
      const width = family === 4 ? 16 : 40;
      const keys = new Uint8Array(this.#entries * width);
      const values = new Uint8Array(this.#entries * 12).fill(2);
      for (let n = 0; n < this.#entries; n += 1) keys.set(floorKey(family, base + n), n * width);
      const { rc } = this.native.mapUpdateBatch(map, keys, values, this.#entries, 0);
      if (rc !== 0) throw new Error(`the floor's map: errno ${-rc}`);
    }
  }

  /** Has the tables in front of our maps say what is in these, as an agent does at its start. */
  settle(): void {
    for (const _ of this.kernel.entries.observe().entries);
    while (this.kernel.entries.tend());
  }

  /** Nanoseconds a run of each, all at once, each on a CPU of its own. Errors: Error where a subject answers otherwise. */
  async measure(runs: readonly Run[], answer: Answer): Promise<readonly number[]> {
    return Promise.all(runs.map((run, cpu) => this.#measure(run, answer, cpu)));
  }

  /** Nanoseconds a frame that the kernel then carries on. */
  live(subject: Subject, repeat: number): number {
    const frame = this.#frame(4);
    const argv = ['-c', '0', join(this.#folder, 'live-frames'), this.#pin(subject), `${this.ingress}`, frame];
    return Number(execFileSync('taskset', [...argv, `${repeat}`, '64'], { encoding: 'utf8' }));
  }

  [Symbol.dispose](): void {
    this.kernel[Symbol.dispose]();
    for (const handle of [...this.#floors, this.#far]) if (handle !== undefined) this.native.close(handle);
    for (const name of FLOORS) unlinkSync(this.#pin(name));
    detach(this.native, this.pinRoot, []);
    rmSync(this.#folder, { recursive: true });
  }

  #measure({ subject, family, base, addresses, repeat }: Run, answer: Answer, cpu: number): Promise<number> {
    const choice = [`${family === 6 ? 1 : 0}`, `${base}`, `${addresses - 1}`];
    const paths = [join(this.#folder, 'floors.bpf.o'), this.#pin(subject)];
    const argv = [...paths, this.#frame(family), `${this.ingress}`, `${repeat}`, ...choice];
    return new Promise((resolve, reject) => {
      const child = spawn('taskset', ['-c', `${cpu}`, join(this.#folder, 'measure'), ...argv]);
      let said = '';
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => (said += bytes));
      child.on('close', (status) => {
        const [retval, ns] = said.trim().split(' ').map(Number);
        if (status === 0 && ns !== undefined && ANSWERS[retval ?? 0] === answer) resolve(ns);
        else reject(new Error(`${subject}: ${status === 0 ? `${ANSWERS[retval ?? 0]}, not ${answer}` : said.trim()}`));
      });
    });
  }

  #frame(family: 4 | 6): string {
    const src = SOURCES[family];
    const packet =
      family === 4 ? ipv4(udp(), { src, dst: targetOf(4, BASE) }) : ipv6(udp(), { src, dst: targetOf(6, BASE) });
    return Buffer.from(frame(packet)).toString('hex');
  }

  #pin(subject: Subject): string {
    return subject === 'shunt' ? pinPaths(this.pinRoot).program : join(this.pinRoot, subject);
  }

  #loadFloors(maxEntries: number): readonly [MapHandle, MapHandle] {
    const { native } = this;
    const object = must('open', native.objectOpen(join(this.#folder, 'floors.bpf.o')));
    for (const map of ['floor4', 'floor6']) native.objectSetMaxEntries(object, map, maxEntries);
    native.objectSkipProgram(object, 'wrapper');
    const { rc, log } = native.objectLoad(object);
    if (rc !== 0) throw new Error(`the floors do not load: errno ${-rc}\n${log}`);
    for (const name of FLOORS) {
      const program = must(name, native.objectProgram(object, name));
      const pinned = native.programPin(program, this.#pin(name));
      if (pinned !== 0) throw new Error(`pin ${name}: errno ${-pinned}`);
      if (name === 'far') this.#far = must('far', native.linkCreateXdp(program, this.#ifindexOf('out1'), XDP_NATIVE));
    }
    const out = must('out', native.objectMap(object, 'out'));
    native.mapUpdateElem(out, new Uint8Array(4), new Uint8Array(Uint32Array.of(this.egress).buffer), 0);
    const maps = [
      must('floor4', native.objectMap(object, 'floor4')),
      must('floor6', native.objectMap(object, 'floor6')),
    ] as const;
    native.close(object);
    return maps;
  }

  #ifindexOf(name: string): number {
    return must(name, this.native.netLinks().items.find((link) => link.name === name) ?? -19).ifindex;
  }
}

/** Two veth pairs; what is routed goes to a neighbour at the far end of the second. */
export function makeDevices(): void {
  const ip = (words: string): unknown => execFileSync('ip', words.split(' '));
  execFileSync('sysctl', ['-qw', 'net.ipv6.conf.default.disable_ipv6=1', 'net.ipv4.ip_forward=1']);
  for (const name of ['in', 'out']) {
    ip(`link add ${name}0 type veth peer ${name}1`);
    for (const end of [0, 1]) ip(`link set ${name}${end} up`);
  }
  ip('addr add 192.0.2.1/24 dev out0');
  ip('neigh add 192.0.2.2 lladdr 02:00:00:00:00:01 dev out0 nud permanent');
  ip('route add 10.0.0.0/8 via 192.0.2.2');
}

/** The address whose last 32 bits are these. */
export function targetOf(family: 4 | 6, last: number): string {
  if (family === 6) return `${PREFIX6}${(last >>> 16).toString(16)}:${(last & 0xffff).toString(16)}`;
  return [24, 16, 8, 0].map((shift) => (last >>> shift) & 255).join('.');
}

function compile(folder: string): void {
  const source = (name: string): string => join(import.meta.dirname, name);
  const include = readdirSync('/usr/include').find((name) => name.endsWith('-linux-gnu')) ?? '';
  const bpf = ['-O2', '-g', '-target', 'bpf', '-mcpu=v3', '-idirafter', join('/usr/include', include)];
  execFileSync('clang', [...bpf, '-c', source('floors.bpf.c'), '-o', join(folder, 'floors.bpf.o')]);
  for (const [name, file] of [
    ['measure', 'measure.c'],
    ['live-frames', '../live-frames.c'],
  ] as const)
    execFileSync('cc', ['-O2', '-o', join(folder, name), source(file), '-lbpf']);
}

function floorKey(family: 4 | 6, last: number): Uint8Array {
  const source = addressBytes(SOURCES[family]);
  const target = addressBytes(targetOf(family, last));
  return Uint8Array.of(...source, ...target, ...u16(40000), ...u16(443), UDP, 0, 0, 0);
}
