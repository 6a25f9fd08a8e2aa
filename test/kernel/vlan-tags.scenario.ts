/**
 * What becomes of packets with and without a VLAN tag that a redirect would match, by the interface that they come in by:
 * run by vlan-tags.test.ts in namespaces of its own.
 */
import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AttachReport, attach } from '../../agent/attach/attach.ts';
import { detach } from '../../agent/attach/detach.ts';
import type { TagReport } from '../../agent/attach/loader.ts';
import { u32 } from '../../agent/kernel/bytes.ts';
import { NativeKernel } from '../../agent/kernel/native-kernel.ts';
import { loadNative } from '../../native/index.ts';
import { BpfObject } from '../support/bpf-object.ts';
import { must } from '../support/must.ts';
import { printResult } from '../support/netns.ts';
import { frame, ipv4, udp } from '../support/packets.ts';
import { Running, until } from '../support/process.ts';
import { OwnBpffs } from './facts/own-bpffs.ts';
import { redirectTo } from './redirect-to.ts';

const TAGS = ['untagged', 'C', 'S'] as const;
type Tag = (typeof TAGS)[number];
/** What is sent: `priority` has a C-tag with VLAN id 0. */
type Sent = Tag | 'priority';
type Mode = 'native' | 'generic';
/** Packets by the tag that they have where they are counted. */
export type Counted = Readonly<Record<Tag, number>>;
export interface Became {
  /** Went the ordinary way, seen behind the program. */
  readonly passed: Counted;
  /** Seen at the far end of the egress. */
  readonly arrived: Counted;
}
export interface Row {
  readonly interface: string;
  readonly mode: Mode;
  readonly sender: string;
  readonly report: TagReport;
  readonly became: Readonly<Record<Sent, Became>>;
}

const native = loadNative();
const PACKETS = 20;
const SETTLE_MS = 120_000;
const IN_MAC = '02:00:00:00:01:00';
const HERE = '198.51.100.2';
const VLAN = 100;
const IN_FRAME: Readonly<Record<Sent, { readonly tags: readonly number[]; readonly vlans: readonly number[] }>> = {
  untagged: { tags: [], vlans: [] },
  C: { tags: [0x8100], vlans: [VLAN] },
  S: { tags: [0x88a8], vlans: [VLAN] },
  priority: { tags: [0x8100], vlans: [0] },
};

/** `tag_…` puts a tag beside the frame, as a VLAN interface does; `passed` and `arrived` count, tags beside or in the frame. */
const SOURCE = `
#include <bpf/bpf_endian.h>
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 6); __type(key, __u32); __type(value, __u64); } seen SEC(".maps");
static __always_inline int count(struct __sk_buff *skb, __u32 at) {
  __u64 *packets;
  if (skb->protocol != bpf_htons(0x0800)) return 0;
  if (skb->vlan_present) at += skb->vlan_proto == bpf_htons(0x8100) ? 1 : 2;
  packets = bpf_map_lookup_elem(&seen, &at);
  if (packets) __sync_fetch_and_add(packets, 1);
  return 0;
}
SEC("tc") int tag_untagged(struct __sk_buff *skb) { return 0; }
SEC("tc") int tag_C(struct __sk_buff *skb) { bpf_skb_vlan_push(skb, bpf_htons(0x8100), ${VLAN}); return 0; }
SEC("tc") int tag_S(struct __sk_buff *skb) { bpf_skb_vlan_push(skb, bpf_htons(0x88a8), ${VLAN}); return 0; }
SEC("tc") int tag_priority(struct __sk_buff *skb) { bpf_skb_vlan_push(skb, bpf_htons(0x8100), 0); return 0; }
SEC("tc") int passed(struct __sk_buff *skb) { return count(skb, 0); }
SEC("tc") int arrived(struct __sk_buff *skb) { return count(skb, 3); }
char LICENSE[] SEC("license") = "GPL";`;

const run = (words: string): unknown => execFileSync('sh', ['-ec', words]);

/** The programs of SOURCE, pinned for tc. */
class Watchers implements Disposable {
  readonly #bpffs = new OwnBpffs();
  readonly #map;

