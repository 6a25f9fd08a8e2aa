/**
 * Redirects in bulk, from files into a kernel and out again: `./dev bench bulk [--redirects N] [--max-redirects SLOTS]
 * [--rounds N] [--profile] [-o json]`, as root. The whole product with its real command, in namespaces of its own; nothing is
 * left behind but profiles, where they are asked for. What the slots do not hold has to wait as MAP_FULL. Every key in the kernel is compared with the
 * files. Floors are taken in the same run.
 */
import { copyFile, mkdtemp, stat } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { readArguments } from '../test/support/arguments.ts';
import { lockMachine } from '../test/support/lock.ts';
import { attachHost } from '../test/support/operator.ts';
import { type Running, until } from '../test/support/process.ts';
import { C, NATS_URL, Testbed } from '../test/support/testbed.ts';
import { batchesOf, compareKeys, keysInKernel, writeFiles } from './bulk-files.ts';
import { commitFloor, fillFloor } from './bulk-floors.ts';
import {
  DAEMONS,
  type Daemon,
  describe,
  type Far,
  type Floors,
  isWhole,
  type Memory,
  mib,
  type Phase,
  type Profiles,
  type Report,
  type Round,
  type Verb,
} from './bulk-report.ts';
import { memoryOf } from './proc.ts';
import { profileIn, type Taker, topOf } from './profile.ts';
import { takenBy, watchedCommand } from './watched.ts';

/** All of a host comes and goes here, whatever the size gate says. */
const ALLOWED = ['--allow-shrink', '--allow-growth', '--reason', 'bench'];
const MAX_REDIRECTS = 2 ** 22;
const PROBE = join(import.meta.dirname, 'bulk-probe.ts');
const PATIENCE_MS = 30 * 60_000;
const LOOK_AGAIN_MS = 100;
/** From the last change to what is called steady. */
const SETTLE_MS = 5_000;
/** So many functions are named of a profile. */
const TOP = 12;

export interface Options {
  readonly redirects: number;
  readonly maxRedirects: number;
  readonly rounds?: number;
  /** Take CPU profiles of agent and controller, too. */
  readonly profile?: boolean;
  readonly say?: (line: string) => void;
}

export async function bulk({
  redirects,
  maxRedirects,
  rounds = 1,
  profile = false,
  say = () => {},
}: Options): Promise<Report> {
  await using bed = await Testbed.make();
  await bed.must('b', ['ip', 'neigh', 'replace', C.v4, 'lladdr', C.mac, 'dev', 'to-c']);
  const run = await Run.start(bed, maxRedirects, profile, say);
  const floors = {
    ...(await run.busFloor()),
    commit: await commitFloor(bed.folder),
    fill: fillFloor(redirects, maxRedirects),
  };
  const files = await writeFiles(bed.folder, redirects);
  run.weigh('idle');
  const done: Round[] = [];
  const sizes: ReadonlyMap<string, number>[] = [];
  for (let round = 1; round <= rounds; round += 1) done.push(await playRound(run, redirects, files, sizes));
  return {
    ...{ redirects, slots: maxRedirects, floors, rounds: done, memory: run.memory },
    databases: DAEMONS.map((name) => ({
      name,
      full: sizes.at(-2)?.get(name) ?? 0,
      emptied: sizes.at(-1)?.get(name) ?? 0,
    })),
    ...(profile && { profiles: await run.profiles() }),
    machine: { cpus: cpus().length, load: loadavg() },
  };
}

