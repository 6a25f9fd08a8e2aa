import { readFileSync } from 'node:fs';
import type { MapHandle, Native } from '../../native/index.ts';
import { KernelError } from '../model/kernel-error.ts';
import { viewOf } from './bytes.ts';
import { LITTLE_ENDIAN } from './check.ts';
import { requireDone, requireValue, TOO_MANY_FILES } from './errno.ts';
import { type Process, readBootId, readProcess } from './processes.ts';

/** The agent that keeps the maps, as it wrote itself down: the process of that number, boot and start, and no other. */
export interface Holder {
  readonly pid: number;
  readonly boot: string;
  readonly started: bigint;
}

/**
 * Where in the page that the value of `control` begins: behind it, with room for it to grow. It is no part of the value, so
 * maps of every loader have it (kernel-facts.md#page-rest).
 */
const AT = 2048;
const SIZE = 32;
const STARTED = 8;
const BOOT = 16;

type Memory = Pick<Native, 'mapMmapPages' | 'memoryRead' | 'memoryWrite' | 'close'>;

export function ownHolder(): Holder {
  const own = readProcess(process.pid);
  if (own === undefined) throw unreadable(`/proc/${process.pid}/stat`);
  return { pid: own.pid, boot: readBootId(), started: own.started };
}

/** Without procfs there is no such file; else the system says why not. */
function unreadable(path: string): KernelError {
  try {
    readFileSync(path);
    return new KernelError('read', path, 'EIO', 'its words are not those of proc(5)');
  } catch (error) {
    const { code = 'EIO' } = error as NodeJS.ErrnoException;
    return new KernelError('read', path, code, TOO_MANY_FILES[code] ?? 'mount procfs');
  }
}

/** Errors: KernelError. */
export function writeHolder(native: Memory, control: MapHandle, holder: Holder): void {
  const memory = requireValue(native.mapMmapPages(control, true), 'mmap', 'control');
  const rc = native.memoryWrite(memory, AT, encodeHolder(holder));
  native.close(memory);
  requireDone(rc, 'write', 'the holder');
}

/** Answers a negative errno where the map cannot be read. */
export function readHolder(native: Memory, control: MapHandle): Holder | number {
  const memory = native.mapMmapPages(control, false);
  if (typeof memory === 'number') return memory;
  const bytes = native.memoryRead(memory, AT, SIZE);
  native.close(memory);
  return typeof bytes === 'number' ? bytes : decodeHolder(bytes);
}

/** The process that wrote itself down, if it still lives. */
export function livingHolder({ pid, boot, started }: Holder, proc = '/proc'): Process | undefined {
  if (pid === 0 || boot !== readBootId(proc)) return undefined;
  const found = readProcess(pid, proc);
  return found?.started === started ? found : undefined;
}

export function encodeHolder({ pid, boot, started }: Holder): Uint8Array {
  const bytes = new Uint8Array(SIZE);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, pid, LITTLE_ENDIAN);
  view.setBigUint64(STARTED, started, LITTLE_ENDIAN);
  bytes.set(Buffer.from(boot.replaceAll('-', ''), 'hex'), BOOT);
  return bytes;
}

export function decodeHolder(bytes: Uint8Array): Holder {
  const view = viewOf(bytes);
  const hex = Buffer.from(bytes.subarray(BOOT, SIZE)).toString('hex');
  return {
    pid: view.getUint32(0, LITTLE_ENDIAN),
    boot: hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'),
    started: view.getBigUint64(STARTED, LITTLE_ENDIAN),
  };
}
