import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { BpfObject } from './bpf-object.ts';
import { must, type Running } from './process.ts';
import { SERVICE, type Testbed } from './testbed.ts';
import { PORT } from './traffic.ts';

const START_MS = 60_000;
/** Of `struct tally`. */
const TALLY_BYTES = 32;
/** What the receiver calls a gap, in nanoseconds. */
const GAP_NS = 1_000_000;

/** Counts what comes in, and drops it: nothing but the link and the redirect can lose it. */
const COUNTING = `
#include <bpf/bpf_endian.h>
struct tally { __u64 packets; __u64 last; __u64 longest; __u64 gaps; };
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tally);
} tally SEC(".maps");

SEC("xdp") int count(struct xdp_md *ctx)
{
	unsigned char *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u64 now = bpf_ktime_get_ns(), gap;
	__u32 zero = 0;
	struct tally *t;

	if (data + 42 > end || data[12] != 8 || data[13] != 0 || data[23] != 17)
		return XDP_PASS;
	if (data[36] != (${PORT} >> 8) || data[37] != (${PORT} & 255))
		return XDP_PASS;
	t = bpf_map_lookup_elem(&tally, &zero);
	if (!t)
		return XDP_PASS;
	gap = t->last && now > t->last ? now - t->last : 0;
	t->last = now;
	__sync_fetch_and_add(&t->packets, 1);
	if (gap > ${GAP_NS})
		__sync_fetch_and_add(&t->gaps, 1);
	if (gap > t->longest)
		t->longest = gap;
	return XDP_DROP;
}
char _license[] SEC("license") = "GPL";
`;

/** What arrived at C, by its own clock: gaps are those above a millisecond. */
export interface Arrived {
  readonly packets: number;
  readonly gaps: number;
  readonly longestMs: number;
}

interface Tally {
  readonly formatted: { readonly value: { readonly packets: number; readonly longest: number; readonly gaps: number } };
}

/** A sends to the service as fast as it is told, and C counts in its driver: B only redirects. */
export class Flood {
  readonly #bed: Testbed;
  readonly #pins: string;
  readonly #sender: string;
  #running: Running | undefined;

  private constructor(bed: Testbed, pins: string, sender: string) {
    this.#bed = bed;
    this.#pins = pins;
    this.#sender = sender;
  }

  static async prepare(bed: Testbed): Promise<Flood> {
    const pins = join(bed.folder, 'flood');
    const sender = join(bed.folder, 'flood-send');
    execFileSync('cc', ['-O2', '-o', sender, join(import.meta.dirname, 'flood-send.c')]);
    await must(['sh', '-ec', `mkdir "${pins}"; mount -t bpf bpf "${pins}"`]);
    using object = new BpfObject(COUNTING);
    const program = join(pins, 'count');
    await bed.must('c', ['bpftool', 'prog', 'load', object.path, program, 'type', 'xdp', 'pinmaps', pins]);
    await bed.must('c', ['bpftool', 'net', 'attach', 'xdpdrv', 'pinned', program, 'dev', 'to-b']);
    return new Flood(bed, pins, sender);
  }

  /** Begins, with so many a second; what arrived before is forgotten. */
  async begin(rate: number): Promise<void> {
    const zeros = (bytes: number): string[] => Array.from({ length: bytes }, () => '0');
    await must(['bpftool', 'map', 'update', 'pinned', this.#tally, 'key', ...zeros(4), 'value', ...zeros(TALLY_BYTES)]);
    const running = await this.#bed.start('a', 'flood', [this.#sender, SERVICE.v4, `${PORT}`, `${rate}`]);
    await running.until('ready', START_MS, () => running.lines.includes('ready'));
    this.#running = running;
  }

  get #tally(): string {
    return join(this.#pins, 'tally');
  }

  async arrived(): Promise<Arrived> {
    const dump = await must(['bpftool', '-j', 'map', 'dump', 'pinned', this.#tally]);
    const [{ formatted }] = JSON.parse(dump) as [Tally];
    const { packets, gaps, longest } = formatted.value;
    return { packets, gaps, longestMs: longest / 1e6 };
  }

  /** Ends it; answers how many the sender's kernel took. */
  async end(): Promise<{ readonly sent: number; readonly refused: number }> {
    const running = this.#running;
    if (running === undefined) throw new Error('it has not begun');
    running.write('');
    await running.ended;
    const said = running.lines.find((line) => line.startsWith('{'));
    if (said === undefined) throw new Error(`the sender ended and said nothing: ${running.lines.join(' ')}`);
    return JSON.parse(said) as { readonly sent: number; readonly refused: number };
  }
}
