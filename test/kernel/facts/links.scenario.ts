/** XDP links, pins, devmaps and veths, in namespaces of their own: `links.scenario.ts NAME`. */
import { execFileSync, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { loadNative, type NetLink, type ProgramHandle } from '../../../native/index.ts';
import { must } from '../../support/must.ts';
import { printResult } from '../../support/netns.ts';
import { until } from '../../support/process.ts';
import { LoadedSource, u32 } from './loaded-source.ts';
import { OwnBpffs } from './own-bpffs.ts';
import { Busy, type Turn, workHere } from './worker.ts';

const native = loadNative();
const NATIVE_MODE = 4;
const GENERIC_MODE = 2;
const IF_OPER_UP = 6;
const ndoXmit = 4n;
const SWAPS = 50;
const WINDOW = 32;

const SOURCE = `
#include <linux/if_ether.h>
struct { __uint(type, BPF_MAP_TYPE_DEVMAP_HASH); __uint(max_entries, 8); __type(key, __u32); __type(value, __u32); }
  ports SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, __u64); }
  seen SEC(".maps");

static __always_inline int drop(void)
{
	__u32 only = 0;
	__u64 *packets = bpf_map_lookup_elem(&seen, &only);
	if (packets)
		__sync_fetch_and_add(packets, 1);
	return XDP_DROP;
}
static __always_inline int change(struct xdp_md *ctx)
{
	void *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = (void *)(long)ctx->data;
	if ((void *)(eth + 1) > end)
		return 0;
	eth->h_dest[5] ^= 0x77;
	return 1;
}
SEC("xdp") int pass(struct xdp_md *ctx) { return XDP_PASS; }
SEC("xdp") int count1(struct xdp_md *ctx) { return drop(); }
SEC("xdp") int count2(struct xdp_md *ctx) { return drop(); }
SEC("xdp/devmap") int other_type(struct xdp_md *ctx) { return XDP_PASS; }
SEC("xdp") int redirect(struct xdp_md *ctx) { return bpf_redirect_map(&ports, 7, XDP_PASS); }
SEC("xdp") int bounce(struct xdp_md *ctx) { return XDP_TX; }
SEC("xdp") int change_first(struct xdp_md *ctx)
{
	change(ctx);
	return bpf_redirect_map(&ports, 7, XDP_PASS);
}
SEC("xdp") int ask_first(struct xdp_md *ctx)
{
	int verdict = bpf_redirect_map(&ports, 7, XDP_PASS);
	if (verdict == XDP_REDIRECT)
		change(ctx);
	return verdict;
}`;
const PROGRAMS = ['pass', 'count1', 'count2', 'other_type', 'redirect', 'bounce', 'change_first', 'ask_first'];
const load = () => new LoadedSource(SOURCE, { maps: ['ports', 'seen'], programs: PROGRAMS });

const ip = (...args: string[]) => execFileSync('ip', args);
const setGro = (name: string, on: boolean) => execFileSync('ethtool', ['-K', name, 'gro', on ? 'on' : 'off']);
const findLink = (name: string): NetLink =>
  must(name, native.netLinks().items.find((link) => link.name === name) ?? -19);
const attach = (program: ProgramHandle, name: string, mode = NATIVE_MODE) =>
  must(`attach ${name}`, native.linkCreateXdp(program, findLink(name).ifindex, mode));
const idOf = (program: ProgramHandle) => must('info', native.programInfo(program)).id;

/** A pair `<name>0`/`<name>1`, both up, silent but for what we send. */
function makeVeth(name: string): void {
  for (const which of ['all', 'default']) writeFileSync(`/proc/sys/net/ipv6/conf/${which}/disable_ipv6`, '1');
  ip('link', 'add', `${name}0`, 'type', 'veth', 'peer', `${name}1`, 'address', '02:00:00:00:00:02');
  for (const end of [0, 1]) ip('link', 'set', `${name}${end}`, 'up');
}

/** Lets what is sent to 192.0.2.2 leave by a device, whole: no checksum is left to a card that does not exist. */
function makeSender(name: string): void {
  ip('address', 'add', '192.0.2.1/24', 'dev', name);
  ip('neighbour', 'add', '192.0.2.2', 'lladdr', '02:00:00:00:00:02', 'nud', 'permanent', 'dev', name);
  execFileSync('ethtool', ['-K', name, 'tx', 'off']);
}

/** Sends datagrams in windows; after each, waits until `seen` says that all came, or WAIT_MS. Answers how many it sent. */
async function send(count: number, seen: () => number, stop = () => false): Promise<number> {
  const socket = createSocket('udp4');
  const payload = new Uint8Array(32);
  let sent = 0;
  let lost = 0;
  while (sent < count && !stop()) {
    const done = Array.from(
      { length: WINDOW },
      () => new Promise((resolve) => socket.send(payload, 9, '192.0.2.2', resolve)),
    );
    await Promise.all(done);
    sent += WINDOW;
    const deadline = performance.now() + 100;
    while (seen() + lost < sent && performance.now() < deadline) await new Promise((resolve) => setImmediate(resolve));
    lost = sent - seen();
  }
  socket.close();
  await once(socket, 'close');
  return sent;
}

const received = (name: string) => Number(readFileSync(`/sys/class/net/${name}/statistics/rx_packets`, 'utf8'));

interface Swap {
  readonly link: string;
  readonly programs: readonly string[];
  readonly ifindex: number;
  readonly inPlace: boolean;
}

const works = {
  /** Puts one program in the place of the other, SWAPS times, then idles until stopped. */
  swap({ task: { link: path, programs, ifindex, inPlace }, stopped, count }: Turn<Swap>) {
    const handles = programs.map((program) => must(program, native.programOpen(program)));
    let link = must(path, native.linkOpen(path));
    const pause = new Int32Array(new SharedArrayBuffer(4));
    for (let turns = 1; !stopped(); count(turns++)) {
      const next = must<ProgramHandle>('program', handles[turns & 1] ?? -2);
      if (inPlace) {
        if (native.linkUpdate(link, next) !== 0) throw new Error('link update failed');
      } else {
        if (native.linkDetach(link) !== 0) throw new Error('detach failed');
        link = must('attach', native.linkCreateXdp(next, ifindex, NATIVE_MODE));
      }
      Atomics.wait(pause, 0, 0, 5);
    }
  },
};

/** How many of the packets sent while programs were swapped were seen by one of them. */
async function observeSwap(inPlace: boolean): Promise<unknown> {
  makeVeth('s');
  makeSender('s0');
  using bpffs = new OwnBpffs();
  using source = load();
  const link = attach(source.program('count1'), 's1');
  native.linkPin(link, bpffs.path('link'));
  const programs = ['count1', 'count2'].map((name) => {
    native.programPin(source.program(name), bpffs.path(name));
    return bpffs.path(name);
  });
  const seen = () => source.words('seen', 0)[0] ?? 0;
  const before = await send(WINDOW, seen);
  const task = { link: bpffs.path('link'), programs, ifindex: findLink('s1').ifindex, inPlace };
  const busy = await Busy.start<Swap>(import.meta.url, 'swap', task);
  const sent =
    before +
    (await send(
      1_000_000,
      () => seen() - before,
      () => busy.turns >= SWAPS,
    ));
  const swaps = await busy.stop();
  native.close(link);
  return { swaps, sent, seen: seen() };
}

/** A network namespace without a name: it goes with the process that holds it. */
class Elsewhere implements AsyncDisposable {
  readonly #holder = spawn('unshare', ['--net', 'sh', '-c', 'echo ready; exec cat >/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });

  static async make(): Promise<Elsewhere> {
    const made = new Elsewhere();
    await once(made.#holder.stdout, 'data');
    return made;
  }

  take(name: string): void {
    ip('link', 'set', name, 'netns', `${this.#holder.pid}`);
  }

  run(...argv: string[]): string {
    return execFileSync('nsenter', ['-t', `${this.#holder.pid}`, '-n', ...argv], { encoding: 'utf8' });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#holder.stdin.end();
    if (this.#holder.exitCode === null) await once(this.#holder, 'exit');
  }
}

/** Datagrams that reached UDP there; nobody listens. */
function datagramsAt(elsewhere: Elsewhere): number {
  const rows = elsewhere
    .run('cat', '/proc/net/snmp')
    .split('\n')
    .filter((row) => row.startsWith('Udp:'));
  const [names = [], values = []] = rows.map((row) => row.split(' '));
  return Number(values[names.indexOf('NoPorts')]);
}

/** How many datagrams reach the receiver through a program whose redirect has no target. */
async function observeRefused(program: string): Promise<number> {
  makeVeth('r');
  makeSender('r0');
  using source = load();
  await using elsewhere = await Elsewhere.make();
  const link = attach(source.program(program), 'r1');
  elsewhere.take('r1');
  elsewhere.run('ip', 'address', 'add', '192.0.2.2/24', 'dev', 'r1');
  elsewhere.run('ip', 'link', 'set', 'r1', 'up');
  await until('r0 has a carrier', 60_000, () => findLink('r0').operState === IF_OPER_UP);
  const sent = await send(WINDOW, () => datagramsAt(elsewhere));
  const arrived = datagramsAt(elsewhere);
  native.close(link);
  ip('link', 'del', 'r0');
  return arrived / sent;
}

const scenarios: Record<string, () => unknown> = {
  links() {
    makeVeth('l');
    using source = load();
    const [pass, count] = [source.program('pass'), source.program('count1')];
    const link = attach(pass, 'l0');
    const info = () => must('info', native.linkInfo(link));
    const before = info();
    const second = native.linkCreateXdp(count, before.ifindex, NATIVE_MODE);
    const generic = native.linkCreateXdp(count, before.ifindex, GENERIC_MODE);
    const otherType = native.linkUpdate(link, source.program('other_type'));
    const untouched = info().programId === idOf(pass);
    const updated = native.linkUpdate(link, count);
    const after = info();
    ip('link', 'set', 'l0', 'down');
    ip('link', 'set', 'l0', 'name', 'renamed');
    const renamed = info().ifindex === before.ifindex && findLink('renamed').xdpProgramId === idOf(count);
    const program = idOf(count);
    native.close(link);
    return {
      ...{ second, generic, otherType, untouched, updated, renamed },
      sameLink: after.id === before.id,
      replaced: after.programId === program,
    };
  },

  async gone() {
    makeVeth('g');
    using source = load();
    await using elsewhere = await Elsewhere.make();
    const ports = source.map('ports');
    const link = attach(source.program('pass'), 'g0');
    const other = attach(source.program('pass'), 'g1');
    const ifindex = findLink('g0').ifindex;
    const moved = findLink('g1').ifindex;
    const put = native.mapUpdateElem(ports, u32(7), u32(ifindex), 0);
    elsewhere.take('g1');
    const aliveElsewhere = must('info', native.linkInfo(other)).ifindex === moved;
    const goneFromHere = !native.netLinks().items.some(({ name }) => name === 'g1');
    const present = native.mapDump(ports, 0).count;
    ip('link', 'del', 'g0');
    const result = {
      ...{ put, present, aliveElsewhere, goneFromHere },
      left: native.mapDump(ports, 0).count,
      lookup: native.mapLookupElem(ports, u32(7), 0),
      ifindex: must('info', native.linkInfo(link)).ifindex,
      update: native.linkUpdate(link, source.program('count1')),
      unknownIfindex: native.mapUpdateElem(ports, u32(7), u32(ifindex), 0),
    };
    native.close(link);
    native.close(other);
    return result;
  },

  tooLarge() {
    makeVeth('m');
    using source = load();
    for (const end of [0, 1]) ip('link', 'set', `m${end}`, 'mtu', '9000');
    const refused = native.linkCreateXdp(source.program('pass'), findLink('m0').ifindex, NATIVE_MODE);
    const generic = attach(source.program('pass'), 'm0', GENERIC_MODE);
    const mode = findLink('m0').xdpMode;
    native.close(generic);
    return { refused, mode };
  },

  /** Another process attaches, pins and ends. */
  outlives() {
    makeVeth('o');
    using bpffs = new OwnBpffs();
    execFileSync(process.execPath, [fileURLToPath(import.meta.url), 'attachAndEnd'], {
      env: { ...process.env, PIN: bpffs.path('link') },
    });
    const attached = findLink('o0').xdpMode;
    const link = must('open', native.linkOpen(bpffs.path('link')));
    const same = must('info', native.linkInfo(link)).ifindex === findLink('o0').ifindex;
    native.close(link);
    execFileSync('rm', [bpffs.path('link')]);
    const deadline = performance.now() + 5000;
    while (findLink('o0').xdpMode !== 0 && performance.now() < deadline);
    return { attached, same, afterUnlink: findLink('o0').xdpMode };
  },

  attachAndEnd() {
    using source = load();
    const link = attach(source.program('pass'), 'o0');
    return native.linkPin(link, process.env.PIN ?? '');
  },

  pins() {
    using bpffs = new OwnBpffs();
    const [one, two] = [1, 2].map((size) => must('map', native.mapCreate(1, 'fact', 4, 8, size, 0)));
    if (one === undefined || two === undefined) throw new Error('no maps');
    const sizeAt = (name: string) => {
      const map = must(name, native.mapOpen(bpffs.path(name), false));
      const { maxEntries } = must(name, native.mapInfo(map));
      native.close(map);
      return maxEntries;
    };
    const result = {
      dot: native.mapPin(one, bpffs.path('eth0.100')),
      encoded: native.mapPin(one, bpffs.path('eth0%2e100')),
      taken: native.mapPin(two, bpffs.path('eth0%2e100')),
      beside: native.mapPin(two, bpffs.path('new')),
      before: sizeAt('eth0%2e100'),
    };
    renameSync(bpffs.path('new'), bpffs.path('eth0%2e100'));
    const after = sizeAt('eth0%2e100');
    const elsewhere = native.mapPin(one, '/tmp/shunt-no-bpffs');
    execFileSync('mount', ['-o', 'remount,bind,ro', bpffs.root]);
    const opened = must('open read-only', native.mapOpen(bpffs.path('eth0%2e100'), false));
    const update = native.mapUpdateElem(opened, u32(1), new Uint8Array(8), 0);
    const pin = native.mapPin(one, bpffs.path('more'));
    execFileSync('mount', ['-o', 'remount,ro', bpffs.root]);
    const readOnly = { update, pin, openAnew: native.mapOpen(bpffs.path('eth0%2e100'), false) };
    native.close(opened);
    native.close(one);
    native.close(two);
    return { ...result, after, elsewhere, readOnly };
  },

  swapInPlace: () => observeSwap(true),
  swapByDetach: () => observeSwap(false),

  features() {
    makeVeth('f');
    using source = load();
    const can = () =>
      ((native.netFeatures().items.find(({ ifindex }) => ifindex === findLink('f0').ifindex)?.xdp ?? 0n) & ndoXmit) !==
      0n;
    const bare = can();
    setGro('f1', true);
    const peerGro = can();
    setGro('f1', false);
    const groOff = can();
    const link = attach(source.program('pass'), 'f1');
    const peerXdp = can();
    native.close(link);
    const xdpGone = can();
    const generic = attach(source.program('pass'), 'f1', GENERIC_MODE);
    const peerGeneric = can();
    native.close(generic);
    return { bare, peerGro, groOff, peerXdp, xdpGone, peerGeneric };
  },

  async delivery() {
    makeVeth('a');
    makeVeth('b');
    makeSender('a0');
    using source = load();
    const link = attach(source.program('redirect'), 'a1');
    native.mapUpdateElem(source.map('ports'), u32(7), u32(findLink('b0').ifindex), 0);
    const arrived = async () => {
      const before = received('b1');
      const sent = await send(WINDOW, () => received('b1') - before);
      return (received('b1') - before) / sent;
    };
    const bare = await arrived();
    setGro('b1', true);
    const peerGro = await arrived();
    native.close(link);
    return { bare, peerGro };
  },

  async bounced() {
    makeVeth('t');
    makeSender('t0');
    using source = load();
    const link = attach(source.program('bounce'), 't1');
    /** The counters of a veth count what its peer bounced by native XDP twice; so only whether any came. */
    const back = async () => {
      const before = received('t0');
      await send(WINDOW, () => received('t0') - before);
      return received('t0') > before;
    };
    const bare = await back();
    setGro('t0', true);
    const peerGro = await back();
    const peer = attach(source.program('pass'), 't0');
    const peerXdp = await back();
    native.close(peer);
    native.close(link);
    return { bare, peerGro, peerXdp };
  },

  async refused() {
    return { changedFirst: await observeRefused('change_first'), askedFirst: await observeRefused('ask_first') };
  },
};

if (!workHere(works)) printResult(await scenarios[process.argv[2] ?? '']?.());
