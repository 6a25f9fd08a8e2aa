import type { Native } from '../../native/index.ts';
import type { Kernel } from '../ports.ts';
import { ClockProgram } from './clock-program.ts';
import { Control } from './control.ts';
import { KernelCounts } from './kernel-counts.ts';
import { KernelEntries } from './kernel-entries.ts';
import { KernelNet } from './kernel-net.ts';
import { type OpenMaps, openMaps, readAbout, requireOwn } from './open-maps.ts';
import { pinPaths } from './pins.ts';

/** The kernel through the pinned maps and rtnetlink. Needs no capability; the pins' file modes are what lets it in. */
export class NativeKernel implements Kernel, Disposable {
  /** Of the maps: 16 bytes that the loader drew for them, in hex. */
  readonly instance: string;
  readonly entries: KernelEntries;
  readonly net: KernelNet;
  readonly counts: KernelCounts;
  readonly words: Control;
  readonly clock: ClockProgram;
  readonly #native: Native;
  readonly #maps: OpenMaps;

  /** Errors: KernelError when a pin cannot be opened or is not what the loader made. */
  constructor(native: Native, pinRoot: string) {
    const paths = pinPaths(pinRoot);
    const maps = openMaps(native, paths, 'agent');
    const about = readAbout(native, maps);
    requireOwn(native, maps, about, paths);
    this.#native = native;
    this.#maps = maps;
    this.instance = about.instance;
    this.words = new Control(native, maps.control, { 4: maps.shapes4, 6: maps.shapes6 });
    this.entries = new KernelEntries(native, maps, this.words, about.slots);
    this.net = new KernelNet(native, maps, paths);
    this.counts = new KernelCounts(native, maps, about);
    this.clock = new ClockProgram(native, paths.clock, about.hz);
  }

  [Symbol.dispose](): void {
    for (const map of Object.values(this.#maps)) this.#native.close(map);
  }
}