async function playRound(
  run: Run,
  redirects: number,
  files: readonly string[],
  sizes: ReadonlyMap<string, number>[],
): Promise<Round> {
  const { bed } = run;
  const isFull = ({ counts }: Far): boolean => counts.installed + counts.blocked === redirects;
  const apply = await run.phase('apply', files, (file) => ['apply', '-f', file, ...ALLOWED], isFull);
  const kernel = compareKeys(await keysInKernel(bed), redirects);
  sizes.push(await databaseSizes(bed));
  const { counts, codes } = apply.far;
  const isEmpty = ({ counts }: Far): boolean => counts.desired === 0;
  const del = await run.phase('delete', batchesOf(redirects), (names) => ['delete', ...names, ...ALLOWED], isEmpty);
  sizes.push(await databaseSizes(bed));
  return {
    ...{ installed: counts.installed, waiting: counts.blocked, codes, kernel },
    keysAfterDelete: (await keysInKernel(bed)).length,
    phases: { apply: apply.phase, delete: del.phase },
  };
}

/** What is done to the product, and what was seen of it. */
class Run {
  readonly bed: Testbed;
  readonly memory: Memory[] = [];
  readonly #daemons: Record<Daemon, Running>;
  readonly #probe: Running;
  readonly #say: (line: string) => void;
  #rev = 0;

  private constructor(bed: Testbed, daemons: Record<Daemon, Running>, probe: Running, say: (line: string) => void) {
    this.bed = bed;
    this.#daemons = daemons;
    this.#probe = probe;
    this.#say = say;
  }

