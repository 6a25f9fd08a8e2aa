import { closeSync, existsSync, fstatSync, openSync, readSync, rmSync, truncateSync, writeSync } from 'node:fs';

/** SQLite's page size of both programs' databases. */
const PAGE_BYTES = 4096;

/** One thing that goes wrong with one file. */
export type Fault =
  | { readonly kind: 'flip'; readonly path: string; readonly byte: number; readonly bit: number }
  | { readonly kind: 'cut'; readonly path: string; readonly bytes: number }
  | { readonly kind: 'zero'; readonly path: string; readonly page: number }
  | { readonly kind: 'remove'; readonly path: string };

/** Flips are what disks and memory do most, and what nothing but a checksum sees. */
const KINDS = ['flip', 'flip', 'flip', 'flip', 'flip', 'flip', 'cut', 'zero', 'zero', 'remove'] as const;

/** Chooses a fault of one of the files that are there. */
export function someFault(below: (bound: number) => number, paths: readonly string[]): Fault {
  const there = paths.filter((path) => existsSync(path) && sizeOf(path) > 0);
  const path = there[below(there.length)] ?? '';
  const bytes = sizeOf(path);
  const kind = KINDS[below(KINDS.length)] ?? 'flip';
  switch (kind) {
    case 'flip':
      return { kind, path, byte: below(bytes), bit: below(8) };
    case 'cut':
      return { kind, path, bytes: below(bytes) };
    case 'zero':
      return { kind, path, page: below(Math.ceil(bytes / PAGE_BYTES)) };
    case 'remove':
      return { kind, path };
  }
}

/** Does it, in place. */
export function inject(fault: Fault): void {
  const { path } = fault;
  if (fault.kind === 'flip') flipBit(path, fault.byte, fault.bit);
  else if (fault.kind === 'cut') truncateSync(path, fault.bytes);
  else if (fault.kind === 'zero') overwrite(path, fault.page * PAGE_BYTES, Buffer.alloc(PAGE_BYTES));
  else rmSync(path);
}

export function flipBit(path: string, byte: number, bit: number): void {
  const one = Buffer.alloc(1);
  const file = openSync(path, 'r');
  readSync(file, one, 0, 1, byte);
  closeSync(file);
  one[0] = (one[0] ?? 0) ^ (1 << bit);
  overwrite(path, byte, one);
}

/** Writes into a file and leaves it as long as it is. */
function overwrite(path: string, at: number, data: Buffer): void {
  const file = openSync(path, 'r+');
  const room = fstatSync(file).size - at;
  writeSync(file, data, 0, Math.min(data.length, room), at);
  closeSync(file);
}

function sizeOf(path: string): number {
  const file = openSync(path, 'r');
  const { size } = fstatSync(file);
  closeSync(file);
  return size;
}
