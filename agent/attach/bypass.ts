import { existsSync } from 'node:fs';
import type { MapHandle, MemoryHandle, Native } from '../../native/index.ts';
import { STRUCTS } from '../kernel/abi.ts';
import { decodeAbout } from '../kernel/about.ts';
import { errnoText, pinAdvice } from '../kernel/advice.ts';
import { moveBlinds } from '../kernel/blinds.ts';
import { u32 } from '../kernel/bytes.ts';
import { requireDone, requireValue } from '../kernel/errno.ts';
import { pinPaths } from '../kernel/pins.ts';
import { AttachError } from './attach-error.ts';

const AT = STRUCTS.control.bypass;

/**
 * The one word that makes the program pass everything, in the pinned `control` map. Needs neither agent nor bus, and no
 * more than the right to open the pin: root has it, and the owner. Errors: AttachError, KernelError.
 */
export class Bypass implements Disposable {
  readonly #native: Native;
  readonly #control: MapHandle;
  readonly #memory: MemoryHandle;

  constructor(native: Native, pinRoot: string) {
    this.#native = native;
    this.#control = openControl(native, pinRoot);
    this.#memory = requireValue(native.mapMmap(this.#control, true), 'mmap', 'control');
  }

  get on(): boolean {
    const word = requireValue(this.#native.memoryRead(this.#memory, AT, 4), 'read', 'control');
    return word.some((byte) => byte !== 0);
  }

  /** Answers whether that changed anything. */
  set(on: boolean): boolean {
    if (this.on === on) return false;
    if (on) moveBlinds(this.#native, this.#control);
    requireDone(this.#native.memoryStoreU32(this.#memory, AT, on ? 1 : 0), 'store', 'control');
    return true;
  }

  [Symbol.dispose](): void {
    this.#native.close(this.#memory);
    this.#native.close(this.#control);
  }
}

/** Opens the map that the attached program reads, and no other of that name. */
function openControl(native: Native, pinRoot: string): MapHandle {
  const paths = pinPaths(pinRoot);
  if (!existsSync(paths.layout)) {
    throw new AttachError(
      `nothing is attached here: there are no pins at ${paths.layout}; name another folder with --pin-root`,
    );
  }
  const control = openMap(native, paths.map('control'), false);
  try {
    const about = openMap(native, paths.map('about'), true);
    const bytes = native.mapLookupElem(about, u32(0), 0);
    native.close(about);
    const { maps } = decodeAbout(requireValue(bytes, 'map lookup', 'about'));
    const { id, valueSize } = requireValue(native.mapInfo(control), 'map info', 'control');
    if (id === maps.control && valueSize === STRUCTS.control.size) return control;
    throw new AttachError(
      `${paths.map('control')} is not the map that the program reads (id ${id}, made as ${maps.control}); nothing was changed`,
    );
  } catch (error) {
    native.close(control);
    throw error;
  }
}

function openMap(native: Native, path: string, readOnly: boolean): MapHandle {
  const map = native.mapOpen(path, readOnly);
  if (typeof map !== 'number') return map;
  const advice = pinAdvice(map, "this user may not; run it as root, or as the agent's user");
  throw new AttachError(`open ${path}: ${errnoText(map, advice)}`);
}