  static async start(bed: Testbed, slots: number, profiled: boolean, say: (line: string) => void): Promise<Run> {
    await bed.startNats();
    const folder = profiled ? bed.state : undefined;
    const controller = await bed.startController((argv) => watchedCommand('root', argv, folder));
    await attachHost(bed, ['--max-redirects', `${slots}`]);
    const agent = await bed.start('b', 'agent', watchedCommand('nobody', bed.agentCommand(), folder));
    const probe = await bed.start('bus', 'probe', [process.execPath, PROBE, NATS_URL]);
    const run = new Run(bed, { agent, controller }, probe, say);
    await until('the agent answers', PATIENCE_MS, () => run.#far() !== undefined);
    return run;
  }

  async busFloor(): Promise<Pick<Floors, 'roundTrip'>> {
    return JSON.parse(this.#probe.lines[0] ?? '') as Pick<Floors, 'roundTrip'>;
  }

  /** Runs a command for each batch, waits until the agent has done all, lets it settle, and weighs. */
  async phase<T>(
    verb: Verb,
    batches: readonly T[],
    words: (batch: T) => readonly string[],
    fits: (far: Far) => boolean,
  ): Promise<{ readonly phase: Phase; readonly far: Far }> {
    const [before, commits] = [await this.#taken(), commitsOf(this.bed)];
    const start = performance.now();
    for (const [at, batch] of batches.entries()) {
      this.#rev = await this.#command(words(batch));
      this.#say(`${verb} ${at + 1} of ${batches.length}`);
    }
    const commandSeconds = (performance.now() - start) / 1000;
    const far = await until(`${verb} is done`, PATIENCE_MS, () => this.#settled(fits), LOOK_AGAIN_MS);
    const seconds = (performance.now() - start) / 1000;
    this.#say(`${verb}: ${seconds.toFixed(1)} s`);
    await delay(SETTLE_MS);
    this.weigh(verb);
    const after = await this.#taken();
    const taken = { agent: less(after.agent, before.agent), controller: less(after.controller, before.controller) };
    const counted = { commands: batches.length, commits: commitsOf(this.bed) - commits };
    return { far, phase: { ...counted, commandSeconds, seconds, taken } };
  }

  /** Runs a command and answers the revision that it made. */
  async #command(words: readonly string[]): Promise<number> {
    const ended = await this.bed.shunt('bus', ...words, '--nats', NATS_URL, '-o', 'json');
    if (ended.status !== 0) throw new Error(`shunt ${words[0]} ended with ${ended.status}: ${ended.stderr.trim()}`);
    return (JSON.parse(ended.stdout) as { rev: number }).rev;
  }

  #far(): Far | undefined {
    for (const running of [...Object.values(this.#daemons), this.#probe]) requireAlive(running);
    const line = this.#probe.lines.at(-1);
    return line === undefined ? undefined : (JSON.parse(line) as { far?: Far }).far;
  }

  #settled(fits: (far: Far) => boolean): Far | undefined {
    const far = this.#far();
    return far?.applied === this.#rev && far.stored === this.#rev && fits(far) ? far : undefined;
  }

  async #taken() {
    const { agent, controller } = this.#daemons;
    return { agent: await takenBy(agent), controller: await takenBy(controller) };
  }

  weigh(when: string): void {
    for (const process of DAEMONS) {
      const sizes = memoryOf(this.#daemons[process].pid);
      this.memory.push({ process, when, ...sizes });
      this.#say(`${process} ${when}: ${mib(sizes.rss)}, anon ${mib(sizes.anon)}, peak ${mib(sizes.peak)}`);
    }
  }

  /** What took most of agent and controller. A profile is written when its process ends. */
  async profiles(): Promise<Profiles> {
    const folder = await mkdtemp(join(tmpdir(), 'shunt-profiles-'));
    const profiles: [Daemon, readonly Taker[]][] = [];
    for (const name of DAEMONS) {
      await this.#daemons[name].stop();
      const kept = join(folder, `${name}.cpuprofile`);
      await copyFile(profileIn(this.bed.state, this.#daemons[name].pid), kept);
      this.#say(`the profile is kept as ${kept}`);
      profiles.push([name, topOf(kept, TOP)]);
    }
    return Object.fromEntries(profiles) as Profiles;
  }
}

/** What was taken between two looks. */
function less(after: Phase['taken'][Daemon], before: Phase['taken'][Daemon]): Phase['taken'][Daemon] {
  return { ...after, cpuSeconds: after.cpuSeconds - before.cpuSeconds };
}

function requireAlive({ status, lines }: Running): void {
  if (status !== undefined) throw new Error(`ended with ${status}: ${lines.slice(-5).join('\n')}`);
}

/** The number of transactions that changed the agent's desired state. */
function commitsOf(bed: Testbed): number {
  const database = new Database(join(bed.state, 'agent.db'), { readonly: true });
  try {
    return (database.prepare('select seq from cursor').get() as { seq: number }).seq;
  } finally {
    database.close();
  }
}

/** With their write-ahead logs. */
async function databaseSizes(bed: Testbed): Promise<ReadonlyMap<string, number>> {
  const size = async (file: string) => (await stat(file).catch(() => undefined))?.size ?? 0;
  const whole = async (file: string) => (await size(file)) + (await size(`${file}-wal`));
  return new Map([
    ['agent', await whole(join(bed.state, 'agent.db'))],
    ['controller', await whole(bed.database)],
  ]);
}

function givenOptions(): Options & { readonly json: boolean } {
  const count = { takes: 'number', from: 1, to: MAX_REDIRECTS } as const;
  const { values } = readArguments('bench bulk', {
    redirects: { ...count, default: 100_000 },
    'max-redirects': count,
    rounds: { takes: 'number', from: 1, to: 100, default: 3 },
    profile: { takes: 'nothing' },
    output: { takes: 'word', short: 'o', of: ['table', 'json'], default: 'table' },
  });
  const { redirects, 'max-redirects': maxRedirects = redirects, rounds, profile, output } = values;
  return { redirects, maxRedirects, rounds, profile, json: output === 'json' };
}

if (import.meta.main) {
  const { json, ...options } = givenOptions();
  const say = (line: string) => process.stderr.write(`${(performance.now() / 1000).toFixed(1)} s: ${line}\n`);
  await using _ = await lockMachine(say);
  const report = await bulk({ ...options, say });
  process.stdout.write(`${json ? JSON.stringify(report) : describe(report)}\n`);
  if (!report.rounds.every((round) => isWhole(round, report.redirects))) process.exitCode = 1;
}
