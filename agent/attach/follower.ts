import { renameSync, rmSync, statSync } from 'node:fs';
import type { Native, NetLink, ProgramHandle } from '../../native/index.ts';
import { u32 } from '../kernel/bytes.ts';
import { requireDone, requireValue } from '../kernel/errno.ts';
import { observeLinks } from '../kernel/netdevs.ts';
import { findAbout, type OpenMaps, openMaps, readAbout, requireOwn } from '../kernel/open-maps.ts';
import { type PinPaths, pinPaths } from '../kernel/pins.ts';
import { decodeShapes, listAt } from '../kernel/shapes.ts';
import { AttachError } from './attach-error.ts';
import { type Asked, type AttachedInterface, Loader, planInterface } from './loader.ts';
import { LoaderLock } from './loader-lock.ts';
import type { Interfaces, Steps } from './steps.ts';
import { TagMemory } from './tag-memory.ts';
import { ZoneNames } from './zone-names.ts';
import { addZone, dropZones, heldIfindexes, pinnedLinks, usedZones } from './zones.ts';

/** Carries out on pins that stand what `stepsTo` says. The program is the one that is pinned: nothing is loaded. */
export class Follower implements Disposable {
  readonly #native: Native;
  readonly #pinRoot: string;
  readonly #paths: PinPaths;
  readonly #asked: Asked;
  readonly #maps: OpenMaps;
  readonly #program: ProgramHandle;
  readonly #memory: TagMemory;
  readonly #instance: string;
  readonly #held = new DisposableStack();

  /** Errors: KernelError, also where the pins are of another network namespace. */
  constructor(native: Native, pinRoot: string, asked: Asked) {
    using held = new DisposableStack();
    this.#native = native;
    this.#pinRoot = pinRoot;
    this.#paths = pinPaths(pinRoot);
    this.#asked = asked;
    this.#maps = openMaps(native, this.#paths, 'loader');
    for (const map of Object.values(this.#maps)) held.defer(() => native.close(map));
    this.#program = requireValue(native.programOpen(this.#paths.program), 'open program', this.#paths.program);
    held.defer(() => native.close(this.#program));
    const about = readAbout(native, this.#maps);
    requireOwn(native, this.#maps, about, this.#paths);
    this.#instance = about.instance;
    this.#memory = held.use(TagMemory.require(native, this.#paths, statSync(this.#paths.map('control')).gid));
    this.#held.use(held.move());
  }

  [Symbol.dispose](): void {
    this.#held.dispose();
  }

  /** Errors: AttachError where the pins are gone or others now; KernelError. */
  look(): Interfaces {
    const about = findAbout(this.#native, this.#paths);
    if (typeof about === 'number' || about.instance !== this.#instance)
      throw new PinsGone(`the pins at ${this.#paths.layout} are gone, or others now; run shunt attach --watch again`);
    return {
      links: observeLinks(this.#native),
      pins: pinnedLinks(this.#native, this.#paths),
      zones: about.zones,
    };
  }

  /** Takes the program off a device that is in another network namespace; the pin stays, as that of a device that is gone. */
  letGo(name: string): void {
    using _lock = this.#lock();
    const pin = this.#paths.link(name);
    const link = requireValue(this.#native.linkOpen(pin), 'open link', pin);
    const rc = this.#native.linkDetach(link);
    this.#native.close(link);
    requireDone(rc, 'detach', pin);
  }

  /** The pins first, then whose the zones are. */
  rename(renamings: Steps['rename'], links: readonly NetLink[]): void {
    if (renamings.length === 0) return;
    using _lock = this.#lock();
    for (const { from, to } of renamings) {
      rmSync(this.#paths.link(to), { force: true }); // of a device that is gone
      renameSync(this.#paths.link(from), this.#paths.link(to));
    }
    for (const { to } of renamings) {
      const link = links.find(({ name }) => name === to);
      if (link !== undefined) addZone(this.#native, this.#paths, this.#maps, link);
    }
  }

  /** Frees what those have that are gone, but where a redirect names one in `in`: it is to find its zone. Answers who went. */
  forget(names: readonly string[], links: readonly NetLink[]): readonly string[] {
    if (names.length === 0) return [];
    const used = this.#usedNames();
    const unused = names.filter((name) => !used.includes(name));
    if (unused.length === 0) return [];
    using _lock = this.#lock();
    for (const name of unused) rmSync(this.#paths.link(name), { force: true });
    dropZones(this.#native, this.#paths, this.#maps);
    this.#memory.restore(heldIfindexes(this.#native, this.#paths), links);
    return unused;
  }

  /** Answers undefined where the interface is gone by now. Errors: AttachError, KernelError; nothing of it is left. */
  attach(name: string): AttachedInterface | undefined {
    const links = observeLinks(this.#native);
    const link = links.find((it) => it.name === name);
    if (link === undefined) return undefined;
    const parts = { maps: this.#maps, program: this.#program, memory: this.#memory };
    using _lock = this.#lock();
    try {
      const planned = planInterface(this.#native, this.#paths, links, link, this.#asked);
      return new Loader(this.#native, this.#paths, parts, links).attach(planned);
    } catch (error) {
      const isThere = observeLinks(this.#native).some((it) => it.name === name && it.ifindex === link.ifindex);
      if (isThere) throw error;
      return undefined;
    }
  }

  #lock(): LoaderLock {
    return new LoaderLock(this.#native, this.#pinRoot);
  }

  /** Whose zones have entries. Without a shape of redirects with `in` there are none: that is quickly seen. */
  #usedNames(): readonly (string | undefined)[] {
    if (!this.#hasIngress(4) && !this.#hasIngress(6)) return [];
    using names = ZoneNames.find(this.#native, this.#paths);
    const known = names?.of(readAbout(this.#native, this.#maps).zones) ?? [];
    return [...usedZones(this.#native, this.#maps)].map((zone) => known[zone]);
  }

  /** In either of the two lists, the live one among them. */
  #hasIngress(family: 4 | 6): boolean {
    const bytes = requireValue(this.#native.mapLookupElem(this.#maps.shapes, u32(0), 0), 'map lookup', 'shapes');
    return ([0, 1] as const).some((which) => {
      const { offset, length } = listAt(family, which);
      return decodeShapes(family, bytes.subarray(offset, offset + length)).some((shape) => shape.in);
    });
  }
}

/** Somebody took the pins away under the one that follows them. */
export class PinsGone extends AttachError {}
