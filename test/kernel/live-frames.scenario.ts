/**
 * Frames that the kernel carries on, one redirect's, while another thread, by the agent's own code, overwrites its next hop and
 * deletes and inserts its neighbours without a pause: `live-frames.scenario.ts TABLE FRAMES WRITER [OBJECT]`, in namespaces of
 * its own. What arrives at the far ends of two egresses is counted by port and MACs: how many frames came to either next hop
 * whole, how many to anybody else, and how many the program did not send. OBJECT is that of another program.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { attach } from '../../agent/attach/attach.ts';
import { detach } from '../../agent/attach/detach.ts';
import type { TableWish } from '../../agent/attach/table.ts';
import { VERDICTS, type Verdict } from '../../agent/kernel/abi.ts';
import { formatMac } from '../../agent/kernel/layout.ts';
import { NativeKernel } from '../../agent/kernel/native-kernel.ts';
import { pinPaths } from '../../agent/kernel/pins.ts';
import type { EntryValue } from '../../agent/model/entry.ts';
import { entryId } from '../../agent/model/entry-key.ts';
import type { Op } from '../../agent/model/op.ts';
import { type LinkHandle, loadNative, type Native } from '../../native/index.ts';
import { shapeOf } from '../../protocol/shape.ts';
import { must } from '../support/must.ts';
import { printResult } from '../support/netns.ts';
import { frame, ipv4, udp } from '../support/packets.ts';
import { LoadedSource } from './facts/loaded-source.ts';
import { Busy, type Turn, workHere } from './facts/worker.ts';
import { SEND } from './loaded-program.ts';
import { keyOf } from './tabled-program.ts';

/** How entries are written: as the agent does, or without the lock. */
type Writer = 'agent' | 'unlocked';

interface Task {
  readonly pinRoot: string;
  readonly writer: Writer;
  readonly ports: readonly [number, number];
}

const OWN = '203.0.113.10';
const STRANGERS = Array.from({ length: 16 }, (_, n) => `203.0.113.${100 + n}`);
/** So many strangers stand beside the own entry. The table has two rows a slot: each key's window is all of them. */
const BESIDE = 3;
const SLOTS = 1 + BESIDE;
/** Turns between two looks at everything, by which rows of keys that went are given up. */
const LOOK = 100;
/** So often the next hop is overwritten in one batch: nobody writes faster. */
const AT_ONCE = 64;
/** In one run of the kernel's, and of those at once: a far end has room for 256. */
const PART = 1_000_000;
const BATCH = 64;
const XDP_NATIVE = 4;
const EGRESSES = ['out0', 'else0'] as const;

/** Everything that a frame can tell differs between the two, and from what strangers are sent to. */
const HOPS = [
  { dmac: '02:11:11:11:11:11', smac: '02:22:22:22:22:22' },
  { dmac: '02:33:33:33:33:33', smac: '02:44:44:44:44:44' },
] as const;
const ASTRAY = { dmac: '02:55:55:55:55:55', smac: '02:66:66:66:66:66' } as const;

const EXPECTED: readonly Verdict[] = ['SENT', 'NO_MATCH', 'RACE'];

/** Counts frames by the interface where they come in and by their MACs, which it wipes: the kernel sends the same memory again. */
const FAR = `
struct where { __u32 port; __u8 macs[12]; };
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 256); __type(key, struct where); __type(value, __u64); }
  arrived SEC(".maps");

SEC("xdp") int far(struct xdp_md *ctx)
{
	struct where where = { .port = ctx->ingress_ifindex };
	__u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u64 zero = 0, *count;

	if (data + sizeof(where.macs) > end)
		return XDP_ABORTED;
	__builtin_memcpy(where.macs, data, sizeof(where.macs));
	bpf_map_update_elem(&arrived, &where, &zero, BPF_NOEXIST);
	count = bpf_map_lookup_elem(&arrived, &where);
	if (count)
		__sync_fetch_and_add(count, 1);
	__builtin_memset(data, 0, sizeof(where.macs));
	return XDP_DROP;
}`;

