/**
 * What a program that looks one key up sees while another thread rewrites that key and its neighbours without a pause:
 * `reading.scenario.ts WAY LOOKS [SECONDS]`, in namespaces of its own. Two programs look in turn. `bare` looks once and
 * reads the value where it needs it, with the time of a route look-up between; `checked` looks as ours does
 * (bpf/lookup.h). Goes on after LOOKS, for SECONDS at most, until the first has seen what it should not.
 */
import { fileURLToPath } from 'node:url';
import { encodeKey, encodeValue } from '../../../agent/kernel/layout.ts';
import { loadNative } from '../../../native/index.ts';
import { parseMatch } from '../../../protocol/match.ts';
import { must } from '../../support/must.ts';
import { printResult } from '../../support/netns.ts';
import { SEND } from '../loaded-program.ts';
import { LoadedSource } from './loaded-source.ts';
import { OwnBpffs } from './own-bpffs.ts';
import { Busy, type Turn, workHere } from './worker.ts';

/** A value says whose it is (slot) and, in several places, which version; the readers compare. */
const SOURCE = `
#include "${fileURLToPath(new URL('../../../bpf/lookup.h', import.meta.url))}"
#include <bpf/bpf_endian.h>
enum { RIGHT, MISSING, STRANGER, TORN, UNRESOLVED, KINDS };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 2 * KINDS); __type(key, __u32); __type(value, __u64); }
  seen SEC(".maps");

static __always_inline int seen_in(const struct value *v)
{
	if (v->slot != 1)
		return STRANGER;
	if (v->ifindex != v->until || v->dmac[5] != v->until || v->smac[5] != v->until)
		return TORN;
	return RIGHT;
}

static __always_inline int note(__u32 at)
{
	__u64 *count = bpf_map_lookup_elem(&seen, &at);
	if (count)
		++*count;
	return XDP_DROP;
}

static __always_inline struct key own_key(void)
{
	union { struct key4 key; __u64 word[2]; } own = { .key = { .dst = bpf_htonl(0xcb00710a), .dst_len = 32 } };
	struct key key = { .word = { own.word[0], own.word[1] } };

	key.sum = check_sum(key.word, 2, 0);
	return key;
}

SEC("xdp") int bare(struct xdp_md *ctx)
{
	struct key key = own_key();
	const volatile struct value *value = bpf_map_lookup_elem(&redirect4, key.word);
	__u32 slot, rev, i;

	if (!value)
		return note(MISSING);
	rev = value->rev;
	if (value->until != rev || value->ifindex != rev)
		return note(TORN);
	for (i = 0; i < READS; i++)
		bpf_ktime_get_ns();
	slot = value->slot;
	if (slot != 1)
		return note(STRANGER);
	return note(value->dmac[5] == rev && value->smac[5] == rev ? RIGHT : TORN);
}

static __always_inline int judge(__u32 base, enum look look, const union entry *e)
{
	if (look == LOOK_MISS)
		return note(base + MISSING);
	if (look == LOOK_RACE)
		return note(base + UNRESOLVED);
	return note(base + seen_in(&e->value));
}

SEC("xdp") int checked(struct xdp_md *ctx)
{
	struct key key = own_key();
	union entry e = {};
	enum look look = look_up(KIND_IPV4, &key, &e);

	return judge(KINDS, look, &e);
}`;
const KINDS = ['right', 'missing', 'stranger', 'torn', 'unresolved'] as const;
const READERS = ['bare', 'checked'] as const;
const CHUNK = 200_000;
const RESTS = 4;
/** Of the map: an element that is given up is given to another key at once. */
const ROOM = 2;
const BPF_ANY = 0;
const BPF_F_LOCK = 4;

interface Task {
  readonly path: string;
  readonly flags: number;
}

const keyOf = (last: number) => encodeKey(parseMatch({ dst: `203.0.113.${last}` }), 0);
const OWN = keyOf(10);
const STRANGERS = Array.from({ length: 16 }, (_, index) => keyOf(100 + index));

function makeValue(key: Uint8Array, slot: number, version: number): Uint8Array {
  const mac = `02:00:00:00:00:0${version}`;
  const same = { rev: version, until: BigInt(version), ifindex: version, dmac: mac, smac: mac };
  return encodeValue(key, { ...SEND, ...same, action: 'drop', slot });
}

