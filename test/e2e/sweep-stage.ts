import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import BetterSqlite3 from 'better-sqlite3';
import { DATABASE_NAME } from '../../agent/store/tables.ts';
import { keyOf } from '../../protocol/key.ts';
import { parseMatch } from '../../protocol/match.ts';
import type { Rearmed } from '../../protocol/rearm.ts';
import { inKernel } from '../support/in-kernel.ts';
import { CONVERGE_MS, type Product, startProduct } from '../support/operator.ts';
import { type Running, until } from '../support/process.ts';
import { Strace, type Syscall } from '../support/strace.ts';
import { C, HOST, Testbed } from '../support/testbed.ts';
import { Asker, Echo, PORT } from '../support/traffic.ts';

const AFTER_MS = 2_000;
/** Redirects that fall silent together, that packets meet all the while, and that nobody meets and that stand for ever. */
const QUIET = addresses(0);
const BUSY = addresses(1);
const LASTING = addresses(2);
/** Packets a second, to all that are busy. */
const RATE = 400;

/** How far an agent was when it died, by what it left behind. */
export const MOMENTS = ['before it is stored', 'stored, and all stand', 'all are gone', 'in between'] as const;

/** What one kill came to, by what bpftool and the store say; the lists are of destinations. */
export interface Killed {
  readonly moment: (typeof MOMENTS)[number];
  /** False: no such system call came, and it was killed after the sweep. */
  readonly reached: boolean;
  /** Silent, and there again, or still. */
  readonly ghosts: readonly string[];
  /** Not silent, and not there at some moment. */
  readonly lost: readonly string[];
  /** Stored otherwise than they stand. */
  readonly disagree: readonly string[];
}

/** What was there at one moment, by destination. */
interface Found {
  readonly entries: ReadonlySet<string>;
  readonly states: ReadonlyMap<string, string>;
}

/**
 * The whole product, with redirects of which some fall silent together, again and again. Its agent is killed while it gives
 * them up, and started again.
 */
export class SweepStage implements AsyncDisposable {
  readonly #bed: Testbed;
  readonly #quiet: Asker;
  readonly #busy: Asker;
  #agent: Running;

  private constructor(bed: Testbed, agent: Running, quiet: Asker, busy: Asker) {
    this.#bed = bed;
    this.#agent = agent;
    this.#quiet = quiet;
    this.#busy = busy;
  }

