/**
 * What commands take that look at a large fleet: `./dev bench fleet [--hosts N] [--redirects N] [--planned N] [--rounds N]`. A bus, a
 * controller and the real command; each host says every 15 s what it would: that it has all, and of one in a hundred that a
 * redirect is blocked, and how fast packets meet 64 of them. Commands run in turns, so that what else the machine does falls on all alike.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { connect, type NatsConnection } from 'nats';
import { table } from '../cli/show/table.ts';
import { encodeApplyRequest, parseApplyReply } from '../protocol/api.ts';
import { makeSubjects } from '../protocol/subjects.ts';
import { readArguments } from '../test/support/arguments.ts';
import { startNats } from '../test/support/nats.ts';
import { must, Running } from '../test/support/process.ts';
import { FullCommit, quantiles, RoundTrip } from './floors.ts';
import { Speakers } from './speakers.ts';

const SHUNT = [process.execPath, join(import.meta.dirname, '../cli/shunt.js')];
const PATIENCE_MS = 10 * 60_000;
/** One transaction stays small, whatever the fleet; what is to be measured comes after. */
const APPLIED_AT_ONCE = 100;
/** So long the controller is left alone with statuses. */
const QUIET_MS = 30_000;
/** Redirects that are applied one by one have numbers past all others. */
const FIRST_MORE = 20_000;
/** proc_pid_stat(5): USER_HZ is 100 a second on all that we run on. */
const TICK_MS = 10;

interface Size {
  readonly hosts: number;
  readonly redirects: number;
  readonly planned: number;
}

/** What one run took: by the clock, of the CPUs for the command, and for the controller meanwhile. */
interface Taken {
  readonly wallMs: number;
  readonly commandMs: number;
  readonly controllerMs: number;
}

/** When one change was answered, and when the last host had it; and what the controller took for it. */
interface Changed {
  readonly replyMs: number;
  readonly lastMs: number;
  readonly controllerMs: number;
}

/** A controller that has heard all hosts and has redirects for each of them. */
class Fleet implements AsyncDisposable {
  readonly #held = new AsyncDisposableStack();
  readonly #controller: Running;
  readonly url: string;
  /** Where its database is. */
  readonly folder: string;
  readonly #speakers: Speakers;
  readonly #asker: NatsConnection;
  /** Of the first redirects, with another target than the one that stands. */
  readonly file: string;

  private constructor(controller: Running, url: string, speakers: Speakers, asker: NatsConnection, file: string) {
    this.#controller = controller;
    this.url = url;
    this.folder = dirname(file);
    this.#speakers = speakers;
    this.#asker = asker;
    this.file = file;
  }

