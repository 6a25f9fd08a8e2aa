import type { Native } from '../../native/index.ts';
import { type OpenMaps, openMaps } from '../kernel/open-maps.ts';
import type { PinPaths } from '../kernel/pins.ts';

/** Opens the maps for as long as they are used. Errors: KernelError, and those of `use`. */
export function withMaps<T>(native: Native, paths: PinPaths, use: (maps: OpenMaps) => T): T {
  const maps = openMaps(native, paths, 'loader');
  try {
    return use(maps);
  } finally {
    for (const map of Object.values(maps)) native.close(map);
  }
}