  static async make(): Promise<SweepStage> {
    const bed = await Testbed.make();
    try {
      const { agent, operator } = await startProduct(bed);
      await bed.must('c', ['ip', 'route', 'add', 'local', '100.64.0.0/16', 'dev', 'lo']);
      await Echo.start(bed, 'c', ...QUIET, ...BUSY);
      const stage = new SweepStage(bed, agent, await Asker.start(bed, ...QUIET), await Asker.start(bed, ...BUSY));
      await stage.#begin(operator);
      return stage;
    } catch (error) {
      await bed[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The system calls of one sweep, from just before it begins until the agent sleeps. */
  async record(): Promise<readonly Syscall[]> {
    const strace = await this.#sweep();
    await this.#ends();
    await strace.slept(CONVERGE_MS);
    await strace.end();
    return strace.syscalls;
  }

  /** Has the agent killed at this system call of a sweep, looks at what it left, and at what the next one makes of it. */
  async kill(at: Syscall): Promise<Killed> {
    const strace = await this.#sweep(at);
    await this.#ends();
    if (this.#agent.status === undefined) await strace.slept(CONVERGE_MS);
    const reached = this.#agent.status !== undefined;
    await this.#agent.stop('SIGKILL');
    const left = await this.#found();
    this.#agent = await this.#bed.startAgent();
    const looks = [left.entries, ...(await this.#settles())];
    const found = await this.#found();
    looks.push(found.entries);
    return {
      ...{ moment: momentOf(left), reached, ghosts: ghostsOf(looks) },
      lost: [...BUSY, ...LASTING].filter((address) => looks.some((entries) => !entries.has(address))),
      disagree: [...forgotten(left), ...disagreeing(found)],
    };
  }

  /** Ends the traffic: of those that are not silent, how many packets were sent, and how many C answered. */
  async end(): Promise<{ readonly sent: number; readonly answered: number }> {
    const { sent, answers } = await this.#busy.stop();
    return { sent, answered: answers.c ?? 0 };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#bed[Symbol.asyncDispose]();
  }

  /** Packets meet those that are not to fall silent from before they stand; what is sent from when they do is counted. */
  async #begin(operator: Product['operator']): Promise<void> {
    const first = await Asker.start(this.#bed, ...BUSY);
    await first.steady(RATE);
    const idle = { after: AFTER_MS };
    const falling = [...QUIET, ...BUSY].map((dst) => ({ ...redirectOf(dst), idle }));
    const { rev } = await operator.apply(...falling, ...LASTING.map(redirectOf));
    await operator.applied(rev);
    await first.answeredBy('c', CONVERGE_MS);
    await this.#busy.steady(RATE);
    await first.stop();
    await until('the silent ones are given up', CONVERGE_MS, async () => without(QUIET, await this.#entries()));
  }

  /** Has packets meet those that were given up, and fall silent; the agent finds it under the eyes of `strace`. */
  async #sweep(at?: Syscall): Promise<Strace> {
    await this.#arm();
    const { answers } = await this.#quiet.report();
    const met = await this.#quiet.burst(QUIET.length);
    if (met.answers.c !== (answers.c ?? 0) + QUIET.length) throw new Error(`not all were met: ${JSON.stringify(met)}`);
    this.#agent.signal('SIGSTOP');
    await delay(AFTER_MS);
    const strace = await Strace.attach(this.#bed, this.#agent.pid, at);
    this.#agent.signal('SIGCONT');
    return strace;
  }

  /** Each of them has been told to be idle, and stands again. */
  async #arm(): Promise<void> {
    const { items } = (await this.#bed.ask('rearm', ...QUIET.map(nameOf))) as { readonly items: readonly Rearmed[] };
    const armed = items.filter(({ was, state }) => was === 'idle' && state === 'installed');
    if (armed.length !== QUIET.length) throw new Error(`not all were idle: ${JSON.stringify(items)}`);
  }

  /** Waits until the agent has died or is done. */
  async #ends(): Promise<void> {
    await until('the agent dies or is done', CONVERGE_MS, async () => {
      return this.#agent.status !== undefined || without(QUIET, await this.#entries());
    });
  }

  /** Waits until the agent serves and the silent ones are gone; answers what stood meanwhile. */
  async #settles(): Promise<readonly ReadonlySet<string>[]> {
    const looks: ReadonlySet<string>[] = [];
    await this.#agent.until('the silent ones are given up', CONVERGE_MS, async () => {
      const entries = await this.#entries();
      looks.push(entries);
      return without(QUIET, entries) && this.#agent.lines.some((line) => line.includes('agent started'));
    });
    return looks;
  }

  async #found(): Promise<Found> {
    return { entries: await this.#entries(), states: await this.#states() };
  }

  async #entries(): Promise<ReadonlySet<string>> {
    return new Set([...(await inKernel(this.#bed))].map((entry) => entry.split(' ')[0] ?? ''));
  }

  /** What the store says, of a copy: whoever opens the database itself may write beside it. */
  async #states(): Promise<ReadonlyMap<string, string>> {
    const folder = await mkdtemp(join(this.#bed.folder, 'store-'));
    const copy = join(folder, DATABASE_NAME);
    for (const suffix of ['', '-wal']) await copyFile(join(this.#bed.state, DATABASE_NAME) + suffix, copy + suffix);
    using held = new DisposableStack();
    const database = held.adopt(new BetterSqlite3(copy), (it) => it.close());
    const rows = database.prepare('select key, state from entries').all() as { key: string; state: string }[];
    await rm(folder, { recursive: true });
    const byKey = new Map(rows.map(({ key, state }) => [key, state]));
    return new Map([...QUIET, ...BUSY, ...LASTING].map((dst) => [dst, byKey.get(keyOfDestination(dst)) ?? 'unknown']));
  }
}

function addresses(part: number): readonly string[] {
  return Array.from({ length: 8 }, (_, n) => `100.64.${part}.${n + 1}`);
}

function nameOf(dst: string): string {
  return `to-${dst.replaceAll('.', '-')}`;
}

function matchOf(dst: string): object {
  return { dst, proto: 'udp', dport: PORT };
}

function keyOfDestination(dst: string): string {
  return keyOf(parseMatch(matchOf(dst)));
}

function redirectOf(dst: string): object {
  return { name: nameOf(dst), hosts: [HOST], match: matchOf(dst), to: { interface: 'to-c', mac: C.mac } };
}

function without(those: readonly string[], entries: ReadonlySet<string>): boolean {
  return !those.some((address) => entries.has(address));
}

function momentOf({ entries, states }: Found): Killed['moment'] {
  const stored = QUIET.filter((address) => states.get(address) === 'idle').length;
  const standing = QUIET.filter((address) => entries.has(address)).length;
  if (stored === 0 && standing === QUIET.length) return 'before it is stored';
  if (stored === QUIET.length && standing === QUIET.length) return 'stored, and all stand';
  return stored === QUIET.length && standing === 0 ? 'all are gone' : 'in between';
}

/** What was gone and is there again, or is there at last. */
function ghostsOf(looks: readonly ReadonlySet<string>[]): readonly string[] {
  return QUIET.filter((address) => {
    const goneAt = looks.findIndex((entries) => !entries.has(address));
    return goneAt === -1 || looks.slice(goneAt).some((entries) => entries.has(address));
  });
}

/** Gone before the store knew it: whoever comes next would have them stand again. */
function forgotten({ entries, states }: Found): readonly string[] {
  return QUIET.filter((address) => !entries.has(address) && states.get(address) !== 'idle');
}

function disagreeing({ entries, states }: Found): readonly string[] {
  return [...states].flatMap(([address, state]) => {
    const told = QUIET.includes(address) ? 'idle' : 'installed';
    return state === told && entries.has(address) === (state === 'installed') ? [] : [address];
  });
}
