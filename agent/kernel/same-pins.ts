import type { Native } from '../../native/index.ts';
import { type OpenMaps, requireSamePins } from './open-maps.ts';
import { pinMark } from './pin-mark.ts';
import { MAPS, type PinPaths } from './pins.ts';

/** Whether the maps that are open are those that are pinned. It is asked each second: pins that nobody touched are not opened for it. */
export class SamePins {
  readonly #native: Native;
  readonly #maps: OpenMaps;
  /** Of the pins that were found to be theirs. */
  #marks: readonly string[] = [];

  constructor(native: Native, maps: OpenMaps) {
    this.#native = native;
    this.#maps = maps;
  }

  /** Errors: PinsLostError. */
  require(paths: PinPaths): void {
    const marks = MAPS.flatMap((name) => pinMark(paths.map(name)) ?? []); // before they are opened, as of the clock program
    if (marks.length === MAPS.length && marks.every((mark, i) => mark === this.#marks[i])) return;
    this.#marks = [];
    requireSamePins(this.#native, this.#maps, paths);
    this.#marks = marks;
  }
}
