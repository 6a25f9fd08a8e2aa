import type { Native } from '../../native/index.ts';
import type { Followed } from '../model/followed.ts';
import type { Kernel } from '../ports.ts';
import { LIMITS } from './abi.ts';
import { ClockProgram } from './clock-program.ts';
import { Control } from './control.ts';
import { requireValue } from './errno.ts';
import { ownHolder, writeHolder } from './holder.ts';
import { KernelCounts } from './kernel-counts.ts';
import { KernelEntries } from './kernel-entries.ts';
import { KernelNet } from './kernel-net.ts';
import { type OpenMaps, openMaps, readAbout, requireOwn } from './open-maps.ts';
import { pinPaths } from './pins.ts';
import { Place } from './place.ts';
import { ProtectedList } from './protected.ts';
import { openTables, type Tables } from './row-table.ts';
import { comingLayout, folderToFill } from './succession.ts';

type Opened = Omit<Kernel, 'pins'> & {
  readonly clock: ClockProgram;
  readonly maps: OpenMaps;
  readonly tables: Tables;
  /** Of the maps: 16 bytes that the loader drew for them, in hex. */
  readonly instance: string;
  readonly place: Place;
};

/** The kernel through the pinned maps and rtnetlink. Needs no capability; the pins' file modes are what lets it in. */
export class NativeKernel implements Kernel, Disposable {
  readonly #native: Native;
  readonly #pinRoot: string;
  readonly #nowMs: () => number;
  #openings = 0;
  #opened: Opened;
  /** Maps of another layout that were coming when these were opened, or that an agent before this one has left for. */
  #otherLayout: number | undefined;

  /**
   * `nowMs`: the wall clock, by which maps that a loader has left are known; without it all that come are filled. Errors: KernelError
   * when a pin cannot be opened or is not what the loader made.
   */
  constructor(native: Native, pinRoot: string, nowMs: () => number = () => 0) {
    this.#native = native;
    this.#pinRoot = pinRoot;
    this.#nowMs = nowMs;
    this.#opened = open(native, pinRoot, nowMs(), this.#openings);
    this.#otherLayout = comingLayout(native, pinRoot, nowMs());
  }

  get instance(): string {
    return this.#opened.instance;
  }

  /** Of the map `control`, by which a process that has it open is known. */
  get controlId(): number {
    return requireValue(this.#native.mapInfo(this.#opened.maps.control), 'map info', 'control').id;
  }

  get pins(): string {
    return this.#opened.place.paths.layout;
  }

  get entries(): Kernel['entries'] {
    return this.#opened.entries;
  }

  get net(): Kernel['net'] {
    return this.#opened.net;
  }

  get counts(): Kernel['counts'] {
    return this.#opened.counts;
  }

  get words(): Kernel['words'] {
    return this.#opened.words;
  }

  get clock(): Kernel['clock'] {
    return this.#opened.clock;
  }

  /** Takes the maps that are pinned now, in place of those it had. Errors: as the constructor's; it has what it had then. */
  reopen(): void {
    const before = this.#opened;
    this.#openings += 1;
    this.#opened = open(this.#native, this.#pinRoot, this.#nowMs(), this.#openings);
    close(this.#native, before);
  }

  /** Looks whether other maps take the place of those that are open, also such as this agent does not speak. */
  follow(): Followed | 'other layout' {
    const { place } = this.#opened;
    if (place.arrives()) return 'arrived';
    const coming = comingLayout(this.#native, this.#pinRoot, this.#nowMs());
    if (place.isComing) return coming === undefined ? 'other' : 'same';
    if (coming === LIMITS.SHUNT_LAYOUT) return 'other';
    const isNew = coming !== undefined && coming !== this.#otherLayout;
    this.#otherLayout = coming;
    return isNew ? 'other layout' : 'same';
  }

  /** Notes in the maps that this process keeps them. Errors: KernelError. */
  sign(): void {
    writeHolder(this.#native, this.#opened.maps.control, ownHolder());
  }

  [Symbol.dispose](): void {
    close(this.#native, this.#opened);
  }
}

function open(native: Native, pinRoot: string, nowMs: number, opening: number): Opened {
  const folder = folderToFill(native, pinRoot, nowMs);
  const paths = pinPaths(pinRoot, folder);
  const maps = openMaps(native, paths, 'agent');
  let tables: Tables = {};
  try {
    const about = readAbout(native, maps);
    requireOwn(native, maps, about, paths);
    const place = new Place(native, pinRoot, folder, about.instance);
    const words = new Control(native, maps.control, maps.shapes, about.instance);
    tables = openTables(native, maps, words);
    const protect = new ProtectedList(native, maps.protect);
    return {
      maps,
      tables,
      place,
      instance: about.instance,
      words,
      entries: new KernelEntries(native, maps, tables, words, protect, about.slots),
      net: new KernelNet(native, maps, place),
      counts: new KernelCounts(native, maps, about, opening, place),
      clock: new ClockProgram(native, place, about.hz),
    };
  } catch (error) {
    close(native, { maps, tables });
    throw error;
  }
}

function close(native: Native, { maps, tables, clock }: Pick<Opened, 'maps' | 'tables'> & Partial<Opened>): void {
  clock?.[Symbol.dispose]();
  for (const table of Object.values(tables)) table[Symbol.dispose]();
  for (const map of Object.values(maps)) native.close(map);
}
