import type { MapHandle, Native } from '../../native/index.ts';
import { parseAddress } from '../../protocol/address.ts';
import type { Network, NextHop, NextHopQuery } from '../model/network.ts';
import type { Net } from '../ports.ts';
import type { About } from './about.ts';
import { addressesByName } from './addresses.ts';
import { findBuild, programsOf } from './build.ts';
import { LITTLE_ENDIAN } from './check.ts';
import { isErrno, requireValue } from './errno.ts';
import { notEthernet, observeLinks, observeNetdevs } from './netdevs.ts';
import { NextHops } from './next-hops.ts';
import { type OpenMaps, readAbout } from './open-maps.ts';
import type { Place } from './place.ts';
import { SamePins } from './same-pins.ts';

/** The network by rtnetlink and generic netlink, and what the loader and the devmap say of its devices. Errors: KernelError. */
export class KernelNet implements Net {
  readonly #native: Native;
  readonly #maps: OpenMaps;
  readonly #place: Place;
  readonly #portsMax: number;
  readonly #samePins: SamePins;
  #nextHops: NextHops;

  constructor(native: Native, maps: OpenMaps, place: Place) {
    this.#native = native;
    this.#maps = maps;
    this.#place = place;
    this.#portsMax = requireValue(native.mapInfo(maps.ports), 'map info', 'ports').maxEntries;
    this.#samePins = new SamePins(native, maps);
    this.#nextHops = new NextHops(native, []);
  }

  network(): Network {
    const build = this.#place.at((paths) => {
      this.#samePins.require(paths);
      return findBuild(this.#native, paths);
    });
    const about = readAbout(this.#native, this.#maps);
    const zones = zonesOf(about);
    const links = observeLinks(this.#native);
    const ingress = { zones, programs: programsOf(about, build) };
    const netdevs = observeNetdevs(this.#native, ingress, links, addressesByName());
    this.#nextHops = new NextHops(this.#native, netdevs);
    const ports = readPorts(this.#native, this.#maps.ports, this.#portsMax);
    const program = build && { version: build.version, tag: build.tag };
    return {
      ...{ netdevs, notEthernet: notEthernet(links), zones, ports, coming: this.#place.isComing },
      ...(program !== undefined && { program }),
    };
  }

  resolve(queries: readonly NextHopQuery[]): NextHop[] {
    return queries.map((query) => this.#nextHops.resolve(query));
  }

  /** Best effort: an address that cannot be reached now shows in the neighbour table, not here. */
  probe(ifindex: number, address: string): void {
    const parsed = parseAddress(address);
    if (parsed !== undefined) this.#native.netProbe(ifindex, parsed.bytes);
  }

  watch(onChange: () => void): Disposable {
    const subscription = requireValue(this.#native.netSubscribe(onChange), 'subscribe', 'rtnetlink');
    return { [Symbol.dispose]: () => this.#native.close(subscription) };
  }
}

function zonesOf(about: About): Map<number, number> {
  const zones = about.zones.map((ifindex, zone): [number, number] => [ifindex, zone]);
  return new Map(zones.filter(([ifindex]) => ifindex !== 0));
}

/**
 * Where each key of the devmap leads. A walk starts anew when somebody deletes the key that it stands on (kernel-facts:
 * walk-delete), so it ends when it meets a key again, or more than
 * a calm map holds; what it missed is seen at the next look.
 */
function readPorts(native: Native, map: MapHandle, most: number): Map<number, number> {
  const ports = new Map<number, number>();
  const met = new Set<number>();
  let key = found(native.mapNextKey(map, null));
  while (key !== undefined && !met.has(wordOf(key)) && met.size < 2 * most) {
    met.add(wordOf(key));
    const value = found(native.mapLookupElem(map, key, 0));
    if (value !== undefined) ports.set(wordOf(key), wordOf(value));
    key = found(native.mapNextKey(map, key));
  }
  return ports;
}

function found(answer: Uint8Array | number): Uint8Array | undefined {
  const absent = typeof answer === 'number' && isErrno(answer, 'ENOENT');
  return absent ? undefined : requireValue(answer, 'map walk', 'ports');
}

function wordOf(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, LITTLE_ENDIAN);
}
