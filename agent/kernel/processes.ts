import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { pattern } from '../../protocol/read.ts';

/** What proc(5) says of a process. */
export interface Process {
  readonly pid: number;
  /** In ticks since the boot: with the boot's id, no other process ever has both. */
  readonly started: bigint;
  /** By SIGSTOP or a debugger: it holds what it has, and does nothing. */
  readonly stopped: boolean;
}

/** Fields of /proc/PID/stat behind the name, which may hold anything: state is the 3rd of all, the start the 22nd. */
const STATE = 0;
const STARTED = 19;

/** Identifies this boot of the host (proc(5), /proc/sys/kernel/random/boot_id). */
export function readBootId(proc = '/proc'): string {
  const text = readFileSync(join(proc, 'sys/kernel/random/boot_id'), 'utf8');
  return pattern(/^[0-9a-f-]{36}$/, 'a boot id')(text.trim(), '');
}

/** Undefined where there is no such process, or none that this user may see. */
export function readProcess(pid: number, proc = '/proc'): Process | undefined {
  const stat = readText(join(proc, `${pid}/stat`));
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state = '', started = ''] = [fields[STATE], fields[STARTED]];
  if (!/^\d+$/.test(started) || state === 'Z' || state === 'X') return undefined;
  return { pid, started: BigInt(started), stopped: state.toLowerCase() === 't' };
}

/** The process that holds the lock of flock(2) on a file; 0 where it is not of this pid namespace, undefined if none does. */
export function lockHolder(path: string, proc = '/proc'): number | undefined {
  const { dev, ino } = lstatSync(path, { bigint: true });
  const hex = (n: bigint): string => n.toString(16).padStart(2, '0');
  return holdersOf(`${hex(majorOf(dev))}:${hex(minorOf(dev))}`, ino, proc)[0];
}

/**
 * The same where stat(2) may name another device than /proc/locks does (overlay, btrfs). Then any inode of that number looks
 * alike, and every user can make one: only a process of the file's owner counts, or of root.
 */
export function likelyHolder(path: string, proc = '/proc'): number | undefined {
  const { ino, uid } = lstatSync(path, { bigint: true });
  const exact = lockHolder(path, proc);
  if (exact !== undefined) return exact;
  const trusted = (pid: number): boolean => [0, Number(uid)].includes(ownerOf(pid, proc) ?? -1);
  return holdersOf('\\S+', ino, proc).find(trusted);
}

function holdersOf(device: string, ino: bigint, proc: string): readonly number[] {
  const held = new RegExp(`FLOCK +ADVISORY +WRITE +(-?\\d+) ${device}:${ino} `, 'g');
  return [...readText(join(proc, 'locks')).matchAll(held)].map(([, pid]) => Math.max(0, Number(pid)));
}

/** The user that a process runs as, in this user namespace; undefined where it is gone. */
function ownerOf(pid: number, proc: string): number | undefined {
  const uid = /^Uid:\s+(\d+)/m.exec(readText(join(proc, `${pid}/status`)))?.[1];
  return uid === undefined ? undefined : Number(uid);
}

/** The processes that have one open, among those that this user may look into. */
export function whoHasOpen(link: string, proc = '/proc'): readonly number[] {
  const pids = listed(proc).filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => openOf(pid, proc).includes(link)).map(Number);
}

/** Whether a process has a BPF map open. */
export function hasMapOpen(pid: number, id: number, proc = '/proc'): boolean {
  const folder = join(proc, `${pid}/fdinfo`);
  return listed(folder).some((fd) => new RegExp(`^map_id:\\s*${id}$`, 'm').test(readText(join(folder, fd))));
}

/** gnu_dev_major of sys/sysmacros.h. */
export function majorOf(dev: bigint): bigint {
  return ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & 0xfffff000n);
}

/** gnu_dev_minor of sys/sysmacros.h. */
export function minorOf(dev: bigint): bigint {
  return (dev & 0xffn) | ((dev >> 12n) & 0xffffff00n);
}

function openOf(pid: string, proc: string): readonly string[] {
  const folder = join(proc, pid, 'fd');
  return listed(folder).map((fd) => linkText(join(folder, fd)));
}

/** Processes come and go, and some are not this user's to look into: what cannot be read says nothing. */
function readText(path: string): string {
  return orElse('', () => readFileSync(path, 'utf8'));
}

function linkText(path: string): string {
  return orElse('', () => readlinkSync(path));
}

function listed(path: string): readonly string[] {
  return orElse<readonly string[]>([], () => readdirSync(path));
}

function orElse<T>(otherwise: T, read: () => T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}
