/**
 * What commands take that look at a large fleet: `./dev bench fleet [--hosts N] [--redirects N] [--planned N] [--rounds N]`. A bus, a
 * controller and the real command; each host says every 15 s what it would: that it has all, and of one in a hundred that a
 * redirect is blocked, and how fast packets meet 64 of them. Commands run in turns, so that what else the machine does falls on all alike.
 */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { connect, type Msg, type NatsConnection } from 'nats';
import { table } from '../cli/show/table.ts';
import { MAX_BUSIEST } from '../protocol/rates.ts';
import { encodeStatus, parseStatus } from '../protocol/status.ts';
import { makeSubjects } from '../protocol/subjects.ts';
import { parseUpdate, type Update } from '../protocol/update.ts';
import { readArguments } from '../test/support/arguments.ts';
import { startNats } from '../test/support/nats.ts';
import { must, Running } from '../test/support/process.ts';

const SHUNT = [process.execPath, join(import.meta.dirname, '../cli/shunt.js')];
const STATUS = new URL('../protocol/fixtures/status.json', import.meta.url);
const PATIENCE_MS = 10 * 60_000;
/** One transaction stays small, whatever the fleet; what is to be measured comes after. */
const APPLIED_AT_ONCE = 100;
/** As often as an agent speaks that has no news. */
const SPEAKS_MS = 15_000;
/** So many redirects have packets, on each host some of them. */
const BUSY = 900;
/** Nothing more is told where nothing came for so long. */
const SETTLES_MS = 5_000;
/** So long the controller is left alone with statuses. */
const QUIET_MS = 30_000;
/** Statuses on their way at once. */
const AT_ONCE = 100;
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

/** A controller that has heard all hosts and has redirects for each of them. */
class Fleet implements AsyncDisposable {
  readonly #held = new AsyncDisposableStack();
  readonly #controller: Running;
  readonly #url: string;
  /** Of the first redirects, with another target than the one that stands. */
  readonly file: string;

  private constructor(controller: Running, url: string, file: string) {
    this.#controller = controller;
    this.#url = url;
    this.file = file;
  }