/** Both works keep a stranger coming and going, so that an element that the own key gave up finds another key at once. */
function writer({ path, flags }: Task) {
  const native = loadNative();
  const map = must(path, native.mapOpen(path, false));
  const values = [1, 2].map((version) => makeValue(OWN, 1, version));
  const strangers = STRANGERS.map((key) => ({ key, value: makeValue(key, 2, 3) }));
  const put = (key: Uint8Array, value: Uint8Array) => native.mapUpdateElem(map, key, value, flags);
  const own = (version: number) => put(OWN, values[version & 1] ?? OWN);
  const remove = (key: Uint8Array) => native.mapDeleteElem(map, key);
  const get = () => native.mapLookupElem(map, OWN, 0);
  return { strangers, put, own, remove, get };
}

const works = {
  replace({ task, stopped, count }: Turn<Task>) {
    const { strangers, put, own, remove } = writer(task);
    for (let turns = 1; !stopped(); count(turns++)) {
      for (const { key, value } of strangers) {
        put(key, value);
        own(turns);
        put(key, value);
        own(turns + 1);
        remove(key);
      }
    }
  },
  reinsert({ task, stopped, count }: Turn<Task>) {
    const { strangers, put, own, remove, get } = writer(task);
    for (let turns = 1; !stopped(); count(turns++)) {
      for (const { key, value } of strangers) {
        remove(OWN);
        put(key, value);
        remove(key);
        own(turns);
        for (let rest = 0; rest < RESTS; rest++) get(); // It stays a while, or nobody would hold it when it goes.
      }
    }
  },
};

function countsOf(source: LoadedSource, reader: (typeof READERS)[number]): Record<string, number> {
  const base = READERS.indexOf(reader) * KINDS.length;
  return Object.fromEntries(KINDS.map((kind, index) => [kind, source.words('seen', base + index)[0] ?? 0]));
}

/** `reads`: how often the bare program reads the clock between two reads of the value, some 40 ns each. */
const WAYS = {
  replaced: { work: 'replace', flags: BPF_ANY, reads: 10 },
  replacedLocked: { work: 'replace', flags: BPF_F_LOCK, reads: 10 },
  reinserted: { work: 'reinsert', flags: BPF_ANY, reads: 40 },
  reinsertedLocked: { work: 'reinsert', flags: BPF_F_LOCK, reads: 40 },
} as const;

/** Under `reinsert` a miss is no fault: the key is absent for a while. */
function shown(work: string, source: LoadedSource): boolean {
  const { missing = 0, stranger = 0, torn = 0 } = countsOf(source, 'bare');
  return (work === 'replace' ? missing : 0) + stranger + torn > 0;
}

async function observe(way: keyof typeof WAYS, looks: number, seconds: number): Promise<unknown> {
  const { work, flags, reads } = WAYS[way];
  using bpffs = new OwnBpffs();
  const names = { maps: ['redirect4', 'seen'], programs: READERS, sizes: { redirect4: ROOM } };
  using source = new LoadedSource(`#define READS ${reads}\n${SOURCE}`, names);
  const map = source.map('redirect4');
  source.native.mapUpdateElem(map, OWN, makeValue(OWN, 1, 1), BPF_F_LOCK);
  source.native.mapPin(map, bpffs.path('redirect4'));
  const busy = await Busy.start<Task>(import.meta.url, work, { path: bpffs.path('redirect4'), flags });
  const start = performance.now();
  const spent = () => (performance.now() - start) / 1000;
  let done = 0;
  for (; done < looks || (spent() < seconds && !shown(work, source)); done += CHUNK) {
    for (const reader of READERS) source.run(reader, CHUNK);
  }
  const turns = await busy.stop();
  const writes = turns * STRANGERS.length * (work === 'replace' ? 5 : 4);
  const seen = Object.fromEntries(READERS.map((reader) => [reader, countsOf(source, reader)]));
  return { looks: done, writes, seconds: Math.round(spent()), ...seen };
}

if (!workHere(works)) {
  const [, , way, looks, seconds] = process.argv;
  printResult(await observe(way as keyof typeof WAYS, Number(looks), Number(seconds ?? 600)));
}
