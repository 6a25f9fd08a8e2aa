/** Loses packets for real, one way at a time; run by delivery.test.ts in namespaces of its own. */
import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type AttachReport, attach } from '../../agent/attach/attach.ts';
import { detach } from '../../agent/attach/detach.ts';
import { decodeAbout, encodeAbout } from '../../agent/kernel/about.ts';
import { u32 } from '../../agent/kernel/bytes.ts';
import { NativeKernel } from '../../agent/kernel/native-kernel.ts';
import { pinPaths } from '../../agent/kernel/pins.ts';
import { TRACEPOINTS } from '../../agent/kernel/traffic.ts';
import { type AnyHandle, type LoadResult, loadNative, type Native, type ObjectHandle } from '../../native/index.ts';
import { BpfObject } from '../support/bpf-object.ts';
import { must } from '../support/must.ts';
import { printResult } from '../support/netns.ts';
import { redirectTo } from './redirect-to.ts';

const native = loadNative();
const SETTLE_MS = 120_000;
/** What was judged has left or died by then: it does so in the same softirq. */
const QUIET_MS = 20;
const PACKETS = 100;
const PAYLOAD = 900;
const IN_MAC = '02:00:00:00:01:00';
const XDP_NATIVE = 4;
const EPERM = 1;

function ip(words: string): void {
  execFileSync('ip', words.split(' '));
}

function gro(netdev: string, on: boolean): void {
  execFileSync('ethtool', ['-K', netdev, 'gro', on ? 'on' : 'off']);
}

function ifindexOf(name: string): number {
  return must(name, native.netLinks().items.find((link) => link.name === name) ?? -19).ifindex;
}

/** What a burst became: verdicts counted, and losses by tracepoint, egress and errno. */
interface Became {
  readonly verdicts: Record<string, number>;
  readonly losses: Record<string, number>;
  readonly arrived: number;
}

/**
 * A sender on in1, our program on its peer in0, and an egress out0 whose peer out1 takes natively redirected frames. All
 * in the namespace of this process, which takes them along.
 */
class Bench implements Disposable {
  readonly pinRoot: string;
  readonly paths;
  readonly report: AttachReport;
  readonly #native: Native;
  kernel: NativeKernel;
  readonly #folder = mkdtempSync(join(tmpdir(), 'shunt-delivery-'));

  constructor(mode: 'native' | 'generic' = 'native', loader: Native = native) {
    this.#native = loader;
    this.pinRoot = join(this.#folder, 'bpf');
    this.paths = pinPaths(this.pinRoot);
    ip(`link add in0 address ${IN_MAC} type veth peer in1`);
    ip('link add out0 type veth peer out1');
    for (const name of ['in0', 'in1', 'out0', 'out1']) ip(`link set ${name} up`);
    ip('address add 198.51.100.1/24 dev in1');
    ip(`neighbour add 198.51.100.2 lladdr ${IN_MAC} dev in1`);
    for (const name of ['in1', 'out1']) gro(name, true);
    this.report = this.attach(mode);
    this.kernel = new NativeKernel(native, this.pinRoot);
  }

  attach(mode: 'native' | 'generic' = 'native'): AttachReport {
    const interfaces = ['in0'];
    return attach(this.#native, {
      interfaces,
      owner: { uid: 65534, gid: 65534 },
      mode,
      pinRoot: this.pinRoot,
      maxRedirects: 64,
      acceptPrivatePins: true,
    });
  }

  /** As an agent does that starts anew. */
  reopen(): void {
    this.kernel[Symbol.dispose]();
    this.kernel = new NativeKernel(native, this.pinRoot);
  }

  /** Sends everything for 198.51.100.2 out of a netdev, which stands in `ports` or not. */
  redirect(netdev: string, present = true): void {
    redirectTo(this.kernel.entries, '198.51.100.2', ifindexOf(netdev), present);
  }