  constructor() {
    using source = new BpfObject(SOURCE);
    const object = must('open', native.objectOpen(source.path));
    const { rc, log } = native.objectLoad(object);
    if (rc < 0) throw new Error(log);
    for (const name of ['tag_untagged', 'tag_C', 'tag_S', 'tag_priority', 'passed', 'arrived']) {
      const program = must(name, native.objectProgram(object, name));
      native.programPin(program, this.#bpffs.path(name));
      native.close(program);
    }
    this.#map = must('seen', native.objectMap(object, 'seen'));
    native.close(object);
  }

  put(device: string, where: 'ingress' | 'egress', name: string): void {
    run(`tc qdisc replace dev ${device} clsact; tc filter del dev ${device} ${where};
      tc filter add dev ${device} ${where} bpf direct-action object-pinned ${this.#bpffs.path(name)}`);
  }

  counts(): readonly number[] {
    return Array.from({ length: 2 * TAGS.length }, (_, at) => {
      const value = must('seen', native.mapLookupElem(this.#map, u32(at), 0));
      return Number(new DataView(value.buffer, value.byteOffset).getBigUint64(0, true));
    });
  }

  [Symbol.dispose](): void {
    native.close(this.#map);
    this.#bpffs[Symbol.dispose]();
  }
}

/** Our program on an interface, with a redirect of everything for HERE out of out0. */
class Ingress implements Disposable {
  readonly report: AttachReport;
  readonly #folder = mkdtempSync(join(tmpdir(), 'shunt-tags-'));
  readonly #pinRoot = join(this.#folder, 'bpf');
  readonly #kernel: NativeKernel;

  constructor(name: string, mode: Mode) {
    this.report = attach(native, {
      ...{ interfaces: [name], mode, pinRoot: this.#pinRoot, maxRedirects: 64 },
      acceptHiddenTags: true,
      acceptPrivatePins: true,
    });
    this.#kernel = new NativeKernel(native, this.#pinRoot);
    const ifindex = must('out0', native.netLinks().items.find((link) => link.name === 'out0') ?? -19).ifindex;
    redirectTo(this.#kernel.entries, HERE, ifindex);
  }

  [Symbol.dispose](): void {
    this.#kernel[Symbol.dispose]();
    detach(native, this.#pinRoot, []);
    rmSync(this.#folder, { recursive: true });
  }
}

using watchers = new Watchers();
run('ip link add out0 type veth peer out1; ip link set out0 up; ip link set out1 up; ethtool -K out1 gro on');
watchers.put('out1', 'ingress', 'arrived');

async function observe(send: () => Promise<void>): Promise<Became> {
  const before = watchers.counts();
  const since = (): readonly number[] => watchers.counts().map((count, at) => count - (before[at] ?? 0));
  await send();
  await until('every packet', SETTLE_MS, () => since().reduce((sum, count) => sum + count, 0) >= PACKETS);
  const by = (from: number): Counted => {
    const [untagged = 0, C = 0, S = 0] = since().slice(from);
    return { untagged, C, S };
  };
  return { passed: by(0), arrived: by(TAGS.length) };
}

async function sendUdp(): Promise<void> {
  const socket = createSocket('udp4');
  for (let sent = 0; sent < PACKETS; sent += 1)
    await new Promise<void>((resolve, reject) =>
      socket.send(Buffer.alloc(100), 9, HERE, (error) => (error === null ? resolve() : reject(error))),
    );
  await new Promise<void>((resolve) => socket.close(() => resolve()));
}

async function each(observed: (sent: Sent) => Promise<Became>): Promise<Row['became']> {
  return {
    untagged: await observed('untagged'),
    C: await observed('C'),
    S: await observed('S'),
    priority: await observed('priority'),
  };
}

/** A sender on in1, whose peer in0 has the program: or the bridge that in0 is a port of. */
async function throughVeth(name: 'veth' | 'bridge', mode: Mode, offload: 'on' | 'off'): Promise<Row> {
  run(`ip link add in0 type veth peer in1; ip link set in0 up; ip link set in1 up
    ip address add 198.51.100.1/24 dev in1; ip neighbour add ${HERE} lladdr ${IN_MAC} dev in1`);
  const device = name === 'veth' ? 'in0' : 'br0';
  if (name === 'bridge') run('ip link add br0 type bridge; ip link set br0 up; ip link set in0 master br0');
  run(`ip link set ${device} address ${IN_MAC}; ethtool -K in1 gro on`);
  if (name === 'bridge') run(`ethtool -K in1 tx-vlan-hw-insert ${offload} tx-vlan-stag-hw-insert ${offload}`);
  // What attach says of the default is what switches it off.
  else if (offload === 'off') run(mendOf(mode));
  watchers.put(device, 'ingress', 'passed');
  try {
    using ingress = new Ingress(device, mode);
    const became = await each(async (tag) => {
      watchers.put('in1', 'egress', `tag_${tag}`);
      return await observe(sendUdp);
    });
    return { interface: name, mode, sender: offload, report: reportOf(ingress), became };
  } finally {
    run(`ip link del in0${name === 'bridge' ? '; ip link del br0' : ''}`);
  }
}

function mendOf(mode: Mode): string {
  using ingress = new Ingress('in0', mode);
  return reportOf(ingress).mend ?? 'false';
}

function reportOf({ report }: Ingress): TagReport {
  const [only] = report.interfaces;
  if (only === undefined) throw new Error('nothing is attached');
  return only.tags;
}

/** Frames that somebody writes into a tap. */
async function throughTap(mode: Mode, writer: string): Promise<Row> {
  await using tap = await Running.start('tap-writer', [writer, 'in0']);
  await tap.until('ready', SETTLE_MS, () => tap.lines.includes('ready'));
  run(`ip link set in0 address ${IN_MAC}; ip link set in0 up`);
  watchers.put('in0', 'ingress', 'passed');
  using ingress = new Ingress('in0', mode);
  const became = await each((tag) =>
    observe(async () => {
      const bytes = frame(ipv4(udp(), { dst: HERE }), { dst: IN_MAC, ...IN_FRAME[tag] });
      for (let sent = 0; sent < PACKETS; sent += 1) tap.write(Buffer.from(bytes).toString('hex'));
    }),
  );
  return { interface: 'tap', mode, sender: 'a program', report: reportOf(ingress), became };
}

const folder = mkdtempSync(join(tmpdir(), 'shunt-tap-'));
const writer = join(folder, 'tap-writer');
execFileSync('cc', ['-O2', '-o', writer, join(import.meta.dirname, 'tap-writer.c')]);
const rows: Row[] = [];
for (const mode of ['native', 'generic'] as const)
  for (const offload of ['on', 'off'] as const) rows.push(await throughVeth('veth', mode, offload));
for (const mode of ['native', 'generic'] as const) rows.push(await throughTap(mode, writer));
for (const offload of ['on', 'off'] as const) rows.push(await throughVeth('bridge', 'generic', offload));
rmSync(folder, { recursive: true });
printResult(rows);
