/** One large TCP packet on its way to the program, by each way in; run by unsegmented.test.ts in namespaces of its own. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { attach } from '../../../agent/attach/attach.ts';
import { detach } from '../../../agent/attach/detach.ts';
import { NativeKernel } from '../../../agent/kernel/native-kernel.ts';
import { loadNative } from '../../../native/index.ts';
import { must } from '../../support/must.ts';
import { printResult } from '../../support/netns.ts';
import { frame, ipv4, TCP, tcp } from '../../support/packets.ts';
import { redirectTo } from '../redirect-to.ts';

const native = loadNative();
const WRITER = join(import.meta.dirname, 'large-frame.c');
const MAC = '02:00:00:00:01:00';
const TARGET = '198.51.100.2';
const TCP_FLAGS = 13;
/** Segments without it, or of packets that may be cut up, are merged by nobody. */
const ACK = 0x10;
const DONT_FRAGMENT = 0x4000;
const SEGMENT = 1400;
const SEGMENTS = 10;
const SETTLE_MS = 120_000;
/** All of a packet comes in the softirq in which its first segment does, or in the next. */
const QUIET_MS = 50;

const ip = (words: string): void => void execFileSync('ip', words.split(' '));
const ethtool = (netdev: string, words: string): void =>
  void execFileSync('ethtool', ['-K', netdev, ...words.split(' ')]);
const ifindexOf = (name: string): number =>
  must(name, native.netLinks().items.find((link) => link.name === name) ?? -19).ifindex;

/** A tap that frames are written into, and our program on the ingress `in0`, which redirects them to `out0`. */
class Bench implements AsyncDisposable {
  readonly #folder: string;
  readonly #pinRoot: string;
  readonly #writer: ChildProcess;
  readonly #kernel: NativeKernel;

  private constructor(folder: string, writer: ChildProcess, mode: 'native' | 'generic') {
    this.#folder = folder;
    this.#writer = writer;
    this.#pinRoot = join(folder, 'bpf');
    ip('link add out0 type veth peer out1');
    for (const name of ['out0', 'out1']) ip(`link set ${name} up`);
    ethtool('out1', 'gro on');
    const options = { interfaces: ['in0'], owner: { uid: 0, gid: 0 }, maxRedirects: 64 };
    const accepted = { acceptPrivatePins: true, acceptHiddenTags: true };
    attach(native, { ...options, ...accepted, mode, pinRoot: this.#pinRoot });
    this.#kernel = new NativeKernel(native, this.#pinRoot);
    redirectTo(this.#kernel.entries, TARGET, ifindexOf('out0'));
  }

  /** `wire` joins the tap, `tap`, to the ingress, `in0`, which has the address `MAC`. */
  static async make(mode: 'native' | 'generic', wire: (tap: string) => void, tap = 'tap0'): Promise<Bench> {
    const folder = mkdtempSync(join(tmpdir(), 'shunt-unsegmented-'));
    const binary = join(folder, 'large-frame');
    execFileSync('cc', ['-O2', '-o', binary, WRITER]);
    const writer = spawn(binary, [tap], { stdio: ['pipe', 'pipe', 'inherit'] });
    await once(writer.stdout, 'data');
    wire(tap);
    ip(`link set ${tap} up`);
    return new Bench(folder, writer, mode);
  }

  /** Hits by verdict, of one packet that is to be cut into `SEGMENTS`. */
  async hits(): Promise<Record<string, number>> {
    const before = this.#counted();
    const header = tcp();
    header[TCP_FLAGS] = ACK;
    const packet = Buffer.concat([header, new Uint8Array(SEGMENT * SEGMENTS)]);
    const bytes = frame(ipv4(packet, { dst: TARGET, proto: TCP, fragment: DONT_FRAGMENT }), { dst: MAC });
    this.#writer.stdin?.write(`${SEGMENT} ${Buffer.from(bytes).toString('hex')}\n`);
    const deadline = performance.now() + SETTLE_MS;
    while (isDeepStrictEqual(this.#counted(), before)) {
      if (performance.now() > deadline) throw new Error('nothing came');
      await delay(5);
    }
    await delay(QUIET_MS);
    const more = Object.entries(this.#counted()).map(([name, hits]) => [name, hits - (before[name] ?? 0)] as const);
    return Object.fromEntries(more.filter(([, hits]) => hits > 0));
  }

  #counted(): Record<string, number> {
    const verdicts = this.#kernel.counts.verdicts();
    return Object.fromEntries(['SENT', 'TOO_BIG'].map((name) => [name, Number(verdicts.get(name))]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#kernel[Symbol.dispose]();
    detach(native, this.#pinRoot, []);
    const ended = once(this.#writer, 'exit');
    this.#writer.stdin?.end();
    await ended;
    rmSync(this.#folder, { recursive: true });
  }
}

/** The sender's end of the ingress is `in1`; the tap stands for who sends by it. */
function byVeth(tap: string): void {
  ip(`link add in0 address ${MAC} type veth peer in1`);
  ip('link add sender type bridge');
  for (const name of [tap, 'in1']) ip(`link set ${name} master sender`);
  for (const name of ['in0', 'in1', 'sender']) ip(`link set ${name} up`);
}

function byBridge(tap: string): void {
  ip(`link add port address 02:00:00:00:03:00 type veth peer in1`);
  ip('link add sender type bridge');
  for (const name of [tap, 'in1']) ip(`link set ${name} master sender`);
  ip(`link add in0 address ${MAC} type bridge`);
  ip('link set port master in0');
  for (const name of ['in0', 'port', 'in1', 'sender']) ip(`link set ${name} up`);
}

function isFixedOff(netdev: string, feature: string): boolean {
  return execFileSync('ethtool', ['-k', netdev], { encoding: 'utf8' }).includes(`${feature}: off [fixed]`);
}

const scenarios: Record<string, () => Promise<unknown>> = {
  async 'veth generic'() {
    await using bench = await Bench.make('generic', byVeth);
    const found: Record<string, unknown> = { 'by default': await bench.hits() };
    for (const words of ['gso off', 'gso on', 'tso off', 'tso on', 'tx off']) {
      ethtool('in1', words);
      found[words] = await bench.hits();
    }
    return found;
  },

  async 'veth native'() {
    await using bench = await Bench.make('native', byVeth);
    const fixed = ['tx-tcp-segmentation', 'tx-tcp6-segmentation', 'tx-udp-segmentation'].map((name) =>
      isFixedOff('in1', name),
    );
    return { hits: await bench.hits(), fixed };
  },

  async bridge() {
    await using bench = await Bench.make('generic', byBridge);
    ethtool('in1', 'tso off');
    ethtool('port', 'gro off');
    const segments = await bench.hits();
    ethtool('port', 'gro on');
    const { SENT: sent = 0, TOO_BIG: large = 0 } = await bench.hits();
    return { segments, merged: large > 0, sent: sent < SEGMENTS };
  },

  async 'tap generic'() {
    await using bench = await Bench.make('generic', () => ip(`link set in0 address ${MAC}`), 'in0');
    return await bench.hits();
  },

  async 'tap native'() {
    await using bench = await Bench.make('native', () => ip(`link set in0 address ${MAC}`), 'in0');
    return await bench.hits();
  },
};

execFileSync('sysctl', ['-qw', 'net.ipv6.conf.default.disable_ipv6=1']);
const [name = ''] = process.argv.slice(2);
printResult(await scenarios[name]?.());
