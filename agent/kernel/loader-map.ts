import { chmodSync, chownSync, existsSync } from 'node:fs';
import { basename } from 'node:path';
import type { MapHandle, Native } from '../../native/index.ts';
import { requireDone, requireValue } from './errno.ts';

/** What a map is made of: its type in include/uapi/linux/bpf.h, bytes of key and value, and entries. */
export interface Making {
  readonly type: number;
  readonly name: string;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
}

/**
 * Opens a pinned map of the loader's own that no program reads, and makes it where it is not; root alone may write it, and the
 * group of the maps read it. Errors: KernelError.
 */
export function requireLoaderMap(native: Native, path: string, gid: number, making: Making): MapHandle {
  if (existsSync(path)) return requireValue(native.mapOpen(path, false), 'open map', path);
  const { type, name, keySize, valueSize, maxEntries } = making;
  const map = requireValue(
    native.mapCreate(type, name, keySize, valueSize, maxEntries, 0),
    'create map',
    basename(path),
  );
  requireDone(native.mapPin(map, path), 'pin', path);
  chownSync(path, 0, gid);
  chmodSync(path, 0o440);
  return map;
}
