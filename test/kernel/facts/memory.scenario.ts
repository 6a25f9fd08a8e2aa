/**
 * Memory that user space and a program share: `memory.scenario.ts torn SECONDS`, `word SECONDS`, `grace ROUNDS`, in
 * namespaces of its own. `torn`: an array element is rewritten by updates while a program compares its words. `word`:
 * one aligned 32-bit word is stored through a mapping. `grace`: whether a program that was running when membarrier(2)
 * was called has ended when it returns, and how long the call takes, idle and then.
 */
import { loadNative } from '../../../native/index.ts';
import { must } from '../../support/must.ts';
import { printResult } from '../../support/netns.ts';
import { LoadedSource, u32 } from './loaded-source.ts';
import { OwnBpffs } from './own-bpffs.ts';
import { Busy, type Turn, workHere } from './worker.ts';

/** `words` is some cache lines long, as a list of shapes is. */
const SOURCE = `
struct words { __u64 word[37]; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, struct words); }
  list SEC(".maps");
struct state { __u32 word, halves; __u64 begun, ended, torn, looks; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(map_flags, BPF_F_MMAPABLE); __uint(max_entries, 1);
  __type(key, __u32); __type(value, struct state); } state SEC(".maps");

static __always_inline struct state *get_state(void)
{
	__u32 only = 0;
	return bpf_map_lookup_elem(&state, &only);
}

SEC("xdp") int compare(struct xdp_md *ctx)
{
	__u32 only = 0, i, torn = 0;
	volatile struct words *words = bpf_map_lookup_elem(&list, &only);
	struct state *s = get_state();
	__u64 first;
	if (!words || !s)
		return XDP_ABORTED;
	first = words->word[0];
	for (i = 1; i < 37; i++)
		torn |= words->word[i] != first;
	s->torn += torn;
	s->looks++;
	return XDP_DROP;
}

SEC("xdp") int word(struct xdp_md *ctx)
{
	struct state *s = get_state();
	__u32 word;
	if (!s)
		return XDP_ABORTED;
	word = *(volatile __u32 *)&s->word;
	s->torn += word != 0x11111111 && word != 0xeeeeeeee;
	s->looks++;
	return XDP_DROP;
}

static long nothing(__u32 i, void *ctx)
{
	return 0;
}

SEC("xdp") int linger(struct xdp_md *ctx)
{
	struct state *s = get_state();
	if (!s)
		return XDP_ABORTED;
	__sync_fetch_and_add(&s->begun, 1);
	bpf_loop(8000000, nothing, 0, 0);
	__sync_fetch_and_add(&s->ended, 1);
	return XDP_DROP;
}`;
const CHUNK = 200_000;
const WORDS = { low: 0x11111111, high: 0xeeeeeeee };
const BEGUN = 8;
const ENDED = 16;

const load = () => new LoadedSource(SOURCE, { maps: ['list', 'state'], programs: ['compare', 'word', 'linger'] });

const works = {
  update({ task: path, stopped, count }: Turn<string>) {
    const native = loadNative();
    const map = must(path, native.mapOpen(path, false));
    const [zeros, ones] = [0, 0xff].map((byte) => new Uint8Array(37 * 8).fill(byte));
    for (let turns = 1; !stopped(); count(turns++))
      native.mapUpdateElem(map, u32(0), (turns & 1 ? zeros : ones) as Uint8Array, 0);
  },
  store({ task: path, stopped, count }: Turn<string>) {
    const native = loadNative();
    const memory = must(path, native.mapMmap(must(path, native.mapOpen(path, false)), true));
    for (let turns = 1; !stopped(); count(turns++))
      native.memoryStoreU32(memory, 0, turns & 1 ? WORDS.low : WORDS.high);
  },
  linger({ task: path, stopped, count }: Turn<string>) {
    const native = loadNative();
    const program = must(path, native.programOpen(path));
    const run = { dataIn: new Uint8Array(64), ctxIn: null, repeat: 1, dataOutSize: 0, ctxOutSize: 0 };
    for (let turns = 1; !stopped(); count(turns++)) native.programTestRun(program, run);
  },
};

const counts = (source: LoadedSource) => {
  const [, , , torn = 0, looks = 0] = source.words('state', 0);
  return { torn, looks };
};

/** Until something torn was seen, or SECONDS are over. */
async function observeTorn(seconds: number): Promise<unknown> {
  using bpffs = new OwnBpffs();
  using source = load();
  source.native.mapPin(source.map('list'), bpffs.path('list'));
  const busy = await Busy.start(import.meta.url, 'update', bpffs.path('list'));
  const end = performance.now() + seconds * 1000;
  do source.run('compare', CHUNK);
  while (counts(source).torn === 0 && performance.now() < end);
  return { writes: await busy.stop(), ...counts(source) };
}

async function observeWord(seconds: number): Promise<unknown> {
  using bpffs = new OwnBpffs();
  using source = load();
  const memory = must('mmap', source.native.mapMmap(source.map('state'), true));
  source.native.memoryStoreU32(memory, 0, WORDS.low);
  source.native.mapPin(source.map('state'), bpffs.path('state'));
  const busy = await Busy.start(import.meta.url, 'store', bpffs.path('state'));
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) source.run('word', CHUNK);
  source.native.close(memory);
  return { writes: await busy.stop(), ...counts(source) };
}

const median = (numbers: number[]) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? 0;
const inMs = (work: () => void): number => {
  const start = performance.now();
  work();
  return performance.now() - start;
};

async function observeGrace(rounds: number): Promise<unknown> {
  using bpffs = new OwnBpffs();
  using source = load();
  const { native } = source;
  const barrier = () => {
    if (native.membarrierGlobal() !== 0) throw new Error('no membarrier');
  };
  const idle = Array.from({ length: rounds }, () => inMs(barrier));
  const memory = must('mmap', native.mapMmap(source.map('state'), false));
  const read = (offset: number) => {
    const bytes = must('read', native.memoryRead(memory, offset, 8));
    return Number(new BigUint64Array(bytes.slice().buffer)[0]);
  };
  native.programPin(source.program('linger'), bpffs.path('linger'));
  const busy = await Busy.start(import.meta.url, 'linger', bpffs.path('linger'));
  const running: number[] = [];
  let [met, unfinished] = [0, 0];
  for (let round = 0; round < rounds; round++) {
    const deadline = performance.now() + 1000;
    let begun = 0;
    do begun = read(BEGUN);
    while (begun <= read(ENDED) && performance.now() < deadline);
    if (begun > read(ENDED)) met++;
    running.push(inMs(barrier));
    if (read(ENDED) < begun) unfinished++;
  }
  await busy.stop();
  native.close(memory);
  return {
    rounds,
    met,
    unfinished,
    idleMs: median(idle),
    runningMs: median(running),
    longestMs: Math.max(...idle, ...running),
  };
}

const scenarios = { torn: observeTorn, word: observeWord, grace: observeGrace };
if (!workHere(works)) {
  const [, , what, size] = process.argv;
  printResult(await scenarios[what as keyof typeof scenarios](Number(size)));
}
