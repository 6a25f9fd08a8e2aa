import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, rmdirSync, statfsSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Native } from '../../native/index.ts';
import { errnoName } from '../kernel/errno.ts';
import { AttachError } from './attach-error.ts';

/** BPF_FS_MAGIC of include/uapi/linux/magic.h. */
const BPF_FS_MAGIC = 0xcafe4a11;

/** True when the path is on a bpffs. */
export function isBpffs(path: string): boolean {
  return existsSync(path) && statfsSync(path).type === BPF_FS_MAGIC;
}

/** Makes the pin root a bpffs that everybody may walk through and nobody list. Errors: AttachError. */
export function requirePinRoot(native: Native, pinRoot: string): void {
  if (isBpffs(pinRoot)) return;
  mkdirSync(pinRoot, { recursive: true, mode: 0o711 });
  if (isBpffs(pinRoot)) return;
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
