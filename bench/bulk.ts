/**
 * Redirects in bulk, from files into a kernel and out again: `./dev bench bulk [--redirects N] [--max-redirects SLOTS]
 * [-o json]`, as root. The whole product with its real command, in namespaces of its own; nothing is left behind. What
 * the slots do not hold has to wait as MAP_FULL. Every key in the kernel is compared with the files.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import Database from 'better-sqlite3';
import type { Status } from '../protocol/status.ts';
import { readArguments } from '../test/support/arguments.ts';
import { type Product, startProduct } from '../test/support/operator.ts';
import { type Running, until } from '../test/support/process.ts';
import { C, HOST, NATS_URL, Testbed } from '../test/support/testbed.ts';
import { describe, type Memory, mib, type Phase, type Report } from './bulk-report.ts';

/** The command takes files of at most 64 MiB, and the kernel argument lists of at most 2 MiB. */
const AT_ONCE = { apply: 200_000, delete: 50_000 } as const;
/** All of a host comes and goes here, whatever the size gate says. */
const ALLOWED = ['--allow-shrink', '--allow-growth', '--reason', 'bench'];
const FIRST_ADDRESS = 0x64_40_00_00; // 100.64.0.0/10
const MAX_REDIRECTS = 2 ** 22;
const PORT = 443;
const PATIENCE_MS = 30 * 60_000;
const LOOK_AGAIN_MS = 500;
/** From the last change to what is called steady. */
const SETTLE_MS = 5_000;

export interface Options {
  readonly redirects: number;
  readonly maxRedirects: number;
  readonly say?: (line: string) => void;
}

export async function bulk({ redirects, maxRedirects, say = () => {} }: Options): Promise<Report> {
  await using bed = await Testbed.make();
  await bed.must('b', ['ip', 'neigh', 'replace', C.v4, 'lladdr', C.mac, 'dev', 'to-c']);
  const run = new Run(bed, await startProduct(bed, '--max-redirects', `${maxRedirects}`), say);
  const files = await writeFiles(bed.folder, redirects);
  await run.weigh('idle');

  const applying = await run.phase('apply', files, (file) => ['apply', '-f', file, ...ALLOWED]);
  const full = await run.settled('full', ({ counts }) => counts.installed + counts.blocked === redirects);
  const applied = applying(full.at);
  const kernel = compare(await keysInKernel(bed), redirects);
  const fullSizes = await databaseSizes(bed);

  const deleting = await run.phase('delete', batches(redirects), (names) => ['delete', ...names, ...ALLOWED]);
  const emptied = await run.settled('emptied', ({ counts }) => counts.desired === 0);
  const deleted = deleting(emptied.at);
  const emptiedSizes = await databaseSizes(bed);

  const { counts, exceptions } = full.status;
  return {
    ...{ redirects, slots: maxRedirects, installed: counts.installed, waiting: counts.blocked },
    codes: [...new Set(exceptions.map(({ code }) => code))],
    kernel,
    keysAfterDelete: (await keysInKernel(bed)).length,
    phases: [applied, deleted],
    memory: run.memory,
    databases: [...fullSizes].map(([name, size]) => ({ name, full: size, emptied: emptiedSizes.get(name) ?? 0 })),
    machine: { cpus: cpus().length, load: loadavg() },
  };
}

/** One measured run: what is done to the product, and what was seen of it. */
class Run {
  readonly #bed: Testbed;
  readonly #product: Product;
  readonly #say: (line: string) => void;
  readonly memory: Memory[] = [];
  #rev = 0;

  constructor(bed: Testbed, product: Product, say: (line: string) => void) {
    this.#bed = bed;
    this.#product = product;
    this.#say = say;
  }