function write(dst: string, value: Partial<EntryValue>): Op {
  const key = keyOf(dst);
  return { op: 'write', id: entryId(key), key, value: { ...SEND, keepTtl: true, ...value } };
}

function remove(dst: string): Op {
  const key = keyOf(dst);
  return { op: 'delete', id: entryId(key), key };
}

/** The addon, but without the flag of each write of an element, where that is to be left out. */
function addonOf(writer: Writer): Native {
  const native = loadNative();
  if (writer === 'agent') return native;
  return {
    ...native,
    mapUpdateElem: (map, key, value) => native.mapUpdateElem(map, key, value, 0),
    mapUpdateBatch: (map, keys, values, count) => native.mapUpdateBatch(map, keys, values, count, 0),
  };
}

/** The addon, but that another object is loaded in place of the program's. */
function addonLoading(object: string | undefined): Native {
  const native = loadNative();
  if (object === undefined) return native;
  return { ...native, objectOpen: (path) => native.objectOpen(path.endsWith('/redirect.bpf.o') ? object : path) };
}

const works = {
  rewrite({ task, stopped, count }: Turn<Task>) {
    using kernel = new NativeKernel(addonOf(task.writer), task.pinRoot);
    const { entries } = kernel;
    const own = HOPS.map((hop, n) => write(OWN, { ...hop, slot: 0, rev: n, ifindex: task.ports[n] as number }));
    const strangers = STRANGERS.map((dst, n) => ({
      come: write(dst, { ...ASTRAY, slot: 1 + (n % BESIDE), ifindex: task.ports[n % 2] as number }),
      go: remove(STRANGERS[(n + STRANGERS.length - BESIDE + 1) % STRANGERS.length] as string),
    }));
    const carryOut = (...ops: readonly Op[]): void => {
      for (const { done } of entries.apply(ops)) if (!done) throw new Error(`not done: ${ops[0]?.op}`);
    };
    const rewrites = (first: number): readonly Op[] =>
      Array.from({ length: AT_ONCE }, (_, n) => own[(first + n) % 2] as Op);
    const [toSecond, toFirst] = [rewrites(0), rewrites(1)];
    const overwrite = (to = toFirst): void => carryOut(...to);
    const tend = (): void => {
      while (entries.tend()) overwrite();
    };
    const lookAtAll = (): void => {
      for (let whole = false; !whole; overwrite()) whole = entries.look().rest !== undefined;
      tend();
    };
    const ports = task.ports.map((ifindex) => ({ op: 'port', ifindex, present: true }) as const);
    carryOut(...ports);
    overwrite();
    carryOut({ op: 'shapes', family: 4, shapes: [shapeOf(keyOf(OWN).match)] });
    for (const _ of entries.observe().entries);
    tend();
    for (let turns = 1; !stopped(); count(turns++)) {
      const { come, go } = strangers[turns % strangers.length] as (typeof strangers)[number];
      carryOut(come);
      overwrite(toSecond);
      carryOut(go);
      overwrite();
      if (turns % LOOK === 0) lookAtAll();
    }
  },
};

/** Two egresses, whose far ends count, beside where frames come in. */
class Wires implements Disposable {
  readonly far = new LoadedSource(FAR, { maps: ['arrived'], programs: ['far'] });
  readonly #links: LinkHandle[] = [];

  constructor() {
    execFileSync('sysctl', ['-qw', 'net.ipv6.conf.default.disable_ipv6=1']); // the kernel sends packets of its own there
    for (const name of ['in', 'out', 'else']) {
      execFileSync('ip', `link add ${name}0 type veth peer ${name}1`.split(' '));
      for (const end of [0, 1]) execFileSync('ip', ['link', 'set', `${name}${end}`, 'up']);
    }
    const { native } = this.far;
    for (const name of EGRESSES) {
      const far = this.ifindexOf(name.replace('0', '1'));
      this.#links.push(must('far', native.linkCreateXdp(this.far.program('far'), far, XDP_NATIVE)));
    }
  }

