/**
 * Where counters may live: `counting.scenario.ts lost PACKETS` and `counting.scenario.ts cost ROUNDS`, in namespaces of
 * its own. `lost`: a program counts in the value and, for the same packets, in a row elsewhere, while another thread
 * replaces the value by what it read. No child ends meanwhile: its signal would interrupt a run, which begins anew. `cost`: nanoseconds a packet of several ways to count, on one CPU and on two at
 * once; medians of interleaved rounds.
 */
import { execFileSync } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { loadNative } from '../../../native/index.ts';
import { must } from '../../support/must.ts';
import { printResult } from '../../support/netns.ts';
import { LoadedSource, u32 } from './loaded-source.ts';
import { OwnBpffs } from './own-bpffs.ts';
import { Busy, type Turn, workHere } from './worker.ts';

const SOURCE = `
struct counted { struct bpf_spin_lock lock; __u32 zero; __u64 packets; };
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __type(key, __u32); __type(value, struct counted); }
  table SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PERCPU_HASH); __uint(max_entries, 4); __type(key, __u32); __type(value, __u64); }
  percpu SEC(".maps");
struct row { __u64 packets, rest[7]; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 256); __type(key, __u32); __type(value, struct row); }
  rows SEC(".maps");

static __always_inline struct counted *hit(void)
{
	__u32 key = 1;
	return bpf_map_lookup_elem(&table, &key);
}
static __always_inline void count_row(void)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct row *row = bpf_map_lookup_elem(&rows, &cpu);
	if (row)
		row->packets++;
}
#define PROGRAM(name, body) \\
  SEC("xdp") int name(struct xdp_md *ctx) { struct counted *value = hit(); if (value) { body; } return XDP_DROP; }
PROGRAM(uncounted, (void)*(volatile __u64 *)&value->packets)
PROGRAM(plain, value->packets++)
PROGRAM(atomic, __sync_fetch_and_add(&value->packets, 1))
PROGRAM(spin_lock, bpf_spin_lock(&value->lock); value->packets++; bpf_spin_unlock(&value->lock))
PROGRAM(row, count_row())
PROGRAM(both, __sync_fetch_and_add(&value->packets, 1); count_row())
SEC("xdp") int per_cpu(struct xdp_md *ctx)
{
	__u32 key = 1;
	struct counted *value = hit();
	__u64 *packets = bpf_map_lookup_elem(&percpu, &key);
	if (value && packets)
		++*packets;
	return XDP_DROP;
}`;
const WAYS = ['uncounted', 'plain', 'atomic', 'spin_lock', 'per_cpu', 'row'] as const;
const MAPS = ['table', 'percpu', 'rows'];
const BPF_ANY = 0;
const BPF_F_LOCK = 4;
const CHUNK = 100_000;
const PACKETS_A_ROUND = 100_000;
const ATTEMPTS = 50;
const NEIGHBOUR_CHUNK = 10_000;
const KEY = u32(1);

function load(): LoadedSource {
  const source = new LoadedSource(SOURCE, { maps: MAPS, programs: [...WAYS, 'both'] });
  const { native } = source;
  native.mapUpdateElem(source.map('table'), KEY, new Uint8Array(16), BPF_ANY);
  native.mapUpdateElem(source.map('percpu'), KEY, new Uint8Array(8 * native.possibleCpus()), BPF_ANY);
  return source;
}

const works = {
  /** As one would change an entry and keep its counter: reads the value, and writes it back. */
  rewrite({ task: path, stopped, count }: Turn<string>) {
    const native = loadNative();
    const map = must(path, native.mapOpen(path, false));
    for (let turns = 1; !stopped(); count(turns++)) {
      const value = must('value', native.mapLookupElem(map, KEY, BPF_F_LOCK));
      native.mapUpdateElem(map, KEY, value, BPF_F_LOCK);
    }
  },
  /** A second CPU that runs the same program on the same entry. */
  run({ task: path, stopped, count }: Turn<string>) {
    const native = loadNative();
    const program = must(path, native.programOpen(path));
    pinTo(1);
    const run = { dataIn: new Uint8Array(64), ctxIn: null, repeat: NEIGHBOUR_CHUNK, dataOutSize: 0, ctxOutSize: 0 };
    for (let turns = 1; !stopped(); count(turns++)) native.programTestRun(program, run);
  },
};

function pinTo(cpu: number): void {
  const thread = readlinkSync('/proc/thread-self').split('/').at(-1) ?? '';
  execFileSync('taskset', ['-pc', `${cpu}`, thread]);
}

async function observeLost(packets: number): Promise<unknown> {
  using bpffs = new OwnBpffs();
  using source = load();
  source.native.mapPin(source.map('table'), bpffs.path('table'));
  const busy = await Busy.start(import.meta.url, 'rewrite', bpffs.path('table'));
  for (let done = 0; done < packets; done += CHUNK) source.run('both', CHUNK);
  const updates = await busy.stop();
  const inValue = source.words('table', 1)[1] ?? 0;
  const cpus = Array.from({ length: source.native.possibleCpus() }, (_, cpu) => source.words('rows', cpu)[0] ?? 0);
  const inRows = cpus.reduce((sum, count) => sum + count, 0);
  return { packets, updates, inValue, inRows };
}

const median = (numbers: number[]) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? 0;

/** On two CPUs a round counts only if the other one did nearly as much meanwhile; a busy machine may not let it. */
async function measure(source: LoadedSource, bpffs: OwnBpffs, way: string, cpus: number): Promise<number> {
  if (cpus === 1) return source.run(way, PACKETS_A_ROUND);
  await using busy = await Busy.start(import.meta.url, 'run', bpffs.path(way));
  for (let attempt = 0; ; attempt++) {
    const before = busy.turns;
    const ns = source.run(way, PACKETS_A_ROUND);
    if (attempt === ATTEMPTS || (busy.turns - before) * NEIGHBOUR_CHUNK >= 0.8 * PACKETS_A_ROUND) return ns;
  }
}

async function observeCost(rounds: number): Promise<unknown> {
  using bpffs = new OwnBpffs();
  using source = load();
  for (const way of WAYS) source.native.programPin(source.program(way), bpffs.path(way));
  const times: Record<string, number[]> = {};
  const settings = availableParallelism() > 1 ? [1, 2] : [1];
  pinTo(0);
  for (let round = 0; round < rounds; round++) {
    for (const cpus of settings)
      for (const way of WAYS) {
        times[`${way} ${cpus}`] ??= [];
        times[`${way} ${cpus}`]?.push(await measure(source, bpffs, way, cpus));
      }
  }
  return Object.fromEntries(Object.entries(times).map(([name, numbers]) => [name, median(numbers)]));
}

if (!workHere(works)) {
  const [, , what, size] = process.argv;
  printResult(what === 'lost' ? await observeLost(Number(size)) : await observeCost(Number(size)));
}