  static async make({ hosts, redirects, planned }: Size): Promise<Fleet> {
    await using held = new AsyncDisposableStack();
    const folder = await mkdtemp(join(tmpdir(), 'shunt-bench-'));
    held.defer(() => rm(folder, { recursive: true }));
    const { url } = held.use(await startNats());
    const words = ['controller', '--nats', url, '--db', join(folder, 'controller.db')];
    const controller = held.use(await Running.start('controller', [...SHUNT, ...words]));
    const fleet = new Fleet(controller, url, join(folder, 'redirects.jsonl'));
    await controller.until('answers', PATIENCE_MS, () => fleet.#heard().catch(() => false));
    const speakers = held.use(await Speakers.open(url, hosts));
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
    const times = await must(['sh', '-c', piped, 'sh', ...SHUNT, ...words, '--nats', this.#url]);
    const wallMs = performance.now() - start;
    return { wallMs, commandMs: childrenMs(times), controllerMs: cpuMsOf(this.#controller.pid) - before };
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
    return must([...SHUNT, ...words, '--nats', this.#url]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#held.disposeAsync();
  }
}

function lines(from: number, to: number, nexthop: string): string {
  const all = Array.from({ length: to - from }, (_, index) => {
    const at = from + index;
    const match = { dst: `203.0.${at >> 8}.${at & 255}`, proto: 'udp', dport: 443 };
    return { name: `redirect-${at}`, hosts: { role: 'edge' }, match, to: { nexthop } };
  });
  return all.map((one) => `${JSON.stringify(one)}\n`).join('');
}

/** The hosts, as far as a controller hears them. */
class Speakers implements AsyncDisposable {
  readonly #nats: NatsConnection;
  readonly #hosts: readonly string[];
  readonly #subjects = makeSubjects();
  readonly #fixture = JSON.parse(readFileSync(STATUS, 'utf8')) as { readonly rates: object };
  readonly #end = new AbortController();
  #going: Promise<void> = Promise.resolve();
  /** Updates that came. */
  #heard = 0;
  /** How far each was told. */
  readonly #told = new Map<string, Update>();
  /** What each has, by its number. */
  #has: readonly object[] = [];
  #seq = 0;

  private constructor(nats: NatsConnection, hosts: readonly string[]) {
    this.#nats = nats;
    this.#hosts = hosts;
  }

  static async open(url: string, hosts: number): Promise<Speakers> {
    const names = Array.from({ length: hosts }, (_, at) => `edge-${at}`);
    const speakers = new Speakers(await connect({ servers: url }), names);
    speakers.#listen();
    return speakers;
  }

  /** Each of them has all that it was told, and one in a hundred has a redirect that is blocked. */
  async obey(redirects: number): Promise<void> {
    let heard = -1;
    while (heard < this.#heard || this.#told.size < this.#hosts.length) {
      heard = this.#heard;
      await setTimeout(SETTLES_MS);
    }
    this.#has = this.#hosts.map((host, at) => {
      const { epoch = '', rev = 0 } = this.#told.get(host) ?? {};
      const blocked = { key: FIRST, name: 'redirect-0', rev, state: 'blocked', code: 'NO_NEIGHBOUR' };
      const exceptions = at % ONE_IN === 0 ? [blocked] : [];
      const exceptionsTotal = exceptions.length;
      const counts = { desired: redirects, installed: redirects - exceptionsTotal, blocked: exceptionsTotal };
      return { epoch, stored: rev, applied: rev, verified: rev, exceptions, exceptionsTotal, counts };
    });
  }

  async sayAll(everyMs = 0): Promise<void> {
    for (const [at, host] of this.#hosts.entries()) {
      this.#say(host, this.#has[at] ?? NOTHING);
      if (everyMs > 0) await setTimeout(everyMs, undefined, { signal: this.#end.signal });
      else if (at % AT_ONCE === 0) await this.#nats.flush();
    }
    await this.#nats.flush();
  }

  #listen(): void {
    const callback = (_: unknown, { data }: Msg): void => {
      const update = parseUpdate(data);
      this.#told.set(update.host, update);
      this.#heard += 1;
    };
    this.#nats.subscribe(this.#subjects.live('edge-0').replace('edge-0', '*'), { callback });
  }

  /** Each of them speaks again and again, one after the other. */
  goOn(): void {
    const speak = async (): Promise<void> => {
      while (!this.#end.signal.aborted) await this.sayAll(SPEAKS_MS / this.#hosts.length);
    };
    this.#going = speak().catch((error: unknown) => {
      if (!this.#end.signal.aborted) throw error;
    });
  }

  #say(host: string, has: object): void {
    this.#seq += 1;
    const none = { idle: 0, expired: 0, denied: 0, failed: 0 };
    const counts = {
      ...none,
      ...('counts' in has ? (has.counts as object) : { desired: 0, installed: 0, blocked: 0 }),
    };
    const busiest = Array.from({ length: MAX_BUSIEST }, (_, n) => busy((this.#seq * MAX_BUSIEST + n) % BUSY));
    const rates = { ...this.#fixture.rates, busiest };
    const said = { ...WELL, ...has, rates, counts, host, at: Date.now(), seq: this.#seq, labels: { role: 'edge' } };
    this.#nats.publish(this.#subjects.status(host), encodeStatus(parseStatus({ ...this.#fixture, ...said })));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    await this.#going;
    await this.#nats.drain();
  }
}

/** The key of the first redirect. */
const FIRST = 'v4 udp 0.0.0.0/0:* > 203.0.0.0/32:443';
/** One host in so many has a redirect that is blocked. */
const ONE_IN = 100;
const NOTHING = { epoch: '', stored: 0, applied: 0, verified: 0 };
/** What the example of a status complains of. */
const WELL = {
  ...{ exceptions: [], exceptionsTotal: 0, problem: undefined, problems: undefined, undelivered: [], interfaces: [] },
  ...{ passed: [], passedTotal: undefined, idle: undefined, drifted: undefined },
};

/** What a host says of a redirect that has packets. */
function busy(n: number): object {
  return { name: `redirect-${n}`, packets: 1_000 + n, bytes: 64_000 + n };
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
  const right = (title: string) => ({ title, align: 'right' as const });
  const titles = [{ title: 'shunt' }, ...['seconds', 'CPU of the command', 'CPU of the controller'].map(right)];
  const rows = [...taken].map(([command, list]) => row(command.replace(fleet.file, 'FILE'), list));
  const load = loadavg().map((one) => one.toFixed(1));
  console.log(
    `${values.hosts} hosts, ${values.redirects} redirects, at most ${values.planned} planned; medians of ${values.rounds} runs`,
  );
  console.log(`${cpus().length} CPUs, load ${load.join(' ')}\n`);
  console.log(table(titles, rows, { width: undefined, colour: false }));
  console.log(
    `\ncontroller: ${rest.cpuPercent.toFixed(1)} % of a CPU while nobody asks, RSS ${rest.rssMiB.toFixed(0)} MiB then,`,
  );
  console.log(`and ${fleet.rssMiB.toFixed(0)} MiB at the end`);
}
