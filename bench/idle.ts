/**
 * Redirects that fall silent all at once: `./dev bench idle [--redirects N] [-o json]`, as root. The whole product with its
 * real command, in namespaces of its own; nothing is left behind. Until all stand, the host is bypassed, and silence does
 * not count. One more redirect has the same time, and packets meet it all the while.
 */
import { writeFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { EVENTS_NAME } from '../agent/store/sqlite-store.ts';
import { loadNative, type MapHandle } from '../native/index.ts';
import type { Event } from '../protocol/event.ts';
import type { Explanation } from '../protocol/explain.ts';
import type { Status } from '../protocol/status.ts';
import { readArguments } from '../test/support/arguments.ts';
import { lockMachine } from '../test/support/lock.ts';
import { must } from '../test/support/must.ts';
import { attachHost, Operator, serviceRedirect } from '../test/support/operator.ts';
import { type Running, until } from '../test/support/process.ts';
import { C, HOST, NATS_URL, Testbed } from '../test/support/testbed.ts';
import { Asker, Echo } from '../test/support/traffic.ts';
import { countKeys, nameOf, writeFiles } from './bulk-files.ts';
import { describeIdle, type IdleReport } from './idle-report.ts';
import { takenBy, watchedCommand } from './watched.ts';

const AFTER_MS = 20_000;
/** Packets a second that meet the redirect that is not silent. */
const RATE = 500;
const PATIENCE_MS = 30 * 60_000;
const LOOK_AGAIN_MS = 250;
const STATUS_MS = 2_000;
/** After the last entry is gone: the sum of what was not told one by one is told by then. */
const SETTLE_MS = 5_000;

type Say = (line: string) => void;

export async function idle(redirects: number, say: Say = () => {}): Promise<IdleReport> {
  await using bed = await Testbed.make();
  await bed.must('b', ['ip', 'neigh', 'replace', C.v4, 'lladdr', C.mac, 'dev', 'to-c']);
  const run = await Run.start(bed, redirects + 1, say);
  await run.bypass('on');
  await run.apply(redirects);
  await run.bypass('off');
  return await run.measure(redirects);
}

class Run {
  readonly #bed: Testbed;
  readonly #agent: Running;
  readonly #operator: Operator;
  readonly #asker: Asker;
  readonly #say: Say;
  readonly #native = loadNative();
  readonly #map: MapHandle;

  private constructor(bed: Testbed, agent: Running, asker: Asker, say: Say) {
    this.#bed = bed;
    this.#agent = agent;
    this.#operator = new Operator(bed);
    this.#asker = asker;
    this.#say = say;
    this.#map = must('redirect4', this.#native.mapOpen(join(bed.pins, 'redirect4'), true));
  }

  /** Starts everything; the agent says when it is asked how long its loop stood still. */
  static async start(bed: Testbed, slots: number, say: Say): Promise<Run> {
    await bed.startNats();
    await bed.startController();
    await attachHost(bed, ['--max-redirects', `${slots}`]);
    const agent = await bed.start('b', 'agent', watchedCommand('nobody', bed.agentCommand()));
    await Echo.start(bed, 'b');
    await Echo.start(bed, 'c');
    const run = new Run(bed, agent, await Asker.start(bed), say);
    await agent.until('reports its status', PATIENCE_MS, async () => (await run.#operator.status()) !== undefined);
    return run;
  }

  /** Passes everything, or ends that. */
  async bypass(word: 'on' | 'off'): Promise<void> {
    const { status, stderr } = await this.#bed.shunt('b', 'bypass', word, '--pin-root', this.#bed.pinRoot);
    if (status !== 0) throw new Error(stderr);
  }

  /** Applies all of them, and one that packets meet; waits until they stand. */
  async apply(redirects: number): Promise<void> {
    const lasting = join(this.#bed.folder, 'lasting.jsonl');
    const more = { idle: { after: AFTER_MS } };
    await writeFile(lasting, JSON.stringify({ ...serviceRedirect('lasting', 'v4'), ...more }));
    for (const file of [lasting, ...(await writeFiles(this.#bed.folder, redirects, more))]) {
      const ended = await this.#bed.shunt(
        'bus',
        'apply',
        '-f',
        file,
        '--allow-growth',
        '--reason',
        'bench',
        '--nats',
        NATS_URL,
      );
      if (ended.status !== 0) throw new Error(`shunt apply ended with ${ended.status}: ${ended.stderr}`);
    }
    const installed = ({ counts }: Status): boolean => counts.installed === redirects + 1;
    const look = async (): Promise<boolean> => {
      const status = await this.#operator.status();
      this.#say(`installed ${status?.counts.installed ?? '?'}`);
      return status !== undefined && installed(status);
    };
    await until('all stand', PATIENCE_MS, look, STATUS_MS);
    await this.#asker.steady(RATE);
  }

  /** From when all are silent until none of them stands any more, and all of it is told. */
  async measure(redirects: number): Promise<IdleReport> {
    await this.#asker.answeredBy('c', PATIENCE_MS);
    const asked = await this.#asker.report();
    const dueAt = await this.#dueAt();
    await delay(dueAt - performance.now() - STATUS_MS);
    const before = await takenBy(this.#agent);
    const from = Date.now();
    const gone = await this.#watchThemGo(redirects);
    await delay(SETTLE_MS);
    const after = await takenBy(this.#agent);
    const stopped = await this.#asker.stop();
    const { counts } = (await this.#operator.status()) ?? {};
    return {
      ...{ redirects, idle: counts?.idle ?? 0, installed: counts?.installed ?? 0, keys: this.#keys() },
      firstSeconds: (gone.firstAt - dueAt) / 1000,
      lastSeconds: (gone.lastAt - dueAt) / 1000,
      cpuSeconds: after.cpuSeconds - before.cpuSeconds,
      standstill: after.standstill,
      events: eventsSince(this.#bed, from),
      packets: { sent: stopped.sent - asked.sent, lost: stopped.lost - asked.lost },
      machine: { cpus: cpus().length, load: loadavg() },
    };
  }

  /** When the agent says that they are given up, as `performance.now` counts. */
  async #dueAt(): Promise<number> {
    const look = async (): Promise<number | undefined> => {
      const before = performance.now();
      const explained = (await this.#bed.ask('explain', '--host', HOST, nameOf(0))) as Explanation;
      const leftMs = explained.silence?.leftMs;
      return leftMs === undefined ? undefined : (before + performance.now()) / 2 + leftMs;
    };
    return await until('silence is counted', PATIENCE_MS, look);
  }

  async #watchThemGo(redirects: number): Promise<{ readonly firstAt: number; readonly lastAt: number }> {
    let firstAt = 0;
    const look = (): boolean => {
      const keys = this.#keys();
      if (firstAt === 0 && keys < redirects + 1) firstAt = performance.now();
      return keys <= 1;
    };
    await until('none stands any more', PATIENCE_MS, look, LOOK_AGAIN_MS);
    return { firstAt, lastAt: performance.now() };
  }

  #keys(): number {
    return countKeys(this.#native, this.#map);
  }
}

/** What the flight recorder has; what is recorded is published. */
function eventsSince(bed: Testbed, sinceMs: number): IdleReport['events'] {
  const database = new Database(join(bed.state, EVENTS_NAME), { readonly: true });
  try {
    const rows = database.prepare('select body from events where at_ms >= ? order by id').all(sinceMs);
    const events = (rows as { body: string }[]).map(({ body }) => JSON.parse(body) as Event);
    const within = (at: number): number => events.filter((it) => it.at >= at && it.at < at + 1_000).length;
    return {
      told: events.length,
      mostWithinASecond: Math.max(0, ...events.map(({ at }) => within(at))),
      sums: events.filter(({ more }) => more !== undefined).length,
      redirects: events.reduce((all, { kind, more }) => all + (kind === 'idle' ? (more ?? 1) : 0), 0),
    };
  } finally {
    database.close();
  }
}

if (import.meta.main) {
  const { values } = readArguments('bench idle', {
    redirects: { takes: 'number', from: 1, to: 2 ** 20, default: 131_072 },
    output: { takes: 'word', short: 'o', of: ['table', 'json'], default: 'table' },
  });
  await using _ = await lockMachine((line) => process.stderr.write(`${line}\n`));
  const say = (line: string) => process.stderr.write(`${(performance.now() / 1000).toFixed(1)} s: ${line}\n`);
  const report = await idle(values.redirects, say);
  process.stdout.write(`${values.output === 'json' ? JSON.stringify(report) : describeIdle(report)}\n`);
  const { redirects, idle: told, installed, keys, events, packets } = report;
  const whole = told === redirects && events.redirects === redirects && installed === 1 && keys === 1;
  if (!whole || packets.lost > 0) process.exitCode = 1;
}
