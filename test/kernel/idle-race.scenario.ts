/**
 * Redirects are given up while packets meet them: `idle-race.scenario.ts DELETES`, in namespaces of its own. In each round
 * the agent's own code gives up a batch; at the same moment threads run packets through the attached program, and
 * another thread deletes the same keys. Answers how many keys were met before they were gone, and for how many what
 * came of it was wrong: one that a packet met has to stand again after one put, one that none met has to be gone.
 */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { attach } from '../../agent/attach/attach.ts';
import { detach } from '../../agent/attach/detach.ts';
import { encodeKey } from '../../agent/kernel/layout.ts';
import { NativeKernel } from '../../agent/kernel/native-kernel.ts';
import { pinPaths } from '../../agent/kernel/pins.ts';
import type { EntryKey } from '../../agent/model/entry-key.ts';
import type { Op } from '../../agent/model/op.ts';
import type { EntryState } from '../../agent/model/state.ts';
import type { Kernel } from '../../agent/ports.ts';
import { Convergence } from '../../agent/reconcile/convergence.ts';
import { atOnce } from '../../daemon/parts.ts';
import { loadNative } from '../../native/index.ts';
import type { Intent } from '../../protocol/intent.ts';
import { keyOf } from '../../protocol/key.ts';
import { parseMatch } from '../../protocol/match.ts';
import { must } from '../support/must.ts';
import { printResult } from '../support/netns.ts';
import { frame, ipv4, udp } from '../support/packets.ts';

/** As many as the agent gives up at once. */
const BATCH = 1_000;
const ACTORS = ['packets', 'packets', 'deleter'] as const;
/** Between the last hit of one round and the next there is a jiffy, at 100 a second too. */
const APART_MS = 25;
const MET = 1;
const XDP_DROP = 1;
/** Packets and deletes go through the keys in an order of their own, which each round changes. */
const STRIDES = [7, 13, 17, 19, 23, 29, 31, 37] as const;

/** Rounds are so far apart that nobody takes the deleter for one who fights. */
const ROUND_MS = 3_600_000;
const BEGIN_MS = 1_700_000_000_000;
/** Where a thread waits for the round, and where they meet. */
const ROUND = 0;
const ARRIVED = 1;
const LEFT = 2;

interface Task {
  readonly actor: (typeof ACTORS)[number];
  readonly place: number;
  readonly pinRoot: string;
  readonly shared: SharedArrayBuffer;
  /** A byte a key and actor. */
  readonly met: SharedArrayBuffer;
}

const dst = (n: number): string => `10.7.${n >> 8}.${n & 255}`;

function intentOf(n: number, rev: number): Intent {
  const match = parseMatch({ dst: dst(n), proto: 'udp', dport: 53 });
  return { key: keyOf(match), rev, name: `r${n}`, match, to: 'drop', idle: { afterMs: 1, rearm: 'revision' } };
}

function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** Waits until all are there, so that they begin at the same moment. */
function meet(shared: Int32Array, round: number): void {
  Atomics.add(shared, ARRIVED, 1);
  for (let spins = 1; Atomics.load(shared, ARRIVED) < round * (ACTORS.length + 1); spins += 1)
    if (spins % 2_000 === 0) sleep(0.05);
}

function act({ actor, place, pinRoot, shared, met }: Task): void {
  const native = loadNative();
  const paths = pinPaths(pinRoot);
  const program = must('program', native.programOpen(paths.program));
  const map = must('redirect4', native.mapOpen(paths.map('redirect4'), false));
  const words = new Int32Array(shared);
  const mine = new Uint8Array(met, place * BATCH, BATCH);
  const keys = Array.from({ length: BATCH }, (_, n) => encodeKey(intentOf(n, 1).match, 0));
  const frames = Array.from({ length: BATCH }, (_, n) => frame(ipv4(udp(4000, 53), { dst: dst(n) })));
  const run = { ctxIn: null, repeat: 1, dataOutSize: 0, ctxOutSize: 0 };
  const once = (n: number): void => {
    if (actor === 'deleter') native.mapDeleteElem(map, keys[n] as Uint8Array);
    else if (native.programTestRun(program, { ...run, dataIn: frames[n] as Uint8Array }).retval === XDP_DROP)
      mine[n] = MET;
  };
  for (let round = 1; ; round += 1) {
    Atomics.wait(words, ROUND, round - 1);
    if (Atomics.load(words, ROUND) < 0) return;
    const stride = STRIDES[(round + place) % STRIDES.length] ?? 1;
    // A third of the rounds nobody comes for most keys: those have to go.
    const most = actor === 'packets' && round % 3 === 0 ? BATCH / 10 : BATCH;
    meet(words, round);
    for (let n = 0; n < most; n += 1) once((n * stride + round) % BATCH);
    Atomics.add(words, LEFT, 1);
    Atomics.notify(words, LEFT);
  }
}

