import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statfsSync,
  unlinkSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { Native } from '../../native/index.ts';
import { errnoName } from '../kernel/errno.ts';
import { AttachError } from './attach-error.ts';
import { requireLasting } from './lasting.ts';

/** BPF_FS_MAGIC of include/uapi/linux/magic.h. */
const BPF_FS_MAGIC = 0xcafe4a11;

/** mount(2). */
const MOUNTING: Readonly<Record<string, string>> = {
  EPERM: 'attach needs root with CAP_SYS_ADMIN for this',
  ENODEV: 'this kernel has no bpffs (CONFIG_BPF_SYSCALL)',
  EACCES: 'attach may not reach the folder; choose another --pin-root',
};

/** True when the path is on a bpffs. */
export function isBpffs(path: string): boolean {
  return existsSync(path) && statfsSync(path).type === BPF_FS_MAGIC;
}

/**
 * Makes the pin root a bpffs that everybody may walk through and nobody list. Refuses one that may be gone with this
 * process, unless that is accepted. Errors: AttachError.
 */
export function requirePinRoot(native: Native, pinRoot: string, acceptPrivate: boolean, undo: DisposableStack): void {
  mountPinRoot(native, pinRoot, undo);
  if (!acceptPrivate) requireLasting(pinRoot);
}

function mountPinRoot(native: Native, pinRoot: string, undo: DisposableStack): void {
  if (isBpffs(pinRoot)) return;
  makeFolder(pinRoot, 0o711, undo);
  if (isBpffs(pinRoot)) return;
  if (readdirSync(pinRoot).length > 0) {
    throw new AttachError(
      `${pinRoot} is not empty and not a bpffs: nothing is mounted over it; choose another --pin-root`,
    );
  }
  const rc = native.mountBpf(pinRoot);
  if (rc < 0) {
    const advice = MOUNTING[errnoName(rc)] ?? 'see mount(2)';
    throw new AttachError(`mount bpffs on ${pinRoot}: ${errnoName(rc)}; ${advice}`);
  }
  undo.defer(() => unmount(pinRoot));
  chmodSync(pinRoot, 0o711);
}

/** Makes a folder where it is not yet, with those above it. Errors: AttachError. */
export function makeFolder(path: string, mode: number, undo?: DisposableStack): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path), mode, undo);
  try {
    mkdirSync(path, { mode });
    undo?.defer(() => removeEmpty(path));
  } catch (error) {
    throw new AttachError(
      `make the folder ${path}: ${(error as NodeJS.ErrnoException).code}; choose another --pin-root`,
    );
  }
}

function removeEmpty(path: string): void {
  if (existsSync(path) && readdirSync(path).length === 0) rmdirSync(path);
}

/** Removes a folder of pins with all that is in it. Programs and maps live on while somebody uses them. */
export function removePins(path: string): void {
  if (!existsSync(path)) return;
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const at = join(path, entry.name);
    if (entry.isDirectory()) removePins(at);
    else unlinkSync(at);
  }
  rmdirSync(path);
}

/** Unmounts the pin root that `attach` mounted, once nothing is pinned below it; another bpffs stays as it is. */
export function releasePinRoot(pinRoot: string): void {
  if (!isBpffs(pinRoot) || !isMountedByUs(pinRoot)) return;
  unmount(pinRoot);
  if (!isBpffs(pinRoot)) removeEmpty(pinRoot);
}

function unmount(pinRoot: string): void {
  if (isEmpty(pinRoot)) spawnSync('umount', [pinRoot]);
}

/** A new bpffs holds the kernel's own iterators (kernel/bpf/preload). */
function isEmpty(bpffs: string): boolean {
  return readdirSync(bpffs).every((name) => name.endsWith('.debug'));
}

/** By what mountinfo says of the mount that is uppermost there; loaders up to 0.1 named it `bpf`, as others do theirs. */
export function isMountedByUs(pinRoot: string): boolean {
  const mount = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .findLast(([, , , , point = '']) => plainPath(point) === pinRoot);
  const [type, source, options] = mount?.slice(mount.indexOf('-') + 1) ?? [];
  const flags = mount?.[5]?.split(',') ?? [];
  const asMade = ['nosuid', 'nodev', 'noexec'].every((flag) => flags.includes(flag)) && options?.endsWith('mode=711');
  return type === 'bpf' && (source === 'shunt' || (source === 'bpf' && asMade === true));
}

/** proc(5): what would end a field is written in octal. */
export function plainPath(field: string): string {
  return Buffer.from(
    field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))),
    'latin1',
  ).toString();
}
