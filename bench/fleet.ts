/**
 * A large fleet: `./dev bench fleet [--hosts N] [--redirects N] [--busy N] [--seconds N] [--looks N] [--rounds N] [-o json]`. A bus, a
 * controller and the real command; hosts are made up, in this process. What the controller takes while they speak and nobody asks;
 * what commands take that look at all of them, in turns, so that what else the machine does falls on all alike; and one change to
 * every host, again and again, with its floors.
 */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { connect, type NatsConnection } from 'nats';
import { encodeApplyRequest, parseApplyReply } from '../protocol/api.ts';
import { type ChangeReply, encodeChangeRequest, parseChangeReply } from '../protocol/change-state.ts';
import { MAX_BUSIEST } from '../protocol/rates.ts';
import { makeSubjects } from '../protocol/subjects.ts';
import { readArguments } from '../test/support/arguments.ts';
import { startNats } from '../test/support/nats.ts';
import { must, Running, until } from '../test/support/process.ts';
import { type Changed, describeFleet, type FleetReport, type Rest, type Taken } from './fleet-report.ts';
import { FullCommit, quantiles, RoundTrip, Spray } from './floors.ts';
import { Hosts } from './hosts.ts';
import { cpuMsOf, memoryOf } from './proc.ts';

const SHUNT = [process.execPath, ...nodeOptions(), join(import.meta.dirname, '../cli/shunt.js')];
const PATIENCE_MS = 10 * 60_000;
/** One transaction stays small, whatever the fleet; what is to be measured comes after. */
const APPLIED_AT_ONCE = 100;
/** What a change to all leaves behind is over by then. */
const SETTLES_MS = 3_000;
const LOOK_MS = 5;
/** So long an answer is waited for, on however busy a machine; a request that was lost has none. */
const ANSWER_WITHIN_MS = 5 * 60_000;
/** Between two questions to the controller whether all have applied it: an answer takes it some 20 ms. */
const ASK_MS = 50;
/** Redirects that are applied one by one have numbers past all others. */
const FIRST_MORE = 20_000;

interface Size {
  readonly hosts: number;
  readonly redirects: number;
  readonly planned: number;
  readonly busy: number;
}

/** Whoever profiles the controller says with what. */
function nodeOptions(): readonly string[] {
  return (process.env.BENCH_CONTROLLER_NODE ?? '').split(' ').filter((word) => word !== '');
}

/** A controller that has heard all hosts and has redirects for each of them. */
class Fleet implements AsyncDisposable {
  readonly #held = new AsyncDisposableStack();
  readonly #controller: Running;
  readonly url: string;
  /** Where its database is. */
  readonly folder: string;
  readonly hosts: Hosts;
  readonly #size: Size;
  readonly #asker: NatsConnection;
  /** Of the first redirects, with another target than the one that stands. */
  readonly file: string;

  private constructor(controller: Running, url: string, hosts: Hosts, size: Size, asker: NatsConnection, file: string) {
    this.#controller = controller;
    this.url = url;
    this.folder = dirname(file);
    this.hosts = hosts;
    this.#size = size;
    this.#asker = asker;
    this.file = file;
  }

  static async make(size: Size): Promise<Fleet> {
    await using held = new AsyncDisposableStack();
    const folder = await mkdtemp(join(tmpdir(), 'shunt-bench-'));
    held.defer(() => rm(folder, { recursive: true }));
    const { url } = held.use(await startNats());
    const words = ['controller', '--nats', url, '--db', join(folder, 'controller.db')];
    const controller = held.use(await Running.start('controller', [...SHUNT, ...words]));
    const asker = held.adopt(await connect({ servers: url }), (it) => it.close());
    await controller.until('serves', PATIENCE_MS, () => shunt(url, 'hosts', '-o', 'json').catch(() => false));
    const hosts = held.use(await Hosts.open(url, size.hosts, size.busy));
    const fleet = new Fleet(controller, url, hosts, size, asker, join(folder, 'redirects.jsonl'));
    await until('every host follows its log', PATIENCE_MS, () => hosts.follow, SETTLES_MS);
    for (let from = 0; from < size.redirects; from += APPLIED_AT_ONCE) {
      await writeFile(fleet.file, lines(from, Math.min(size.redirects, from + APPLIED_AT_ONCE), '10.0.0.7'));
      await shunt(url, 'apply', '-f', fleet.file);
    }
    await fleet.change(0); // what comes first is not like what comes after
    await writeFile(fleet.file, lines(0, Math.min(size.redirects, size.planned), '10.0.0.8'));
    fleet.#held.use(held.move());
    return fleet;
  }

