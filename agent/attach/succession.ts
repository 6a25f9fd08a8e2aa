import { existsSync, statSync, utimesSync } from 'node:fs';
import type { MapHandle, MemoryHandle, Native } from '../../native/index.ts';
import type { ProgramName } from '../../protocol/status.ts';
import { LIMITS, STRUCTS } from '../kernel/abi.ts';
import type { Config } from '../kernel/about.ts';
import { findBuild } from '../kernel/build.ts';
import { LITTLE_ENDIAN } from '../kernel/check.ts';
import { findKeeper } from '../kernel/claim.ts';
import { isErrno, requireDone, requireValue } from '../kernel/errno.ts';
import { findRowBits, type OpenMaps, openMaps, readAbout } from '../kernel/open-maps.ts';
import { COMING, type PinPaths, pinPaths } from '../kernel/pins.ts';
import { TRACEPOINTS } from '../kernel/traffic.ts';
import { AttachError } from './attach-error.ts';
import { type Counting, copySettled, countEntries, findCounting, moveCounts } from './carry.ts';
import { sleep } from './loader-lock.ts';
import { removeLayout, replaceLayout } from './made.ts';
import { makeSet, type Owner, setOwner } from './object.ts';
import { Opened } from './opened.ts';
import { requireHead, requireHere, requireStanding, type Standing } from './standing.ts';
import { type AskedMaps, areAsAsked, planNext, type Told, toldOf } from './table.ts';
import { linkIfindex, pinnedInterfaces } from './zones.ts';

/** How often it is looked whether the maps are filled. */
const LOOK_MS = 20;

/** What took the place of what. */
export interface Replaced {
  readonly from: Told & Partial<ProgramName>;
  readonly to: Told;
  /** Interfaces whose packets meet the new maps. */
  readonly switched: readonly string[];
  /** False where counts began anew, for the layouts count otherwise. */
  readonly counts: boolean;
}

export interface SuccessionOptions extends AskedMaps {
  readonly owner: Owner;
  /** How long an agent has to fill the new maps. */
  readonly waitMs: number;
  /** Told what is waited for. */
  readonly tell: (line: string) => void;
}

/**
 * Puts maps of this build's layout and of another size, or with a table or without, in the place of those that stand: they
 * are made beside them, an agent fills them, every interface is told to run their program, and those before are taken away.
 * Packets go on, and so do counts. Whoever was killed in between left what the next call ends, or takes back. Errors:
 * AttachError, KernelError; what stood stands.
 */
export class Succession implements Disposable {
  readonly #native: Native;
  readonly #pinRoot: string;
  readonly #standing: Standing;
  readonly #options: SuccessionOptions;
  readonly #coming: PinPaths;
  readonly #opened: Opened;

