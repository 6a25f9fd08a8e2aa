import { existsSync } from 'node:fs';
import type { MapHandle, MemoryHandle, Native } from '../../native/index.ts';
import { LIMITS, STRUCTS } from '../kernel/abi.ts';
import { decodeAbout } from '../kernel/about.ts';
import { errnoText, pinAdvice } from '../kernel/advice.ts';
import { moveBlinds } from '../kernel/blinds.ts';
import { u32 } from '../kernel/bytes.ts';
import { requireDone, requireValue } from '../kernel/errno.ts';
import { COMING, type PinPaths, pinPaths } from '../kernel/pins.ts';
import { findHead } from '../kernel/succession.ts';
import { AttachError } from './attach-error.ts';

const AT = STRUCTS.control.bypass;

/**
 * The one word that makes the program pass everything, in the pinned `control` map. Needs neither agent nor bus, and no
 * more than the right to open the pin: root has it, and the owner. Errors: AttachError, KernelError.
 */
export class Bypass implements Disposable {
  readonly #native: Native;
  /** Of the maps that stand, and of those that are to take their place, if there are such. */
  readonly #words: readonly Word[];
  readonly #handles = new DisposableStack();

  constructor(native: Native, pinRoot: string) {
    this.#native = native;
    const coming = pinPaths(pinRoot, COMING);
    const isOurs = findHead(native, coming)?.layout === LIMITS.SHUNT_LAYOUT; // else their loader copies the word
    this.#words = [pinPaths(pinRoot), ...(isOurs ? [coming] : [])]
      .filter(({ layout }) => existsSync(layout))
      .map((one) => {
        const control = this.#handles.adopt(openControl(native, one), (map) => native.close(map));
        const memory = requireValue(native.mapMmap(control, true), 'mmap', 'control');
        return { control, memory: this.#handles.adopt(memory, (it) => native.close(it)) };
      });
    if (this.#words.length > 0) return;
    const where = pinPaths(pinRoot).layout;
    throw new AttachError(
      `nothing is attached here: there are no pins at ${where}; name another folder with --pin-root`,
    );
  }

  get on(): boolean {
    return this.#words.some((word) => this.#isOn(word));
  }

  /** Answers whether that changed anything. */
  set(on: boolean): boolean {
    const others = this.#words.filter((word) => this.#isOn(word) !== on);
    for (const { control, memory } of others) {
      if (on) moveBlinds(this.#native, control);
      requireDone(this.#native.memoryStoreU32(memory, AT, on ? 1 : 0), 'store', 'control');
    }
    return others.length > 0;
  }

  #isOn({ memory }: Word): boolean {
    return requireValue(this.#native.memoryRead(memory, AT, 4), 'read', 'control').some((byte) => byte !== 0);
  }

  [Symbol.dispose](): void {
    this.#handles.dispose();
  }
}

interface Word {
  readonly control: MapHandle;
  readonly memory: MemoryHandle;
}

/** Opens the map that the attached program reads, and no other of that name. */
function openControl(native: Native, paths: PinPaths): MapHandle {
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