  /** Runs a command with its output to a pipe, as a script has it. */
  async time(words: readonly string[]): Promise<Taken> {
    const before = this.cpuMs;
    const start = performance.now();
    const piped = '"$@" | cat >/dev/null; times';
    const times = await must(['sh', '-c', piped, 'sh', ...SHUNT, ...words, '--nats', this.url]);
    const wallMs = performance.now() - start;
    return { wallMs, commandMs: childrenMs(times), controllerMs: this.cpuMs - before };
  }

  /** One redirect more for every host. */
  async change(round: number): Promise<Changed> {
    await setTimeout(SETTLES_MS);
    const spec = { ...redirect(FIRST_MORE + round, '10.0.0.7'), name: `more-${round}` };
    const id = randomUUID();
    const request = encodeApplyRequest({ v: 1, upload: id, part: 0, parts: 1, specs: [spec] });
    const [before, heard, start] = [this.cpuMs, this.hosts.heard.messages, performance.now()];
    const own = process.cpuUsage();
    const reply = await this.#ask('apply', request);
    const replyMs = performance.now() - start;
    if ('error' in parseApplyReply(reply)) throw new Error(Buffer.from(reply).toString());
    const all = heard + this.#size.hosts;
    await until('every host hears', PATIENCE_MS, () => this.hosts.heard.messages >= all, LOOK_MS);
    const [lastMs, sendsCpuMs] = [this.hosts.heard.lastMs - start, this.cpuMs - before];
    await until('every host has it', PATIENCE_MS, () => this.#isApplied(id), ASK_MS);
    const [appliedMs, cpuMs] = [performance.now() - start, this.cpuMs - before];
    const { user, system } = process.cpuUsage(own);
    return { replyMs, lastMs, appliedMs, hostsMs: (user + system) / 1000, sendsCpuMs, cpuMs };
  }

  /** What the controller takes of a CPU while hosts speak and nobody asks, in percent; and its memory. */
  async rest(seconds: number): Promise<Rest> {
    await setTimeout(SETTLES_MS);
    const [before, said] = [this.cpuMs, this.hosts.said];
    await setTimeout(seconds * 1000);
    const now = this.hosts.said;
    return {
      seconds,
      cpuPercent: (this.cpuMs - before) / (seconds * 10),
      statusesPerSecond: (now.statuses - said.statuses) / seconds,
      syncsPerSecond: (now.syncs - said.syncs) / seconds,
      rssMiB: this.rssMiB,
    };
  }

  get rssMiB(): number {
    return memoryOf(this.#controller.pid).rss / 2 ** 20;
  }

  get cpuMs(): number {
    return cpuMsOf(this.#controller.pid);
  }

  async #isApplied(id: string): Promise<boolean> {
    const reply = parseChangeReply(
      await this.#ask('change', encodeChangeRequest({ v: 1, id, level: 'applied', limit: 1 })),
    );
    return isAll(reply, this.#size.hosts);
  }

  async #ask(verb: string, request: Uint8Array): Promise<Uint8Array> {
    return (await this.#asker.request(makeSubjects().api(verb), request, { timeout: ANSWER_WITHIN_MS })).data;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#held.disposeAsync();
  }
}

function isAll(reply: ReturnType<typeof parseChangeReply>, hosts: number): boolean {
  if ('error' in reply) throw new Error(reply.error.message);
  const { total, done }: ChangeReply = reply;
  return total === hosts && done === total;
}

function shunt(url: string, ...words: readonly string[]): Promise<string> {
  return must([...SHUNT, ...words, '--nats', url]);
}

function lines(from: number, to: number, nexthop: string): string {
  const all = Array.from({ length: to - from }, (_, index) => redirect(from + index, nexthop));
  return all.map((one) => `${JSON.stringify(one)}\n`).join('');
}

function redirect(at: number, nexthop: string): object {
  const match = { dst: `203.0.${at >> 8}.${at & 255}`, proto: 'udp', dport: 443 };
  return { name: `redirect-${at}`, hosts: { role: 'edge' }, match, to: { nexthop } };
}

/** times(1p) of a shell: a line of its own, and one of what it ran, each user and system. */
function childrenMs(times: string): number {
  const all = [...times.matchAll(/(\d+)m([\d.]+)s/g)];
  return all.slice(-2).reduce((sum, [, minutes, seconds]) => sum + (Number(minutes) * 60 + Number(seconds)) * 1000, 0);
}

/** Each command so often, in turns; medians. */
async function look(fleet: Fleet, looks: number): Promise<FleetReport['commands']> {
  const words = [
    'get --help',
    'get',
    'hosts',
    'hosts --troubled',
    'get redirect-1 -o json',
    'top --once',
    'top --once --by-host',
    `plan -f ${fleet.file}`,
  ];
  const taken = new Map(words.map((command): [string, Taken[]] => [command, []]));
  for (let round = 0; round < looks; round += 1)
    for (const [command, list] of taken) list.push(await fleet.time(command.split(' ')));
  if (looks === 0) return {};
  const p50 = (list: readonly Taken[], of: keyof Taken) => quantiles(list.map((one) => one[of])).p50;
  const rows = [...taken].map(([command, list]): [string, Taken] => [
    command.replace(fleet.file, 'FILE'),
    { wallMs: p50(list, 'wallMs'), commandMs: p50(list, 'commandMs'), controllerMs: p50(list, 'controllerMs') },
  ]);
  return Object.fromEntries(rows);
}

/** One change to all, so often, each with its floors. */
async function change(fleet: Fleet, rounds: number, hosts: number): Promise<Pick<FleetReport, 'change' | 'floors'>> {
  if (rounds === 0) return { change: undefined, floors: undefined };
  using commit = new FullCommit(fleet.folder);
  await using trip = await RoundTrip.open(fleet.url);
  await using spray = await Spray.open(fleet.url);
  const floors: Record<'trip' | 'commit' | 'spray', number[]> = { trip: [], commit: [], spray: [] };
  const changed: Changed[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    changed.push(await fleet.change(round));
    const message = new Uint8Array(fleet.hosts.heard.bytes);
    floors.commit.push(await commit.ms());
    floors.trip.push(await trip.ms(message));
    floors.spray.push(await spray.ms(hosts, message));
  }
  const of = (key: keyof Changed) => quantiles(changed.map((one) => one[key]));
  return {
    change: {
      ...{ replyMs: of('replyMs'), lastMs: of('lastMs'), appliedMs: of('appliedMs') },
      ...{ hostsMs: of('hostsMs'), sendsCpuMs: of('sendsCpuMs'), cpuMs: of('cpuMs') },
    },
    floors: { trip: quantiles(floors.trip), commit: quantiles(floors.commit), spray: quantiles(floors.spray) },
  };
}

if (import.meta.main) {
  const { values } = readArguments('bench fleet', {
    hosts: { takes: 'number', from: 1, to: 10_000, default: 2000 },
    redirects: { takes: 'number', from: 1, to: 10_000, default: 1000 },
    planned: { takes: 'number', from: 1, to: 10_000, default: 200 },
    busy: { takes: 'number', from: 0, to: MAX_BUSIEST, default: MAX_BUSIEST },
    seconds: { takes: 'number', from: 1, to: 3600, default: 60 },
    looks: { takes: 'number', from: 0, to: 1000, default: 15 },
    rounds: { takes: 'number', from: 0, to: 1000, default: 15 },
    output: { takes: 'word', short: 'o', of: ['table', 'json'], default: 'table' },
  });
  const { hosts, redirects, busy } = values;
  await using fleet = await Fleet.make(values);
  const rest = await fleet.rest(values.seconds);
  const commands = await look(fleet, values.looks);
  const report: FleetReport = {
    ...{ hosts, redirects, busy, rest, commands, ...(await change(fleet, values.rounds, hosts)) },
    ...{ messageBytes: fleet.hosts.heard.bytes, rssMiB: fleet.rssMiB },
    machine: { cpus: cpus().length, load: loadavg() },
  };
  process.stdout.write(`${values.output === 'json' ? JSON.stringify(report) : describeFleet(report)}\n`);
}