  /** Runs a command for each batch; the answer makes the phase, once it is known when all of it was done. */
  async phase<T>(
    phase: Phase['phase'],
    batches: readonly T[],
    words: (batch: T) => readonly string[],
  ): Promise<(doneAt: number) => Phase> {
    const [start, before] = [performance.now(), commitsOf(this.#bed)];
    for (const [at, batch] of batches.entries()) {
      this.#rev = await this.#command(words(batch));
      this.#say(`${phase} ${at + 1} of ${batches.length}`);
    }
    const commandSeconds = (performance.now() - start) / 1000;
    return (doneAt) => ({
      ...{ phase, commands: batches.length, commandSeconds },
      seconds: (doneAt - start) / 1000,
      commits: commitsOf(this.#bed) - before,
    });
  }

  /** Runs a command and answers the revision that it made. */
  async #command(words: readonly string[]): Promise<number> {
    const ended = await this.#bed.shunt('bus', ...words, '--nats', NATS_URL, '-o', 'json');
    if (ended.status !== 0) throw new Error(`shunt ${words[0]} ended with ${ended.status}: ${ended.stderr.trim()}`);
    return (JSON.parse(ended.stdout) as { rev: number }).rev;
  }

  /** Waits until the agent has done all, and answers what it says; then lets it settle, and weighs. */
  async settled(when: string, fits: (status: Status) => boolean): Promise<{ status: Status; at: number }> {
    const look = async () => {
      for (const running of [this.#product.agent, this.#product.controller]) requireAlive(running);
      const status = await this.#product.operator.status();
      this.#say(status ? `stored ${status.stored}, applied ${status.applied} of ${this.#rev}` : 'no answer');
      return status && status.applied === this.#rev && status.stored === this.#rev && fits(status) && status;
    };
    const status = await until(`the agent is ${when}`, PATIENCE_MS, look, LOOK_AGAIN_MS);
    const at = performance.now();
    await delay(SETTLE_MS);
    await this.weigh(when);
    return { status, at };
  }

  async weigh(when: string): Promise<void> {
    for (const process of ['agent', 'controller'] as const) {
      const sizes = await memoryOf(this.#product[process]);
      this.memory.push({ process, when, ...sizes });
      this.#say(`${process} ${when}: ${mib(sizes.rss)}, anon ${mib(sizes.anon)}, peak ${mib(sizes.peak)}`);
    }
  }
}

function requireAlive({ status, lines }: Running): void {
  if (status !== undefined) throw new Error(`ended with ${status}: ${lines.slice(-5).join('\n')}`);
}

export function nameOf(index: number): string {
  return `bulk-${index}`;
}

function addressOf(index: number): string {
  const address = FIRST_ADDRESS + index;
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.');
}

/** Files of so many redirects, as JSON lines; `more` is in each of them. */
export async function writeFiles(folder: string, redirects: number, more: object = {}): Promise<readonly string[]> {
  const files: string[] = [];
  for (let from = 0; from < redirects; from += AT_ONCE.apply) {
    const file = join(folder, `bulk-${from}.jsonl`);
    await writeFile(
      file,
      indices(from, Math.min(from + AT_ONCE.apply, redirects))
        .map((index) => line(index, more))
        .join(''),
    );
    files.push(file);
  }
  return files;
}

function line(index: number, more: object): string {
  const match = { dst: addressOf(index), proto: 'udp', dport: PORT };
  return `${JSON.stringify({ name: nameOf(index), hosts: [HOST], match, to: { nexthop: C.v4 }, ...more })}\n`;
}

function batches(redirects: number): readonly (readonly string[])[] {
  const starts = Array.from({ length: Math.ceil(redirects / AT_ONCE.delete) }, (_, at) => at * AT_ONCE.delete);
  return starts.map((from) => indices(from, Math.min(from + AT_ONCE.delete, redirects)).map(nameOf));
}

function indices(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, at) => from + at);
}

/** The key of `struct key4` in bpf/abi.h, as hexadecimal; addresses and ports are in network order. */
function keyOf(index: number): string {
  const [zero32, port] = ['00000000', `0000${PORT.toString(16).padStart(4, '0')}`];
  const [proto, lengths, flags] = ['11', '0020', '05']; // UDP; src /0, dst /32; KEY_PROTO | KEY_DPORT
  return `${zero32}${(FIRST_ADDRESS + index).toString(16).padStart(8, '0')}${port}${proto}${lengths}${flags}`;
}

/** Every key that bpftool reads, as hexadecimal. The dump of a large map is too long for one string. */
async function keysInKernel(bed: Testbed): Promise<readonly string[]> {
  const argv = ['-j', 'map', 'dump', 'pinned', join(bed.pins, 'redirect4')];
  const bpftool = spawn('bpftool', argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(bpftool, 'close');
  const keys: string[] = [];
  let rest = '';
  for await (const text of bpftool.stdout.setEncoding('latin1')) {
    const pieces = `${rest}${text}`.split('"key":["0x');
    rest = pieces.pop() ?? '';
    for (const piece of pieces) takeKey(piece, keys);
    rest = `"key":["0x${rest}`;
  }
  takeKey(rest.slice('"key":["0x'.length), keys);
  const [status] = await ended;
  if (status !== 0) throw new Error(`bpftool ended with ${status}`);
  return keys;
}

function takeKey(piece: string, keys: string[]): void {
  const end = piece.indexOf('"]');
  if (end > 0) keys.push(piece.slice(0, end).replaceAll('","0x', ''));
}

function compare(keys: readonly string[], redirects: number): Report['kernel'] {
  const there = new Set(keys);
  if (there.size !== keys.length) throw new Error('bpftool read a key twice: the map changed under it');
  const missing = indices(0, redirects).reduce((sum, index) => sum + (there.delete(keyOf(index)) ? 0 : 1), 0);
  return { keys: keys.length, missing, foreign: there.size };
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

async function memoryOf({ pid }: Running): Promise<Pick<Memory, 'rss' | 'anon' | 'peak'>> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8');
  const bytes = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1]) * 1024;
  return { rss: bytes('VmRSS'), anon: bytes('RssAnon'), peak: bytes('VmHWM') };
}

/** With their write-ahead logs. */
async function databaseSizes(bed: Testbed): Promise<ReadonlyMap<string, number>> {
  const size = async (file: string) => (await stat(file).catch(() => undefined))?.size ?? 0;
  const whole = async (file: string) => (await size(file)) + (await size(`${file}-wal`));
  return new Map([
    ['agent', await whole(join(bed.state, 'agent.db'))],
    ['controller', await whole(join(bed.folder, 'controller.db'))],
  ]);
}

function givenOptions(): Options & { readonly json: boolean } {
  const count = { takes: 'number', from: 1, to: MAX_REDIRECTS } as const;
  const { values } = readArguments('bench bulk', {
    redirects: { ...count, default: 100_000 },
    'max-redirects': count,
    output: { takes: 'word', short: 'o', of: ['table', 'json'], default: 'table' },
  });
  const { redirects, 'max-redirects': maxRedirects = redirects, output } = values;
  return { redirects, maxRedirects, json: output === 'json' };
}

if (import.meta.main) {
  const { json, ...options } = givenOptions();
  const say = (line: string) => process.stderr.write(`${(performance.now() / 1000).toFixed(1)} s: ${line}\n`);
  const report = await bulk({ ...options, say });
  process.stdout.write(`${json ? JSON.stringify(report) : describe(report)}\n`);
  const { kernel, installed, waiting, redirects, keysAfterDelete } = report;
  const equal = kernel.foreign === 0 && kernel.missing === waiting && kernel.keys === installed;
  if (!equal || installed + waiting !== redirects || keysAfterDelete !== 0) process.exitCode = 1;
}
