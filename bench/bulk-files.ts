/** Redirects in bulk: their names, their files, and their keys in the kernel. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MapHandle, Native } from '../native/index.ts';
import { C, HOST, type Testbed } from '../test/support/testbed.ts';

/** The command takes files of at most 64 MiB, and the kernel argument lists of at most 2 MiB. */
const AT_ONCE = { apply: 200_000, delete: 50_000 } as const;
const FIRST_ADDRESS = 0x64_40_00_00; // 100.64.0.0/10
const PORT = 443;

/** Keys that were read, and how they differ from those of the files. */
export interface Compared {
  readonly keys: number;
  readonly missing: number;
  readonly foreign: number;
}

export function nameOf(index: number): string {
  return `bulk-${index}`;
}

export function addressOf(index: number): string {
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

/** Their names, as many together as one command takes. */
export function batchesOf(redirects: number): readonly (readonly string[])[] {
  const starts = Array.from({ length: Math.ceil(redirects / AT_ONCE.delete) }, (_, at) => at * AT_ONCE.delete);
  return starts.map((from) => indices(from, Math.min(from + AT_ONCE.delete, redirects)).map(nameOf));
}

function indices(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, at) => from + at);
}

/** The key of `struct key4` in bpf/abi.h, as hexadecimal; addresses and ports are in network order. */
export function keyOf(index: number): string {
  const [zero32, port] = ['00000000', `0000${PORT.toString(16).padStart(4, '0')}`];
  const [proto, lengths, flags] = ['11', '0020', '05']; // UDP; src /0, dst /32; KEY_PROTO | KEY_DPORT
  return `${zero32}${(FIRST_ADDRESS + index).toString(16).padStart(8, '0')}${port}${proto}${lengths}${flags}`;
}

/** How many keys are in a map. */
export function countKeys(native: Native, map: MapHandle): number {
  const { rc, count } = native.mapDump(map, 0);
  if (rc < 0) throw new Error(`map dump: ${rc}`);
  return count;
}

/** Every key that bpftool reads, as hexadecimal. The dump of a large map is too long for one string. */
export async function keysInKernel(bed: Testbed): Promise<readonly string[]> {
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

export function compareKeys(keys: readonly string[], redirects: number): Compared {
  const there = new Set(keys);
  if (there.size !== keys.length) throw new Error('bpftool read a key twice: the map changed under it');
  const missing = indices(0, redirects).reduce((sum, index) => sum + (there.delete(keyOf(index)) ? 0 : 1), 0);
  return { keys: keys.length, missing, foreign: there.size };
}