  /** Names another program as ours, as only the loader may. */
  pretend(program: number): void {
    const map = must('about', native.mapOpen(this.paths.map('about'), false));
    const about = decodeAbout(must('about', native.mapLookupElem(map, u32(0), 0)));
    native.mapUpdateElem(map, u32(0), encodeAbout({ ...about, program }), 0);
    native.close(map);
  }

  /** Where another program than ours judges them, `at` is the interface at which it does. */
  async burst(far = 'out1', at?: string): Promise<Became> {
    const before = this.#counts(far);
    const earlier = at === undefined ? 0 : received(at);
    const verdicts = (it: Became): number => Object.values(it.verdicts).reduce((sum, packets) => sum + packets, 0);
    const judged = (): number =>
      at === undefined ? verdicts(difference(this.#counts(far), before)) : received(at) - earlier;
    await sendUdp(PACKETS);
    const deadline = performance.now() + SETTLE_MS;
    while (judged() < PACKETS && performance.now() < deadline) await delay(5);
    await delay(QUIET_MS);
    return difference(this.#counts(far), before);
  }

  #counts(far: string): Became {
    const names = new Map(native.netLinks().items.map((link) => [link.ifindex, link.name]));
    const { losses } = this.kernel.counts.losses();
    return {
      verdicts: Object.fromEntries(
        [...this.kernel.counts.verdicts()].map(([name, packets]) => [name, Number(packets)]),
      ),
      losses: Object.fromEntries(
        losses.map((it) => [`${it.tracepoint} ${names.get(it.ifindex)} ${it.errno ?? '-'}`, Number(it.packets)]),
      ),
      arrived: received(far),
    };
  }

  [Symbol.dispose](): void {
    this.kernel[Symbol.dispose]();
    detach(native, this.pinRoot, []);
    for (const name of ['in0', 'out0']) ip(`link del ${name}`);
    rmSync(this.#folder, { recursive: true });
  }
}

function received(netdev: string): number {
  const [{ stats64 }] = JSON.parse(execFileSync('ip', ['-s', '-j', 'link', 'show', netdev], { encoding: 'utf8' }));
  return stats64.rx.packets;
}

function difference(now: Became, before: Became): Became {
  const changed = (a: Record<string, number>, b: Record<string, number>): Record<string, number> =>
    Object.fromEntries(
      Object.entries(a).flatMap(([name, n]) => (n > (b[name] ?? 0) ? [[name, n - (b[name] ?? 0)]] : [])),
    );
  const { verdicts, losses } = {
    verdicts: changed(now.verdicts, before.verdicts),
    losses: changed(now.losses, before.losses),
  };
  return { verdicts, losses, arrived: now.arrived - before.arrived };
}

async function sendUdp(count: number): Promise<void> {
  const socket = createSocket('udp4');
  socket.connect(9, '198.51.100.2');
  await once(socket, 'connect');
  for (let n = 0; n < count; n += 1) {
    await new Promise<void>((done, failed) =>
      socket.send(new Uint8Array(PAYLOAD), (error) => (error === null ? done() : failed(error))),
    );
  }
  socket.close();
}

/** Somebody else's program on a netdev of its own, which takes the traffic over. */
class Foreign implements Disposable {
  readonly program: number;
  readonly #handles: AnyHandle[];

  constructor(body: string) {
    ip(`link add in2 address ${IN_MAC} type veth peer in3`);
    for (const name of ['in2', 'in3']) ip(`link set ${name} up`);
    gro('in3', true);
    ip('address del 198.51.100.1/24 dev in1');
    ip('address add 198.51.100.1/24 dev in3');
    ip(`neighbour add 198.51.100.2 lladdr ${IN_MAC} dev in3`);
    using source = new BpfObject(
      `SEC("xdp") int foreign(struct xdp_md *ctx) { ${body} } char LICENSE[] SEC("license") = "GPL";`,
    );
    const object = must('open', native.objectOpen(source.path));
    native.objectLoad(object);
    const program = must('program', native.objectProgram(object, 'foreign'));
    const link = must('link', native.linkCreateXdp(program, ifindexOf('in2'), XDP_NATIVE));
    this.#handles = [link, program, object];
    this.program = must('info', native.programInfo(program)).id;
  }

  get received(): number {
    return received('in2');
  }

  [Symbol.dispose](): void {
    for (const handle of this.#handles) native.close(handle);
    ip('link del in2');
  }
}

function said({ changed, unwatched }: AttachReport): unknown {
  return [changed, unwatched];
}

function refuseDelivery(object: ObjectHandle): LoadResult {
  const maps = native.objectMapNames(object);
  return typeof maps !== 'number' && maps.includes('ports') ? native.objectLoad(object) : { rc: -EPERM, log: '' };
}

/** Makes the losses of one way in native mode: `spoil` is done before the burst. */
const losing =
  (spoil: () => void, egress = 'out0', far = 'out1') =>
  async (): Promise<unknown> => {
    using bench = new Bench();
    bench.redirect(egress);
    spoil();
    return await bench.burst(far);
  };

const scenarios: Record<string, () => unknown> = {
  delivered: losing(() => {}),
  'far end without GRO': losing(() => gro('out1', false)),
  'far end down': losing(() => ip('link set out1 down')),
  'egress down': losing(() => ip('link set out0 down')),
  'larger than the far end takes': losing(() => ip('link set out1 mtu 500')),
  'larger than the egress takes': losing(() => ip('link set out0 mtu 500')),

  async 'no port'() {
    using bench = new Bench();
    bench.redirect('out0', false);
    return await bench.burst();
  },

  'sent back': losing(() => gro('in1', false), 'in0', 'in1'),
  'sent back to a far end with GRO alone': losing(() => {}, 'in0', 'in1'),

  async generic() {
    using bench = new Bench('generic');
    bench.redirect('out0');
    const delivered = await bench.burst();
    ip('link set out0 mtu 500');
    const large = await bench.burst();
    ip('link set out0 mtu 1500');
    ip('link set out1 down');
    const farDown = await bench.burst();
    ip('link set out0 down');
    return { delivered, large, farDown, down: await bench.burst() };
  },

  async foreign() {
    using bench = new Bench();
    using foreign = new Foreign(`return bpf_redirect(${ifindexOf('out0')}, 0);`);
    gro('out1', false);
    const became = await bench.burst('out1', 'in2');
    return { ...became, redirected: foreign.received };
  },

  async exception() {
    using bench = new Bench();
    using foreign = new Foreign('return 99;');
    const { losses: others } = await bench.burst('out1', 'in2');
    bench.pretend(foreign.program);
    const { losses } = await bench.burst('out1', 'in2');
    return { others, losses };
  },

  pins() {
    using bench = new Bench();
    const pinned = readdirSync(bench.paths.rootOnly).sort();
    const again = bench.attach();
    for (const name of TRACEPOINTS.slice(1)) unlinkSync(bench.paths.tracepoint(name));
    const mended = bench.attach();
    return {
      pinned,
      first: said(bench.report),
      again: said(again),
      mended: said(mended),
      unwatched: bench.kernel.counts.losses().unwatched,
    };
  },

  /** The kernel refuses the programs, as it does for want of BTF or of a capability. */
  async unwatched() {
    using bench = new Bench('native', { ...native, objectLoad: refuseDelivery });
    bench.redirect('out0');
    return {
      why: [...new Set(bench.report.unwatched.map(({ why }) => why.split(';')[0]))],
      attached: bench.report.interfaces.map(({ mode }) => mode),
      unwatched: bench.kernel.counts.losses().unwatched,
      became: await bench.burst(),
    };
  },
};

execFileSync('sysctl', ['-qw', 'net.ipv6.conf.default.disable_ipv6=1']);
const [name = ''] = process.argv.slice(2);
printResult(await scenarios[name]?.());