/** The real kernel, and how often each key was written. */
function counted(kernel: Kernel, writes: Map<string, number>): Kernel {
  const { entries } = kernel;
  const apply = (ops: readonly Op[]) => {
    for (const op of ops) if (op.op === 'write') writes.set(op.id, (writes.get(op.id) ?? 0) + 1);
    return entries.apply(ops);
  };
  const others = {
    limits: entries.limits,
    observe: () => entries.observe(),
    look: () => entries.look(),
    sweep: () => entries.sweep(),
    tend: () => entries.tend(),
    lookup: (keys: readonly EntryKey[]) => entries.lookup(keys),
  };
  return {
    ...{ pins: kernel.pins, net: kernel.net, counts: kernel.counts, words: kernel.words, clock: kernel.clock },
    entries: { ...others, apply },
  };
}

/** Makes passes until nothing is due. */
function converge(convergence: Convergence, nowMs: number): void {
  do convergence.pass(nowMs, () => 0, true);
  while (convergence.pending);
}

/** Everything stands, and nobody has come for longer than a jiffy. */
function prepare(convergence: Convergence, clock: Kernel['clock'], nowMs: number): readonly EntryState[] {
  const { silence, ledger } = convergence;
  const idle = [...ledger.states.values()].filter(({ state }) => state === 'idle');
  silence.arm(idle.map(({ key, rev, slot }) => ({ key, rev, slot, state: 'pending', sinceMs: nowMs })));
  // What the deleter took is put right in between, and forgotten as a fight that is over.
  for (const atMs of [nowMs - ROUND_MS / 2, nowMs]) {
    convergence.readBackNext();
    converge(convergence, atMs);
  }
  const from = clock.now().jiffies;
  do sleep(APART_MS);
  while (clock.now().jiffies - from < 2n); // a busy machine's ticks come late, and together
  const rows = silence.find({ since: () => 0 }, nowMs);
  if (rows.length < BATCH / 2) throw new Error(`${rows.length} of ${BATCH} are silent`);
  return rows;
}

async function race(deletes: number): Promise<unknown> {
  using pins = new Pins();
  using kernel = new NativeKernel(loadNative(), pins.pinRoot);
  const writes = new Map<string, number>();
  const intents = Array.from({ length: BATCH }, (_, n) => intentOf(n, 1));
  const convergence = atOnce(Convergence.on(counted(kernel, writes), intents, []));
  converge(convergence, BEGIN_MS);
  const shared = new SharedArrayBuffer(12);
  const words = new Int32Array(shared);
  const met = new SharedArrayBuffer(BATCH * ACTORS.length);
  const workers = ACTORS.map((actor, place) => {
    const task: Task = { actor, place, pinRoot: pins.pinRoot, shared, met };
    return new Worker(new URL(import.meta.url), { workerData: task });
  });
  const ended = workers.map((worker) => once(worker, 'exit'));
  const count = { rounds: 0, deletes: 0, met: 0, wrong: 0, manyPuts: 0 };
  for (let round = 1; count.deletes < deletes; round += 1) {
    const nowMs = BEGIN_MS + round * ROUND_MS;
    const rows = prepare(convergence, kernel.clock, nowMs);
    new Uint8Array(met).fill(0);
    writes.clear();
    convergence.silence.giveUp(rows);
    Atomics.store(words, ROUND, round);
    Atomics.notify(words, ROUND);
    meet(words, round);
    converge(convergence, nowMs);
    await allLeft(words, round);
    const stand = kernel.entries.lookup(intents.map(({ match }) => ({ match, zone: 0 })));
    const given = new Set(rows.map(({ key }) => key));
    for (const [n, { key }] of intents.entries()) {
      if (!given.has(key)) continue;
      const came = ACTORS.some((_, place) => new Uint8Array(met)[place * BATCH + n] === MET);
      const { state } = convergence.ledger.states.get(key) ?? {};
      if (came) count.met += 1;
      if (state !== (came ? 'installed' : 'idle') || (!came && stand.has(key))) count.wrong += 1;
      if ((writes.get(key) ?? 0) !== (came ? 1 : 0)) count.manyPuts += 1;
    }
    count.rounds = round;
    count.deletes += rows.length;
  }
  Atomics.store(words, ROUND, -1);
  Atomics.notify(words, ROUND);
  await Promise.all(ended);
  return { ...count, absent: Number(convergence.deleteAbsent) };
}

async function allLeft(words: Int32Array, round: number): Promise<void> {
  for (;;) {
    const left = Atomics.load(words, LEFT);
    if (left === round * ACTORS.length) return;
    await Atomics.waitAsync(words, LEFT, left, 1_000).value;
  }
}

/** The program attached to a veth of this namespace, with a slot a key. */
class Pins implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'shunt-idle-race-'));
  readonly pinRoot = join(this.#folder, 'bpf');

  constructor() {
    for (const words of ['link add v0 type veth peer v1', 'link set v0 up', 'link set v1 up'])
      execFileSync('ip', words.split(' '));
    attach(loadNative(), {
      ...{ interfaces: ['v0'], mode: 'generic', pinRoot: this.pinRoot, maxRedirects: BATCH, acceptPrivatePins: true },
    });
  }

  [Symbol.dispose](): void {
    detach(loadNative(), this.pinRoot, []);
    rmSync(this.#folder, { recursive: true });
  }
}

if (isMainThread) printResult(await race(Number(process.argv[2])));
else act(workerData as Task);