  static async make({ hosts, redirects, planned }: Size): Promise<Fleet> {
    await using held = new AsyncDisposableStack();
    const folder = await mkdtemp(join(tmpdir(), 'shunt-bench-'));
    held.defer(() => rm(folder, { recursive: true }));
    const { url } = held.use(await startNats());
    const words = ['controller', '--nats', url, '--db', join(folder, 'controller.db')];
    const controller = held.use(await Running.start('controller', [...SHUNT, ...words]));
    const speakers = held.use(await Speakers.open(url, hosts));
    const asker = held.adopt(await connect({ servers: url }), (it) => it.close());
    const fleet = new Fleet(controller, url, speakers, asker, join(folder, 'redirects.jsonl'));
    await controller.until('answers', PATIENCE_MS, () => fleet.#heard().catch(() => false));
    await speakers.sayAll();
    await controller.until('knows every host', PATIENCE_MS, async () => (await fleet.#heard()).length === hosts);
    for (let from = 0; from < redirects; from += APPLIED_AT_ONCE) {
      await writeFile(fleet.file, lines(from, Math.min(redirects, from + APPLIED_AT_ONCE), '10.0.0.7'));
      await fleet.#shunt('apply', '-f', fleet.file);
    }
    await speakers.obey(redirects);
    await speakers.sayAll();
    speakers.goOn();
    await writeFile(fleet.file, lines(0, Math.min(redirects, planned), '10.0.0.8'));
    fleet.#held.use(held.move());
    return fleet;
  }

  /** Runs a command with its output to a pipe, as a script has it. */
  async time(words: readonly string[]): Promise<Taken> {
    const before = cpuMsOf(this.#controller.pid);
    const start = performance.now();
    const piped = '"$@" | cat >/dev/null; times';
    const times = await must(['sh', '-c', piped, 'sh', ...SHUNT, ...words, '--nats', this.url]);
    const wallMs = performance.now() - start;
    return { wallMs, commandMs: childrenMs(times), controllerMs: cpuMsOf(this.#controller.pid) - before };
  }

  /** One redirect more for every host: from the request to the reply, and until the last host has its message. */
  async change(round: number): Promise<Changed> {
    const spec = { ...redirect(FIRST_MORE + round, '10.0.0.7'), name: `more-${round}` };
    const request = encodeApplyRequest({ v: 1, upload: randomUUID(), part: 0, parts: 1, specs: [spec] });
    const before = cpuMsOf(this.#controller.pid);
    const heard = this.#speakers.hearOnceMore();
    const start = performance.now();
    const reply = await this.#asker.request(makeSubjects().api('apply'), request, { timeout: PATIENCE_MS });
    const replyMs = performance.now() - start;
    if ('error' in parseApplyReply(reply.data)) throw new Error(reply.string());
    await heard;
    return { replyMs, lastMs: performance.now() - start, controllerMs: cpuMsOf(this.#controller.pid) - before };
  }

  /** What the controller takes of a CPU while hosts speak and nobody asks, in percent; and its memory. */
  async rest(): Promise<{ readonly cpuPercent: number; readonly rssMiB: number }> {
    const before = cpuMsOf(this.#controller.pid);
    await setTimeout(QUIET_MS);
    const cpuPercent = ((cpuMsOf(this.#controller.pid) - before) / QUIET_MS) * 100;
    return { cpuPercent, rssMiB: rssMiBOf(this.#controller.pid) };
  }

  get rssMiB(): number {
    return rssMiBOf(this.#controller.pid);
  }

  async #heard(): Promise<readonly unknown[]> {
    return (JSON.parse(await this.#shunt('hosts', '-o', 'json')) as { readonly items: readonly unknown[] }).items;
  }

  #shunt(...words: readonly string[]): Promise<string> {
    return must([...SHUNT, ...words, '--nats', this.url]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#held.disposeAsync();
  }
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

function cpuMsOf(pid: number | undefined): number {
  const afterName = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1] ?? '';
  const [user, system] = afterName.split(' ').slice(11, 13);
  return (Number(user) + Number(system)) * TICK_MS;
}

function rssMiBOf(pid: number | undefined): number {
  const [, kib = ''] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kib) / 1024;
}

function row(name: string, taken: readonly Taken[]): readonly string[] {
  const median = (of: (one: Taken) => number): string => {
    const sorted = taken.map(of).toSorted((a, b) => a - b);
    return ((sorted[sorted.length >> 1] ?? Number.NaN) / 1000).toFixed(2);
  };
  return [name, median((one) => one.wallMs), median((one) => one.commandMs), median((one) => one.controllerMs)];
}

if (import.meta.main) {
  const { values } = readArguments('bench fleet', {
    hosts: { takes: 'number', from: 1, to: 10_000, default: 2000 },
    redirects: { takes: 'number', from: 1, to: 10_000, default: 1000 },
    planned: { takes: 'number', from: 1, to: 10_000, default: 200 },
    rounds: { takes: 'number', from: 1, to: 1000, default: 15 },
  });
  await using fleet = await Fleet.make(values);
  const rest = await fleet.rest();
  const commands = [
    'get --help',
    'get',
    'hosts',
    'hosts --troubled',
    'get redirect-1 -o json',
    'top --once',
    'top --once --by-host',
    `plan -f ${fleet.file}`,
  ];
  const taken = new Map(commands.map((command): [string, Taken[]] => [command, []]));
  for (let round = 0; round < values.rounds; round += 1)
    for (const [command, list] of taken) list.push(await fleet.time(command.split(' ')));
  const changed: Changed[] = [];
  using commit = new FullCommit(fleet.folder);
  await using trip = await RoundTrip.open(fleet.url);
  const floors: Record<'commit' | 'trip', number[]> = { commit: [], trip: [] };
  for (let round = 0; round < values.rounds; round += 1) {
    floors.commit.push(await commit.ms());
    floors.trip.push(await trip.ms(new Uint8Array(500)));
    changed.push(await fleet.change(round));
  }
  const right = (title: string) => ({ title, align: 'right' as const });
  const titles = [{ title: 'shunt' }, ...['seconds', 'CPU of the command', 'CPU of the controller'].map(right)];
  const rows = [...taken].map(([command, list]) => row(command.replace(fleet.file, 'FILE'), list));
  const load = loadavg().map((one) => one.toFixed(1));
  console.log(
    `${values.hosts} hosts, ${values.redirects} redirects, at most ${values.planned} planned; medians of ${values.rounds} runs`,
  );
  console.log(`${cpus().length} CPUs, load ${load.join(' ')}\n`);
  console.log(table(titles, rows, { width: undefined, colour: false }));
  const p50 = (list: readonly number[]) => `${quantiles(list).p50.toFixed(1)} ms`;
  console.log(
    `\none redirect more, on every host: answered after ${p50(changed.map(({ replyMs }) => replyMs))}, last message`,
  );
  console.log(
    `after ${p50(changed.map(({ lastMs }) => lastMs))}, with ${p50(changed.map(({ controllerMs }) => controllerMs))} of CPU of the controller;`,
  );
  console.log(`a round trip takes ${p50(floors.trip)}, a commit ${p50(floors.commit)}`);
  console.log(
    `\ncontroller: ${rest.cpuPercent.toFixed(1)} % of a CPU while nobody asks, RSS ${rest.rssMiB.toFixed(0)} MiB then,`,
  );
  console.log(`and ${fleet.rssMiB.toFixed(0)} MiB at the end`);
}
