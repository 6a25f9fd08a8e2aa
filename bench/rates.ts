/**
 * What rates cost: `./dev bench rates [--hosts N] [--busy N] [--redirects N]`. An agent's look at all counters, where it may make a
 * map (root); and a controller's memory of five minutes of made-up hosts, with its answers. Times are of CPU, for the machine does other
 * things, too.
 */
import { readFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { STRUCTS } from '../agent/kernel/abi.ts';
import { Stats } from '../agent/kernel/stats.ts';
import { Rates } from '../agent/reconcile/rates.ts';
import { table } from '../cli/show/table.ts';
import { Traffic } from '../controller/serve/traffic.ts';
import { loadNative } from '../native/index.ts';
import type { Intent } from '../protocol/intent.ts';
import { encodeStatus, parseStatus } from '../protocol/status.ts';
import { encodeTopReply, SERIES_EVERY_MS, SERIES_POINTS, type TopRequest } from '../protocol/top.ts';
import { readArguments } from '../test/support/arguments.ts';

const STATUS = new URL('../protocol/fixtures/status.json', import.meta.url);
const ROUNDS = 15;
const BPF_MAP_TYPE_ARRAY = 2;
const BPF_F_MMAPABLE = 1 << 10;
const ROOM_BYTES = 500_000;
const MIB = 2 ** 20;

/** Milliseconds of CPU. */
function cpuMs(work: () => unknown): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

function median(work: () => unknown): string {
  const taken = Array.from({ length: ROUNDS }, () => cpuMs(work)).sort((a, b) => a - b);
  return (taken[ROUNDS >> 1] ?? Number.NaN).toFixed(2);
}

/** Looks at the counters of so many slots, all of which count, with a row for each CPU and one that is shared. */
function lookRow(slots: number, cpuRows: number): readonly string[] {
  const native = loadNative();
  const size = STRUCTS.stat.size;
  const map = native.mapCreate(BPF_MAP_TYPE_ARRAY, 'bench', 4, size, slots * (cpuRows + 1), BPF_F_MMAPABLE);
  const memory = typeof map === 'number' ? map : native.mapMmap(map, true);
  if (typeof map === 'number' || typeof memory === 'number') return [`${slots}`, `${cpuRows}`, '-', '-'];
  const stats = new Stats(native, map, slots, cpuRows);
  const words = new BigUint64Array(slots * (size / 8));
  const rates = new Rates();
  const counts = {
    ...{ epoch: 'bench', totals: () => stats.totals(), passed: () => new Map(), verdicts: () => new Map() },
    losses: () => ({ losses: [], unwatched: [] }),
  };
  const intents = Array.from({ length: slots }, (_, slot) => ({ name: `redirect-${slot}` }) as Intent);
  const holders = { turns: new Uint32Array(slots), holderOf: (slot: number) => intents[slot] };
  let atMs = 0;
  const looks = Array.from({ length: ROUNDS }, () => {
    for (let slot = 0; slot < slots; slot += 1) words[slot * (size / 8)] = BigInt(atMs * ((slot * 7919) % 1000));
    native.memoryWrite(memory, 0, new Uint8Array(words.buffer));
    atMs += SERIES_EVERY_MS;
    return cpuMs(() => rates.look(counts, holders, atMs));
  }).sort((a, b) => a - b);
  const read = median(() => stats.totals());
  native.close(memory);
  native.close(map);
  return [`${slots}`, `${cpuRows}`, read, (looks[ROUNDS >> 1] ?? Number.NaN).toFixed(2)];
}

interface Size {
  readonly hosts: number;
  readonly busy: number;
  readonly redirects: number;
}

/** A controller that has heard all hosts for five minutes, and what that took. */
function hear({ hosts, busy, redirects }: Size) {
  const plain = JSON.parse(readFileSync(STATUS, 'utf8')) as object;
  const clock = { ms: 0, nowMs: () => 1.7e12 + clock.ms, monotonicMs: () => clock.ms };
  const traffic = new Traffic(clock);
  const say = (host: number, seq: number) => {
    const busiest = Array.from({ length: busy }, (_, at) => {
      return {
        name: `redirect-${(at * 7 + host * 13) % redirects}`,
        packets: 1000 * (busy - at),
        bytes: 70_000 * busy,
      };
    });
    const rates = { spanMs: SERIES_EVERY_MS, busiest, verdicts: { SENT: 1 }, lost: 0 };
    return parseStatus({ ...plain, host: `edge-${host}`, boot: `b${host}`, seq, rates });
  };
  let takeMs = 0;
  for (let seq = 1; seq <= SERIES_POINTS; seq += 1) {
    clock.ms += SERIES_EVERY_MS;
    const said = Array.from({ length: hosts }, (_, host) => say(host, seq));
    takeMs += cpuMs(() => {
      for (const status of said) traffic.take(status);
    });
  }
  return { traffic, takeMs: takeMs / (hosts * SERIES_POINTS), status: say(0, 1) };
}

function memoryMib(): number {
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return (heapUsed + arrayBuffers) / MIB;
}

function controllerRows(size: Size): readonly (readonly string[])[] {
  const before = memoryMib();
  const { traffic, takeMs, status } = hear(size);
  const held = memoryMib() - before;
  const bytes = encodeStatus(status);
  const { rates: _, ...less } = status;
  const plain = encodeStatus(less);
  const names = Array.from({ length: size.redirects }, (_, at) => `redirect-${at}`);
  const hosts = Array.from({ length: size.hosts }, (_, at) => `edge-${at}`);
  const top = (more: Partial<TopRequest>) => median(() => encodeTopReply(traffic.top({ v: 1, ...more }, ROOM_BYTES)));
  const get = () => {
    const now = traffic.now();
    const on = { total: hosts.length, complete: hosts.filter((host) => now.isComplete(host)).length };
    for (const name of names) now.of(name, on);
  };
  return [
    ['memory of five minutes, MiB (with --expose-gc)', held.toFixed(1)],
    ['a status with rates, without: bytes', `${bytes.length}, ${plain.length}`],
    ['to read it, with rates, without: ms', `${median(() => parseStatus(bytes))}, ${median(() => parseStatus(plain))}`],
    ['to take the rates of a status: ms', takeMs.toFixed(3)],
    ['top: ms', top({})],
    ['top --by-host: ms', top({ split: true })],
    ['top --host HOST: ms', top({ host: 'edge-0' })],
    [`PKT/S of get, of ${size.redirects} redirects on all hosts: ms`, median(get)],
  ];
}

if (import.meta.main) {
  const { values } = readArguments('bench rates', {
    hosts: { takes: 'number', from: 1, to: 10_000, default: 2000 },
    busy: { takes: 'number', from: 1, to: 64, default: 64 },
    redirects: { takes: 'number', from: 64, to: 100_000, default: 1000 },
  });
  const right = (title: string) => ({ title, align: 'right' as const });
  const paper = { width: undefined, colour: false };
  const sizes = [16_384, 131_072].flatMap((slots) => [2, 32].map((cpuRows) => [slots, cpuRows] as const));
  const looks = sizes.map(([slots, cpuRows]) => lookRow(slots, cpuRows));
  const load = loadavg().map((one) => one.toFixed(1));
  console.log(`${cpus().length} CPUs, load ${load.join(' ')}; milliseconds of CPU, medians of ${ROUNDS}\n`);
  console.log(table(['slots', 'CPUs', 'to read all', 'a look, all busy'].map(right), looks, paper));
  console.log(`\n${values.hosts} hosts with ${values.busy} busy redirects each, of ${values.redirects}\n`);
  console.log(table([{ title: 'controller' }, right('')], controllerRows(values), paper));
}