  ifindexOf(name: string): number {
    return must(name, this.far.native.netLinks().items.find((link) => link.name === name) ?? -19).ifindex;
  }

  /** Frames that arrived at either next hop, by the egress that leads there, and all others. */
  arrived(): Readonly<Record<'first' | 'second' | 'stranger', number>> {
    const all = { first: 0, second: 0, stranger: 0 };
    const { count, keys, values } = this.far.native.mapDump(this.far.map('arrived'), 0);
    const hops = HOPS.map(
      ({ dmac, smac }, n) => `${this.ifindexOf(EGRESSES[n]?.replace('0', '1') ?? '')} ${dmac} ${smac}`,
    );
    for (let n = 0; n < count; n += 1) {
      const [at, value] = [keys.subarray(n * 16, n * 16 + 16), values.subarray(n * 8, n * 8 + 8)];
      const [port] = new Uint32Array(at.slice(0, 4).buffer);
      const where = `${port} ${formatMac(at.subarray(4, 10))} ${formatMac(at.subarray(10, 16))}`;
      const who = (['first', 'second'] as const)[hops.indexOf(where)] ?? 'stranger';
      all[who] += Number(new BigUint64Array(value.slice().buffer)[0]);
    }
    return all;
  }

  [Symbol.dispose](): void {
    for (const link of this.#links) this.far.native.close(link);
    this.far[Symbol.dispose]();
  }
}

async function observe(table: TableWish, frames: number, writer: Writer, object: string | undefined): Promise<unknown> {
  const folder = mkdtempSync(join(tmpdir(), 'shunt-live-'));
  const [pinRoot, sender] = [join(folder, 'bpf'), join(folder, 'live-frames')];
  execFileSync('cc', ['-O2', '-o', sender, join(import.meta.dirname, '../../bench/live-frames.c'), '-lbpf']);
  using wires = new Wires();
  const native = addonLoading(object);
  const owner = { uid: 0, gid: 0 };
  const sizes = { maxRedirects: SLOTS, table, mode: 'native', acceptPrivatePins: true } as const;
  attach(native, { interfaces: ['in0'], owner, pinRoot, ...sizes });
  try {
    const ports = EGRESSES.map((name) => wires.ifindexOf(name)) as [number, number];
    await using busy = await Busy.start<Task>(import.meta.url, 'rewrite', { pinRoot, writer, ports });
    const sent = Buffer.from(frame(ipv4(udp(), { dst: OWN }))).toString('hex');
    const [program, port] = [pinPaths(pinRoot).program, `${wires.ifindexOf('in0')}`];
    const run = [program, port, sent, `${PART}`, `${BATCH}`];
    const before = busy.turns;
    const began = performance.now();
    let ran = 0;
    for (; ran < frames; ran += PART) execFileSync(sender, run);
    const seconds = Number(((performance.now() - began) / 1000).toFixed(1));
    const turns = busy.turns - before;
    await busy.stop();
    using kernel = new NativeKernel(native, pinRoot);
    const verdicts = kernel.counts.verdicts();
    const count = (...names: readonly Verdict[]): number =>
      names.reduce((sum, name) => sum + Number(verdicts.get(name) ?? 0n), 0);
    const judged = {
      sent: count('SENT'),
      missed: count('NO_MATCH'),
      unresolved: count('RACE'),
      other: count(...VERDICTS.filter((name) => !EXPECTED.includes(name))),
    };
    return {
      frames: ran,
      ...judged,
      ...wires.arrived(),
      overwrites: 2 * AT_ONCE * turns,
      neighbours: 2 * turns,
      seconds,
    };
  } finally {
    detach(native, pinRoot, []);
    rmSync(folder, { recursive: true });
  }
}

if (!workHere(works)) {
  const [, , table, frames, writer, object] = process.argv;
  printResult(await observe(table as TableWish, Number(frames), writer as Writer, object));
}
