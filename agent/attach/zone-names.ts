import type { MapHandle, Native } from '../../native/index.ts';
import { LIMITS } from '../kernel/abi.ts';
import { u32 } from '../kernel/bytes.ts';
import { LITTLE_ENDIAN } from '../kernel/check.ts';
import { requireDone } from '../kernel/errno.ts';
import { requireLoaderMap } from '../kernel/loader-map.ts';
import type { PinPaths } from '../kernel/pins.ts';

/** IFNAMSIZ of include/uapi/linux/if.h, the zero at the end included. */
const NAME_BYTES = 16;
const ROW = 4 + NAME_BYTES;
/** BPF_MAP_TYPE_ARRAY; a row a zone: the ifindex that it was given for, and the name. */
const MAKING = { type: 2, name: 'shunt_zones', keySize: 4, valueSize: ROW, maxEntries: LIMITS.ZONES_MAX };

/**
 * Whose the zones are, by name: an interface that is made anew has another ifindex and the same redirects. In a map that no
 * program reads, pinned beside the others and gone with them. It may be absent: pins of older releases have none.
 */
export class ZoneNames implements Disposable {
  readonly #native: Native;
  readonly #map: MapHandle;

  private constructor(native: Native, map: MapHandle) {
    this.#native = native;
    this.#map = map;
  }

  /** Opens it to read; undefined where there is none. */
  static find(native: Native, paths: PinPaths): ZoneNames | undefined {
    const map = native.mapOpen(paths.zones, true);
    return typeof map === 'number' ? undefined : new ZoneNames(native, map);
  }

  /** Opens it, and makes it where it is not; the group of the maps may read it. Errors: KernelError. */
  static require(native: Native, paths: PinPaths, gid: number): ZoneNames {
    return new ZoneNames(native, requireLoaderMap(native, paths.zones, gid, MAKING));
  }

  /**
   * The names of these zones (ifindex by zone, as in `about`), undefined where none is known: what a loader that knows no
   * names has given to another device since is not believed.
   */
  of(zones: readonly number[]): readonly (string | undefined)[] {
    return zones.map((ifindex, zone) => {
      const row = ifindex === 0 ? undefined : this.#row(zone);
      return row?.ifindex === ifindex ? row.name : undefined;
    });
  }

  /** Notes whose a zone is. Errors: KernelError. */
  note(zone: number, ifindex: number, name: string): void {
    const bytes = new Uint8Array(ROW);
    bytes.set(u32(ifindex));
    new TextEncoder().encodeInto(name, bytes.subarray(4, ROW - 1));
    requireDone(this.#native.mapUpdateElem(this.#map, u32(zone), bytes, 0), 'map update', 'zones');
  }

  #row(zone: number): { readonly ifindex: number; readonly name: string } | undefined {
    const bytes = this.#native.mapLookupElem(this.#map, u32(zone), 0);
    if (typeof bytes === 'number') return undefined;
    const ifindex = new DataView(bytes.buffer, bytes.byteOffset, ROW).getUint32(0, LITTLE_ENDIAN);
    return { ifindex, name: Buffer.from(bytes.subarray(4)).toString('utf8').replace(/\0.*$/s, '') };
  }

  [Symbol.dispose](): void {
    this.#native.close(this.#map);
  }
}
