import { existsSync, statSync } from 'node:fs';
import type { MapHandle, Native } from '../../native/index.ts';
import { KernelError, PinsLostError } from '../model/kernel-error.ts';
import { LIMITS, STRUCTS } from './abi.ts';
import { type About, decodeAbout } from './about.ts';
import { pinAdvice } from './advice.ts';
import { u32 } from './bytes.ts';
import { errnoName, isErrno, requireValue } from './errno.ts';
import { MAPS, type MapName, type PinPaths } from './pins.ts';
import { rowBitsOf } from './table-size.ts';

/** Why a pin cannot be opened whose modes keep us out. */
const NOT_OWNER = 'this user may not open it: give it to the agent with `shunt attach --owner USER`';

export type OpenMaps = Readonly<Record<MapName, MapHandle>>;

/** Bytes of a key and of a value. */
export const MAP_SIZES = {
  redirect4: [STRUCTS.key4.size, STRUCTS.value.size],
  redirect6: [STRUCTS.key6.size, STRUCTS.value.size],
  stats: [4, STRUCTS.stat.size],
  ports: [4, 4],
  shapes: [4, STRUCTS.shapes.size],
  control: [4, STRUCTS.control.size],
  losses: [STRUCTS.loss.size, 8],
  passed: [4, 8],
  protect: [4, STRUCTS.protects.size],
  rows4: [4, STRUCTS.row4.size],
  rows6: [4, STRUCTS.row6.size],
  filter4: [4, 8],
  filter6: [4, 8],
  about: [4, STRUCTS.about.size],
} as const satisfies Partial<Record<MapName, readonly [key: number, value: number]>>;

/** The inode of the network namespace that this process is in. */
export function ownNetns(): bigint {
  return statSync('/proc/self/ns/net', { bigint: true }).ino;
}

/**
 * Opens the pinned maps by their file modes; needs no capability. `as` the loader, `about` can be written too.
 * Errors: KernelError that says what to do.
 */
export function openMaps(native: Native, paths: PinPaths, as: 'agent' | 'loader'): OpenMaps {
  if (!existsSync(paths.layout)) {
    throw new KernelError(
      'open pins',
      paths.layout,
      'ENOENT',
      'run `shunt attach --interface IF --owner USER` as root first',
    );
  }
  const opened: Partial<Record<MapName, MapHandle>> = {};
  try {
    for (const name of MAPS) opened[name] = openMap(native, paths, name, name === 'about' && as === 'agent');
  } catch (error) {
    for (const map of Object.values(opened)) native.close(map);
    throw error;
  }
  return opened as OpenMaps;
}

function openMap(native: Native, paths: PinPaths, name: MapName, readOnly: boolean): MapHandle {
  const path = paths.map(name);
  const map = native.mapOpen(path, readOnly);
  if (typeof map === 'number') {
    throw new KernelError('open map', path, errnoName(map), pinAdvice(map, NOT_OWNER));
  }
  const info = requireValue(native.mapInfo(map), 'map info', path);
  const want: readonly [number, number] | undefined = name === 'verdicts' ? undefined : MAP_SIZES[name];
  if (want !== undefined && (info.keySize !== want[0] || info.valueSize !== want[1])) {
    native.close(map);
    const found = `keys of ${info.keySize} and values of ${info.valueSize} bytes, not ${want[0]} and ${want[1]}`;
    throw new KernelError('open map', path, 'EINVAL', `it has ${found}: these are pins of another layout`);
  }
  return map;
}

/** The loader's words, where nothing else is open; or a negative errno. */
export function findAbout(native: Native, paths: PinPaths): About | number {
  const map = native.mapOpen(paths.map('about'), true);
  if (typeof map === 'number') return map;
  const bytes = native.mapLookupElem(map, u32(0), 0);
  native.close(map);
  return typeof bytes === 'number' ? bytes : decodeAbout(bytes);
}

/** Reads the loader's words. */
export function readAbout(native: Native, maps: OpenMaps): About {
  return decodeAbout(requireValue(native.mapLookupElem(maps.about, u32(0), 0), 'map lookup', 'about'));
}

/** The size of the table in front of the redirect maps; 0: there is none. */
export function readRowBits(native: Native, { rows4 }: Pick<OpenMaps, 'rows4'>): number {
  return rowBitsOf(requireValue(native.mapInfo(rows4), 'map info', 'rows4').maxEntries);
}

/** The same, where nothing else is open; undefined where there is no such map. */
export function findRowBits(native: Native, paths: PinPaths): number | undefined {
  const rows4 = native.mapOpen(paths.map('rows4'), true);
  if (typeof rows4 === 'number') return undefined;
  const rowBits = readRowBits(native, { rows4 });
  native.close(rows4);
  return rowBits;
}

/** Refuses maps of another layout, of another network namespace, or that are not the ones the loader made. */
export function requireOwn(native: Native, maps: OpenMaps, about: About, paths: PinPaths): void {
  const refuse = (why: string): never => {
    throw new KernelError('check pins', paths.layout, 'EINVAL', why);
  };
  if (about.layout !== LIMITS.SHUNT_LAYOUT) refuse(`layout ${about.layout}, this agent speaks ${LIMITS.SHUNT_LAYOUT}`);
  if (about.netns !== ownNetns()) {
    refuse('they belong to another network namespace; start the agent in the one that `shunt attach` ran in');
  }
  for (const [name, id] of Object.entries(about.maps)) {
    const info = requireValue(native.mapInfo(maps[name as MapName]), 'map info', paths.map(name as MapName));
    if (info.id !== id) refuse(`map ${name} was replaced (id ${info.id}, made as ${id}): the program does not read it`);
  }
}

function whyLost(rc: number): string {
  return isErrno(rc, 'ENOENT') ? 'pins are gone' : pinAdvice(rc, NOT_OWNER);
}

/**
 * Refuses to go on with maps whose pins are gone or are others now: no packet would meet what is written into these, or
 * no agent after this one would find it. Errors: PinsLostError.
 */
export function requireSamePins(native: Native, maps: OpenMaps, paths: PinPaths): void {
  for (const [name, own] of Object.entries(maps) as [keyof OpenMaps, MapHandle][]) {
    const pin = paths.map(name);
    const pinned = native.mapOpen(pin, true);
    if (typeof pinned === 'number') throw new PinsLostError('check pins', pin, errnoName(pinned), whyLost(pinned));
    const [now, opened] = [native.mapInfo(pinned), native.mapInfo(own)];
    native.close(pinned);
    if (typeof now === 'number') throw new PinsLostError('check pins', pin, errnoName(now), whyLost(now));
    if (typeof opened === 'number') throw new PinsLostError('check pins', pin, errnoName(opened), whyLost(opened));
    if (now.id !== opened.id) throw new PinsLostError('check pins', pin, 'ESTALE', 'another map is pinned there now');
  }
}
