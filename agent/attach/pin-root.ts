import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, rmdirSync, statfsSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Native } from '../../native/index.ts';
import { errnoName } from '../kernel/errno.ts';
import { AttachError } from './attach-error.ts';
import { requireLasting } from './lasting.ts';

/** BPF_FS_MAGIC of include/uapi/linux/magic.h. */
const BPF_FS_MAGIC = 0xcafe4a11;

/** True when the path is on a bpffs. */
export function isBpffs(path: string): boolean {
  return existsSync(path) && statfsSync(path).type === BPF_FS_MAGIC;
}

/**
 * Makes the pin root a bpffs that everybody may walk through and nobody list. Refuses one that may be gone with this
 * process, unless that is accepted. Errors: AttachError.
 */
export function requirePinRoot(native: Native, pinRoot: string, acceptPrivate: boolean): void {
  const mounted = mountPinRoot(native, pinRoot);
  if (acceptPrivate) return;
  try {
    requireLasting(pinRoot);
  } catch (error) {
    if (mounted) releasePinRoot(pinRoot);
    throw error;
  }
}

/** Answers whether it mounted one. */
function mountPinRoot(native: Native, pinRoot: string): boolean {
  if (isBpffs(pinRoot)) return false;
  makeFolder(pinRoot, 0o711);
  if (isBpffs(pinRoot)) return false;
  if (readdirSync(pinRoot).length > 0) {
    throw new AttachError(
      `${pinRoot} is not empty and not a bpffs: nothing is mounted over it; choose another --pin-root`,
    );
  }
  const rc = native.mountBpf(pinRoot);
  if (rc < 0) {
    throw new AttachError(`mount bpffs on ${pinRoot}: ${errnoName(rc)}; attach needs root with CAP_SYS_ADMIN for this`);
  }
  chmodSync(pinRoot, 0o711);
  return true;
}

/** Makes a folder where it is not yet, with those above it. Errors: AttachError. */
export function makeFolder(path: string, mode: number): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path), mode);
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    throw new AttachError(
      `make the folder ${path}: ${(error as NodeJS.ErrnoException).code}; choose another --pin-root`,
    );
  }
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

/** Unmounts the pin root once nothing is pinned below it; the system's own bpffs stays. */
export function releasePinRoot(pinRoot: string): void {
  if (pinRoot.startsWith('/sys/') || !isBpffs(pinRoot) || !isEmpty(pinRoot)) return;
  spawnSync('umount', [pinRoot]);
  if (!isBpffs(pinRoot)) rmdirSync(pinRoot);
}

/** A new bpffs holds the kernel's own iterators (kernel/bpf/preload). */
function isEmpty(bpffs: string): boolean {
  return readdirSync(bpffs).every((name) => name.endsWith('.debug'));
}
