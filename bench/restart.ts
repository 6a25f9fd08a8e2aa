/**
 * An agent that starts with all of its redirects right: `./dev bench restart [--redirects N] [--rounds N] [--seconds S] [--profile]
 * [-o json]`, as root. A real agent on maps and in namespaces of its own, a bus, and a log that has nothing new; the store is filled by its own
 * class, the kernel by the agent. Each round has its floors: every entry read by LOOKUP_BATCH, and every row read from the store.
 */
import { chownSync, readdirSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { SqliteStore } from '../agent/store/sqlite-store.ts';
import { makeSystemClock } from '../daemon/clock.ts';
import { agentMigrations } from '../migrations/agent/index.ts';
import { loadNative, type MapHandle } from '../native/index.ts';
import { addDigest, EMPTY_DIGEST, elementDigest } from '../protocol/digest.ts';
import { intentBody, type Put } from '../protocol/intent.ts';
import { keyOf } from '../protocol/key.ts';
import { readArguments } from '../test/support/arguments.ts';
import { lockMachine } from '../test/support/lock.ts';
import { must } from '../test/support/must.ts';
import { attachHost } from '../test/support/operator.ts';
import { type Running, until } from '../test/support/process.ts';
import { C, HOST, NATS_URL, Testbed } from '../test/support/testbed.ts';
import { addressOf, countKeys } from './bulk-files.ts';
import { quantiles } from './floors.ts';
import { cpuMsOf, memoryOf } from './proc.ts';
import { profileIn, topOf } from './profile.ts';
import { describeRestart, type RestartReport, type Round } from './restart-report.ts';
import { profiledCommand, type Standstill, standstillOf, watchedCommand } from './watched.ts';

const LOG = join(import.meta.dirname, 'restart-log.ts');
const NOBODY = 65_534;
const PATIENCE_MS = 10 * 60_000;
const EPOCH = 'bench';
const BPF_F_LOCK = 4;
const LOOK_AGAIN_MS = 250;
/** The agent's drift check comes once a minute. */
const DRIFT_S = 65;
/** Until what a start leaves behind is over: V8 gives memory back up to sixteen seconds later. */
const SETTLE_MS = 20_000;
/** One redirect falls silent so soon, later than that, and all others are looked at with it. */
const SILENT_MS = 45_000;
const LASTING_MS = 3_600_000;
/** So many functions are named of a profile. */
const TOP = 5;

export interface RestartOptions {
  readonly redirects: number;
  readonly rounds: number;
  /** The agent is left alone for so long. */
  readonly seconds: number;
  /** Take a CPU profile of one start more, and of as many seconds after it. */
  readonly profile?: boolean;
  readonly say?: (line: string) => void;
}

export async function restart({
  redirects,
  rounds,
  seconds,
  profile = false,
  say = () => {},
}: RestartOptions): Promise<RestartReport> {
  await using bed = await Testbed.make();
  await bed.must('b', ['ip', 'neigh', 'replace', C.v4, 'lladdr', C.mac, 'dev', 'to-c']);
  await bed.startNats();
  await attachHost(bed, ['--max-redirects', `${redirects}`]);
  const run = new Run(bed, redirects, say);
  await run.fill(() => ({}));
  const done: Round[] = [];
  for (let round = 0; round < rounds; round += 1) done.push(await run.round());
  const idle = await run.idle(seconds * 1000);
  const keys = run.keys();
  const profiles = profile ? { profiles: await run.profiles(seconds * 1000) } : {};
  await run.fill((index) => ({ idle: { afterMs: index === 0 ? SILENT_MS : LASTING_MS, rearm: 'revision' } }));
  const sweep = await run.sweep();
  const median = (of: (round: Round) => number): number => quantiles(done.map(of)).p50;
  return {
    ...{ redirects, rounds, keys, idle, sweep, ...profiles },
    wholeMs: median(({ wholeMs }) => wholeMs),
    start: { longestMs: median((it) => it.start.longestMs), longestCpuMs: median((it) => it.start.longestCpuMs) },
    startCpuMs: median(({ startCpuMs }) => startCpuMs),
    rssBytes: median(({ rssBytes }) => rssBytes),
    floors: { dumpMs: median(({ floors }) => floors.dumpMs), rowsMs: median(({ floors }) => floors.rowsMs) },
    machine: { cpus: cpus().length, load: loadavg() },
  };
}

/** The agent and what it stands on. */
class Run {
  readonly #bed: Testbed;
  readonly #redirects: number;
  readonly #say: (line: string) => void;
  readonly #native = loadNative();
  readonly #map: MapHandle;
  #log: Running | undefined;
  #agent: Running | undefined;
  #rev = 0;

  constructor(bed: Testbed, redirects: number, say: (line: string) => void) {
    this.#bed = bed;
    this.#redirects = redirects;
    this.#say = say;
    this.#map = must('redirect4', this.#native.mapOpen(join(bed.pins, 'redirect4'), true));
  }

  /** Has the store want all of it, and an agent write it to the kernel. */
  async fill(more: (index: number) => Partial<Put>): Promise<void> {
    await this.#agent?.stop();
    await this.#log?.stop();
    const digest = await this.#store(more);
    const log = [process.execPath, LOG, NATS_URL, HOST, EPOCH, `${this.#rev}`, digest];
    this.#log = await this.#bed.start('bus', 'log', log);
    await this.#start();
    this.#say(`filled: ${this.keys()} keys`);
  }

  async #store(more: (index: number) => Partial<Put>): Promise<string> {
    const { state: directory } = this.#bed;
    const clock = makeSystemClock();
    give(directory, 0);
    const store = await SqliteStore.open({ directory, host: HOST, migrations: agentMigrations, clock });
    const changes = Array.from({ length: this.#redirects }, (_, index) =>
      put(index, this.#rev + index + 1, more(index)),
    );
    const sum = changes.reduce((all, it) => all + elementDigest(it.key, it.rev, intentBody(it)), 0n);
    const digest = addDigest(EMPTY_DIGEST, sum);
    this.#rev += this.#redirects;
    const cursor = { epoch: EPOCH, rev: this.#rev };
    const { outcome } = await store.accept({ base: 'empty', changes, cursor, digest });
    await store.close();
    if (outcome !== 'accepted') throw new Error(`the store says ${outcome}`);
    give(directory, NOBODY);
    return digest;
  }

  /** Starts an agent anew on what is right. */
  async round(): Promise<Round> {
    await this.#agent?.stop();
    const floors = this.#floors();
    const round = { ...(await this.#start()), floors };
    this.#say(`started in ${round.wholeMs.toFixed(0)} ms`);
    return round;
  }

  async #start(): Promise<Omit<Round, 'floors'>> {
    const agent = await this.#started(watchedCommand('nobody', this.#bed.agentCommand()));
    const { pid } = agent;
    const startCpuMs = cpuMsOf(pid);
    await delay(SETTLE_MS);
    const { originMs, ...start } = await standstillOf(agent);
    const { time } = JSON.parse(startOf(agent) ?? '') as { readonly time: string };
    return { wholeMs: Date.parse(time) - originMs, startCpuMs, start, rssBytes: memoryOf(pid).rss };
  }

  async #started(command: readonly string[]): Promise<Running> {
    const agent = await this.#bed.start('b', 'agent', command);
    this.#agent = agent;
    await agent.until('starts', PATIENCE_MS, () => startOf(agent));
    return agent;
  }

  /** Nothing happens but what the agent does unasked, first watched, and then as long without: to watch takes more than it does. */
  async idle(ms: number): Promise<RestartReport['idle']> {
    const watched = this.#agent as Running;
    await standstillOf(watched);
    await delay(ms);
    const { longestMs, longestCpuMs } = await standstillOf(watched);
    await watched.stop();
    const { pid } = await this.#started(this.#bed.agentCommand());
    await delay(SETTLE_MS);
    const before = cpuMsOf(pid);
    const from = performance.now();
    await delay(ms);
    const cpuShare = (cpuMsOf(pid) - before) / (performance.now() - from);
    return { seconds: ms / 1000, cpuShare, longestMs, longestCpuMs, rssBytes: memoryOf(pid).rss };
  }

  /** One start more, and then nothing but what the agent does unasked; what the start leaves behind is in neither. */
  async profiles(ms: number): Promise<NonNullable<RestartReport['profiles']>> {
    const { state } = this.#bed;
    await this.#agent?.stop();
    const from = performance.now();
    const agent = await this.#started(profiledCommand(this.#bed.agentCommand(), state));
    const start = { fromMs: 0, toMs: performance.now() - from };
    await delay(SETTLE_MS);
    const idle = { fromMs: performance.now() - from, toMs: performance.now() - from + ms };
    await delay(ms);
    await agent.stop();
    const file = profileIn(state, agent.pid);
    return { start: topOf(file, TOP, start), idle: topOf(file, TOP, idle) };
  }

  /** Until the one that falls silent is gone: for that, all are looked at. */
  async sweep(): Promise<Standstill> {
    const agent = this.#agent as Running;
    await standstillOf(agent);
    await until('one fell silent', PATIENCE_MS, () => this.keys() === this.#redirects - 1, LOOK_AGAIN_MS);
    const { longestMs, longestCpuMs } = await standstillOf(agent);
    return { longestMs, longestCpuMs };
  }

  #floors(): Round['floors'] {
    const database = new Database(join(this.#bed.state, 'agent.db'), { readonly: true });
    try {
      const dumpMs = timed(() => this.#native.mapDump(this.#map, BPF_F_LOCK));
      const rowsMs = timed(() => {
        for (const name of ['intents', 'entries'])
          for (const _ of database.prepare(`select * from ${name}`).raw().iterate());
      });
      return { dumpMs, rowsMs };
    } finally {
      database.close();
    }
  }

  keys(): number {
    return countKeys(this.#native, this.#map);
  }
}

/** What an agent says once all that is stored stands in the kernel. */
function startOf({ lines }: Running): string | undefined {
  return lines.find((line) => line.includes('agent started'));
}

/** The agent takes no files of others, and neither does root. */
function give(directory: string, to: number): void {
  for (const path of [directory, ...readdirSync(directory).map((name) => join(directory, name))])
    chownSync(path, to, to);
}

function timed(work: () => unknown): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}

function put(index: number, rev: number, more: Partial<Put>): Put {
  const match = { src: '0.0.0.0/0', dst: `${addressOf(index)}/32`, proto: 'udp', dport: 443 } as const;
  return { op: 'put', rev, key: keyOf(match), name: `restart-${index}`, match, to: { nexthop: C.v4 }, ...more };
}

if (import.meta.main) {
  const { values } = readArguments('bench restart', {
    redirects: { takes: 'number', from: 2, to: 2 ** 20, default: 100_000 },
    rounds: { takes: 'number', from: 1, to: 100, default: 5 },
    seconds: { takes: 'number', from: DRIFT_S, to: 3_600, default: 120 },
    profile: { takes: 'nothing' },
    output: { takes: 'word', short: 'o', of: ['table', 'json'], default: 'table' },
  });
  await using _ = await lockMachine((line) => process.stderr.write(`${line}\n`));
  const say = (line: string) => process.stderr.write(`${(performance.now() / 1000).toFixed(1)} s: ${line}\n`);
  const { output, ...options } = values;
  const report = await restart({ ...options, say });
  process.stdout.write(`${output === 'json' ? JSON.stringify(report) : describeRestart(report)}\n`);
  if (report.keys !== report.redirects) process.exitCode = 1;
}
