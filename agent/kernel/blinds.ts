import type { MapHandle, Native } from '../../native/index.ts';
import { STRUCTS } from './abi.ts';
import { LITTLE_ENDIAN } from './check.ts';
import { requireDone, requireValue } from './errno.ts';

const AT = STRUCTS.control.blinds;

/**
 * Has an agent know, also one that starts later, that packets may pass uncounted from now on: silence is no silence then.
 * `control`: the map of that name, that may be written. Errors: KernelError.
 */
export function moveBlinds(native: Native, control: MapHandle): void {
  const memory = requireValue(native.mapMmap(control, true), 'mmap', 'control');
  try {
    const bytes = requireValue(native.memoryRead(memory, AT, 4), 'read', 'control');
    const count = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, LITTLE_ENDIAN);
    requireDone(native.memoryStoreU32(memory, AT, (count + 1) % 2 ** 32), 'store', 'control');
  } finally {
    native.close(memory);
  }
}
