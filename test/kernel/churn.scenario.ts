/**
 * Looks up one entry, so many million times, while another thread rewrites it and deletes and adds its neighbours without a pause:
 * `churn.scenario.ts WAY MILLIONS`, in namespaces of its own. WAY is how it is written: `locked` and `unlocked` by calls of the
 * addon, `table` by the agent's code, on a program with a table.
 */
import { join } from 'node:path';
import { LIMITS, VERDICTS } from '../../agent/kernel/abi.ts';
import { encodeKey, encodeValue } from '../../agent/kernel/layout.ts';
import type { EntryValue } from '../../agent/model/entry.ts';
import { entryId } from '../../agent/model/entry-key.ts';
import type { Op } from '../../agent/model/op.ts';
import { loadNative } from '../../native/index.ts';
import { must } from '../support/must.ts';
import { printResult } from '../support/netns.ts';
import { frame, ipv4, udp } from '../support/packets.ts';
import { OwnBpffs } from './facts/own-bpffs.ts';
import { Busy, type Turn, workHere } from './facts/worker.ts';
import { LoadedProgram, SEND } from './loaded-program.ts';
import { openEntries, pinEntries } from './pinned-entries.ts';
import { keyOf } from './tabled-program.ts';

type EntryOp = Extract<Op, { op: 'write' | 'delete' }>;
type Way = 'locked' | 'unlocked' | 'table';

interface Task {
  readonly bpffs: string;
  readonly way: Way;
}

const FLAGS = { locked: 4, unlocked: 0 } as const;
const OWN = '203.0.113.10';
const STRANGERS = Array.from({ length: 16 }, (_, index) => `203.0.113.${100 + index}`);
/** A table of two elements: the strangers fall into the own bucket and get the elements that it gives back. */
const ENTRIES = 2;
/** So few rows that each key's window is all of them. */
const ROW_BITS = Math.log2(LIMITS.PROBES_MAX);
const RUNS = 1_000_000;
/** Turns between two looks at everything, by which rows of keys that went are given up. */
const LOOK = 10;

const VALUES: readonly EntryValue[] = [0, 1].map((rev) => ({ ...SEND, action: 'drop', rev }));
const STRANGE: EntryValue = { ...SEND, action: 'pass', slot: 2 };

interface Writer {
  own(turn: number): void;
  come(stranger: string): void;
  go(stranger: string): void;
  look(): void;
}

function rawWriter(bpffs: string, flags: number): Writer {
  const native = loadNative();
  const map = must('redirect4', native.mapOpen(join(bpffs, 'redirect4'), false));
  const keys = new Map([OWN, ...STRANGERS].map((dst) => [dst, encodeKey(keyOf(dst).match, 0)]));
  const key = (dst: string): Uint8Array => keys.get(dst) as Uint8Array;
  const values = VALUES.map((value) => encodeValue(key(OWN), value));
  const strange = new Map(STRANGERS.map((dst) => [dst, encodeValue(key(dst), STRANGE)]));
  return {
    own: (turn) => native.mapUpdateElem(map, key(OWN), values[turn & 1] as Uint8Array, flags),
    come: (dst) => native.mapUpdateElem(map, key(dst), strange.get(dst) as Uint8Array, FLAGS.locked),
    go: (dst) => native.mapDeleteElem(map, key(dst)),
    look: () => {},
  };
}

function agentWriter(bpffs: string): Writer {
  const entries = openEntries(bpffs);
  const at = (dst: string) => ({ id: entryId(keyOf(dst)), key: keyOf(dst) });
  const own = VALUES.map((value) => ({ op: 'write', ...at(OWN), value }) as const);
  const come = new Map(STRANGERS.map((dst) => [dst, { op: 'write', ...at(dst), value: STRANGE } as const]));
  const go = new Map(STRANGERS.map((dst) => [dst, { op: 'delete', ...at(dst) } as const]));
  const carryOut = (op: EntryOp | undefined): void => {
    if (op === undefined || entries.apply([op])[0]?.done !== true) throw new Error(`not done: ${op?.op}`);
  };
  return {
    own: (turn) => carryOut(own[turn & 1]),
    come: (dst) => carryOut(come.get(dst)),
    go: (dst) => carryOut(go.get(dst)),
    look: () => {
      while (entries.look().more);
      while (entries.tend());
    },
  };
}

const works = {
  /** Strangers come and go, so that freed elements find new keys at once. */
  churn({ task: { bpffs, way }, stopped, count }: Turn<Task>) {
    const writer = way === 'table' ? agentWriter(bpffs) : rawWriter(bpffs, FLAGS[way]);
    for (let turns = 1; !stopped(); count(turns++)) {
      for (const dst of STRANGERS) {
        writer.come(dst);
        writer.own(turns);
        writer.go(dst);
      }
      if (turns % LOOK === 0) writer.look();
    }
  },
};

async function observe(way: Way, rounds: number): Promise<unknown> {
  using bpffs = new OwnBpffs();
  using program = new LoadedProgram({ entries: ENTRIES, rowBits: way === 'table' ? ROW_BITS : 0 });
  program.install({ match: { dst: OWN }, action: 'drop' });
  pinEntries(program, bpffs.root);
  const busy = await Busy.start<Task>(import.meta.url, 'churn', { bpffs: bpffs.root, way });
  for (let round = 0; round < rounds; round++) program.repeat(frame(ipv4(udp())), RUNS);
  const rewrites = (await busy.stop()) * STRANGERS.length;
  const counted = program.verdicts().map((packets, index) => [VERDICTS[index], Number(packets)] as const);
  const verdicts = Object.fromEntries(counted.filter(([, packets]) => packets > 0));
  return { verdicts, strangers: Number(program.counter(STRANGE.slot).packets), rewrites };
}

if (!workHere(works)) printResult(await observe(process.argv[2] as Way, Number(process.argv[3])));