  constructor(native: Native, pinRoot: string, options: SuccessionOptions) {
    this.#native = native;
    this.#pinRoot = pinRoot;
    this.#options = options;
    this.#opened = new Opened(native);
    this.#coming = pinPaths(pinRoot, COMING);
    this.#standing = requireStanding(native, pinRoot);
    requireHere(this.#standing);
  }

  [Symbol.dispose](): void {
    this.#opened[Symbol.dispose]();
  }

  /** Undefined where what stands is what is asked for. */
  run(): Replaced | undefined {
    if (existsSync(this.#coming.layout)) {
      if (this.#isMet()) return this.#finish();
      removeLayout(this.#pinRoot, COMING);
    }
    if (areAsAsked(this.#standing, this.#options)) return undefined;
    const planned = planNext(this.#standing, this.#options);
    this.#requireRoom(planned.slots);
    this.#make(planned);
    try {
      this.#waitUntilFilled();
      return this.#finish();
    } catch (error) {
      if (existsSync(this.#coming.layout) && !this.#isMet()) removeLayout(this.#pinRoot, COMING);
      throw error;
    }
  }

  /** Whether a loader before this one had begun to switch interfaces. */
  #isMet(): boolean {
    const { id } = this.#opened.infoOf(this.#opened.program(this.#coming.program));
    return this.#opened.held(this.#standing.paths).some(({ programId }) => programId === id);
  }

  #requireRoom(slots: number): void {
    const { layout, paths } = this.#standing;
    if (layout !== LIMITS.SHUNT_LAYOUT) return;
    const stand = countEntries(this.#native, this.#maps(paths));
    if (stand <= slots) return;
    throw new AttachError(
      `${stand} redirects stand at ${this.#pinRoot} and room for ${slots} was asked for; delete some first, or ask for more`,
    );
  }

  #make(planned: Config): void {
    const { owner } = this.#options;
    const { paths } = this.#standing;
    const kept = findCounting(this.#native, paths, planned);
    for (const map of Object.values(kept)) this.#opened.keep(map);
    makeSet(this.#native, this.#pinRoot, {
      ...{ ...planned, folder: COMING, owner, zones: this.#zones(), kept },
      beside: [this.#opened.infoOf(this.#opened.program(paths.program)).id],
      fill: (parts) => this.#fill(parts, kept),
    });
  }

  /** An entry's key names a zone, and those of another layout are nobody's to read. */
  #zones(): readonly number[] {
    const { paths, layout } = this.#standing;
    if (layout === LIMITS.SHUNT_LAYOUT) return readAbout(this.#native, this.#maps(paths)).zones;
    const ifindexes = pinnedInterfaces(paths).map((name) => linkIfindex(this.#native, paths.link(name)));
    return [0, ...ifindexes.filter((ifindex) => ifindex !== 0)];
  }

  /** What goes on in the new maps, and the links, so that they outlive the old ones. */
  #fill(parts: PinPaths, kept: Readonly<Record<string, MapHandle>>): void {
    const { paths, layout } = this.#standing;
    for (const name of pinnedInterfaces(paths)) this.#pinLink(paths.link(name), parts.link(name));
    if ('losses' in kept)
      for (const name of TRACEPOINTS)
        if (existsSync(paths.tracepoint(name))) this.#pinLink(paths.tracepoint(name), parts.tracepoint(name));
    for (const own of ['tags', 'zones'] as const) {
      if (!existsSync(paths[own])) continue;
      const map = requireValue(this.#native.mapOpen(paths[own], true), 'open map', paths[own]);
      this.#opened.keep(map);
      requireDone(this.#native.mapPin(map, parts[own]), 'pin', parts[own]);
      const { uid, gid, mode } = statSync(paths[own]);
      setOwner(parts[own], { uid, gid }, mode & 0o777);
    }
    if (layout === LIMITS.SHUNT_LAYOUT) copySettled(this.#native, this.#counting(paths), this.#counting(parts));
  }

  #pinLink(from: string, to: string): void {
    requireDone(this.#native.linkPin(this.#opened.link(from), to), 'pin', to);
  }

  #waitUntilFilled(): void {
    const { waitMs, tell } = this.#options;
    const { paths } = this.#standing;
    const keeper = () => findKeeper(this.#native, paths);
    if (this.#isEmpty() && keeper() === undefined) return;
    const control = requireValue(this.#native.mapOpen(this.#coming.map('control'), false), 'open map', 'control');
    this.#opened.keep(control);
    const memory = requireValue(this.#native.mapMmap(control, false), 'mmap', 'control');
    this.#opened.keep(memory);
    tell(`waiting until an agent of this release has filled the new maps at ${this.#coming.layout}`);
    const endMs = performance.now() + waitMs;
    while (wordOf(this.#native, memory, STRUCTS.control.ready) === 0) {
      if (performance.now() > endMs) throw new AttachError(notFilled(this.#pinRoot, waitMs, keeper()?.pid));
      const now = new Date();
      utimesSync(this.#coming.layout, now, now); // says to agents that somebody is at work on them
      sleep(LOOK_MS);
    }
  }

  /** Nothing stands, so there is nothing to fill in. */
  #isEmpty(): boolean {
    return (['redirect4', 'redirect6'] as const).every((name) => {
      const map = this.#native.mapOpen(this.#standing.paths.map(name), true);
      if (typeof map === 'number') return false;
      const first = this.#native.mapNextKey(map, null);
      this.#native.close(map);
      return typeof first === 'number' && isErrno(first, 'ENOENT');
    });
  }

  /** Every packet from now on meets the new maps; then those before are read for the last time. */
  #finish(): Replaced {
    const { folder, layout, paths } = this.#standing;
    const build = findBuild(this.#native, paths);
    const from = { ...toldOf(this.#standing), ...(build && { version: build.version, tag: build.tag }) };
    const to = requireHead(this.#native, this.#coming);
    const now = toldOf({ ...to, rowBits: findRowBits(this.#native, this.#coming) });
    const switched = this.#switchAll();
    const alike = layout === LIMITS.SHUNT_LAYOUT && to.layout === layout;
    if (alike) moveCounts(this.#native, this.#counting(paths), this.#counting(this.#coming));
    const counts = alike || this.#idOf(paths.map('stats')) === this.#idOf(this.#coming.map('stats'));
    replaceLayout(this.#pinRoot, folder, `v${to.layout}`);
    return { from, to: now, switched, counts };
  }

  /** Answers the interfaces that ran another program. Errors: KernelError; each runs again what it ran. */
  #switchAll(): readonly string[] {
    const target = this.#opened.program(this.#coming.program);
    const stood = this.#opened.program(this.#standing.paths.program);
    const { id } = this.#opened.infoOf(target);
    const stale = this.#opened.held(this.#standing.paths).filter(({ programId }) => programId !== id);
    this.#copyBypass();
    this.#opened.switchAll(stale, target, stood);
    return stale.map(({ name }) => name);
  }

  /** Who passes everything goes on to. */
  #copyBypass(): void {
    const [from, to] = [this.#standing.paths, this.#coming].map((paths) => {
      const control = requireValue(this.#native.mapOpen(paths.map('control'), false), 'open map', paths.map('control'));
      this.#opened.keep(control);
      const memory = requireValue(this.#native.mapMmap(control, true), 'mmap', 'control');
      this.#opened.keep(memory);
      return memory;
    }) as [MemoryHandle, MemoryHandle];
    const bypass = wordOf(this.#native, from, STRUCTS.control.bypass);
    requireDone(this.#native.memoryStoreU32(to, STRUCTS.control.bypass, bypass), 'store', 'control');
  }

  #counting(paths: PinPaths): Counting {
    const maps = this.#maps(paths);
    return { maps, about: readAbout(this.#native, maps) };
  }

  #maps(paths: PinPaths): OpenMaps {
    const maps = openMaps(this.#native, paths, 'loader');
    for (const map of Object.values(maps)) this.#opened.keep(map);
    return maps;
  }

  #idOf(pin: string): number {
    const map = requireValue(this.#native.mapOpen(pin, true), 'open map', pin);
    const { id } = requireValue(this.#native.mapInfo(map), 'map info', pin);
    this.#native.close(map);
    return id;
  }
}

function wordOf(native: Native, memory: MemoryHandle, at: number): number {
  const bytes = requireValue(native.memoryRead(memory, at, 4), 'read', 'control');
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, LITTLE_ENDIAN);
}

function notFilled(pinRoot: string, waitMs: number, pid: number | undefined): string {
  const who =
    pid === undefined
      ? 'no agent keeps them: start one of this release, and attach again'
      : `process ${pid} keeps them: see its log, restart it if it is of an older release, and attach again`;
  return `no agent filled the new maps at ${pinRoot} within ${waitMs / 1000} s, so those that stood go on; ${who}`;
}
