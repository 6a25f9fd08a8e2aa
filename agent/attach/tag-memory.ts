import type { MapHandle, Native, NetLink } from '../../native/index.ts';
import { u32, viewOf } from '../kernel/bytes.ts';
import { LITTLE_ENDIAN } from '../kernel/check.ts';
import { errnoName, requireDone } from '../kernel/errno.ts';
import { requireLoaderMap } from '../kernel/loader-map.ts';
import type { PinPaths } from '../kernel/pins.ts';
import { RX_TAG_OFFLOADS, type TagOffload } from '../kernel/vlan-tags.ts';

/** BPF_MAP_TYPE_HASH; an entry an interface, and a member of a bond. */
const MAKING = { type: 1, name: 'shunt_tags', keySize: 4, valueSize: 8, maxEntries: 256 };
const ACCEPTED = 1 << RX_TAG_OFFLOADS.length;

/** What `attach` did to a device for the sake of an interface, or was told to accept there. */
export interface TagRow {
  readonly ifindex: number;
  /** Ifindex of the interface that has the program: the device itself, or the bond that it is a member of. */
  readonly of: number;
  /** Offloads that were on before. */
  readonly wereOn: readonly string[];
  readonly accepted: boolean;
}

/** An offload that could not be put back. */
export interface NotRestored {
  readonly device: string;
  readonly name: string;
  readonly why: string;
}

/**
 * What the loader has to remember of VLAN offloads, in a map that no program reads, pinned beside the others and gone with
 * them. It may be absent: pins of older releases have none. Keyed by ifindex; a value is the interface, and then bits:
 * one for each of RX_TAG_OFFLOADS that was on, and one for what was accepted.
 */
export class TagMemory implements Disposable {
  readonly #native: Native;
  readonly #map: MapHandle;

  private constructor(native: Native, map: MapHandle) {
    this.#native = native;
    this.#map = map;
  }

  /** Opens it to read; undefined where there is none, or none for this user. */
  static find(native: Native, paths: PinPaths): TagMemory | undefined {
    const map = native.mapOpen(paths.tags, true);
    return typeof map === 'number' ? undefined : new TagMemory(native, map);
  }

  /** Opens it, and makes it where it is not; the group of the maps may read it. Errors: KernelError. */
  static require(native: Native, paths: PinPaths, gid: number): TagMemory {
    return new TagMemory(native, requireLoaderMap(native, paths.tags, gid, MAKING));
  }

  rows(): readonly TagRow[] {
    const { count, keys, values } = this.#native.mapDump(this.#map, 0);
    const [key, value] = [viewOf(keys), viewOf(values)];
    return Array.from({ length: count }, (_, at) => {
      const bits = value.getUint32(at * 8 + 4, LITTLE_ENDIAN);
      return {
        ifindex: key.getUint32(at * 4, LITTLE_ENDIAN),
        of: value.getUint32(at * 8, LITTLE_ENDIAN),
        wereOn: RX_TAG_OFFLOADS.filter((_name, bit) => (bits & (1 << bit)) !== 0),
        accepted: (bits & ACCEPTED) !== 0,
      };
    });
  }

  /** Whether hidden tags were accepted at an interface. */
  accepts(ifindex: number): boolean {
    return this.rows().some((row) => row.of === ifindex && row.accepted);
  }

  /** Notes that hidden tags are accepted at an interface. Errors: KernelError. */
  accept(ifindex: number): void {
    this.#add({ ifindex, of: ifindex, wereOn: [], accepted: true });
  }

  /**
   * Switches an offload off, having noted that it was on. Answers whether it is off: the driver has the last word.
   * Errors: KernelError.
   */
  switchOff({ ifindex, name, device }: TagOffload, of: number): boolean {
    this.#add({ ifindex, of, wereOn: [name], accepted: false });
    requireDone(this.#native.netSetOffload(ifindex, name, false), `switch ${name} off`, device);
    return !this.#native.netOffloads(ifindex, null).active.includes(name);
  }

  /**
   * Puts back what was changed for interfaces that are not held any more, and forgets it; answers what could not be.
   * `links` are the devices of the network namespace that it was changed in; undefined where that is another one, in which
   * a number means another device.
   */
  restore(held: ReadonlySet<number>, links: readonly NetLink[] | undefined): readonly NotRestored[] {
    const left = this.rows().filter(({ of }) => !held.has(of));
    const failed = left.flatMap((row) => (links === undefined ? outOfReach(row) : this.#putBack(row, links)));
    for (const { ifindex } of left) this.#native.mapDeleteElem(this.#map, u32(ifindex));
    return failed;
  }

  /** A device that is not here any more took its offloads along. */
  #putBack({ ifindex, wereOn }: TagRow, links: readonly NetLink[]): readonly NotRestored[] {
    const device = links.find((link) => link.ifindex === ifindex)?.name;
    if (device === undefined) return [];
    return wereOn.flatMap((name) => {
      const rc = this.#native.netSetOffload(ifindex, name, true);
      if (rc < 0) return [{ device, name, why: errnoName(rc) }];
      const on = this.#native.netOffloads(ifindex, null).active.includes(name);
      return on ? [] : [{ device, name, why: 'its driver leaves it off' }];
    });
  }

  /** What was on before stays noted, whatever it was in between. */
  #add(row: TagRow): void {
    const before = this.rows().find(({ ifindex }) => ifindex === row.ifindex);
    const wereOn = RX_TAG_OFFLOADS.map((name) => row.wereOn.includes(name) || (before?.wereOn.includes(name) ?? false));
    const bits = wereOn.reduce((sum, on, bit) => sum | (on ? 1 << bit : 0), 0);
    const accepted = row.accepted || (before?.accepted ?? false) ? ACCEPTED : 0;
    const value = Uint8Array.from([...u32(row.of), ...u32(bits | accepted)]);
    requireDone(this.#native.mapUpdateElem(this.#map, u32(row.ifindex), value, 0), 'map update', 'tags');
  }

  [Symbol.dispose](): void {
    this.#native.close(this.#map);
  }
}

function outOfReach({ ifindex, wereOn }: TagRow): readonly NotRestored[] {
  const device = `interface ${ifindex} of another network namespace`;
  return wereOn.map((name) => ({ device, name, why: 'out of reach from here' }));
}
