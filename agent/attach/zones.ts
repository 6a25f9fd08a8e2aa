import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import type { LinkInfo, Native, NetLink } from '../../native/index.ts';
import { LIMITS } from '../kernel/abi.ts';
import { encodeAbout } from '../kernel/about.ts';
import { u32 } from '../kernel/bytes.ts';
import { EntryMaps } from '../kernel/entry-maps.ts';
import { requireDone, requireValue } from '../kernel/errno.ts';
import { type OpenMaps, readAbout } from '../kernel/open-maps.ts';
import type { PinPaths } from '../kernel/pins.ts';
import { AttachError } from './attach-error.ts';
import { ZoneNames } from './zone-names.ts';

/**
 * Gives an interface a zone: the one that a device of its name had which is gone; else that which it has; else `former` if
 * that is free, or one in which no entry stands, since those are of another interface, until the agent has removed them.
 * Answers whether it is another than before. Errors: AttachError, KernelError.
 */
export function addZone(
  native: Native,
  paths: PinPaths,
  maps: OpenMaps,
  { ifindex, name }: Pick<NetLink, 'ifindex' | 'name'>,
  former?: number,
): boolean {
  using names = ZoneNames.require(native, paths, statSync(paths.map('control')).gid);
  const { zones } = readAbout(native, maps);
  const known = learn(native, paths, names, zones);
  const had = zones.indexOf(ifindex, 1);
  const kept = known.findIndex((it, zone) => it === name && zone !== had);
  if (kept === -1 && had !== -1) return false;
  const zone = kept === -1 ? freeZone(native, paths, maps, { zones, known, former }) : kept;
  writeZones(native, maps, zones.map((it) => (it === ifindex ? 0 : it)).with(zone, ifindex));
  names.note(zone, ifindex, name);
  return true;
}

/**
 * The names of the zones. What holds a device that is there is noted first: it may be renamed, or attached by a loader that
 * knew no names.
 */
function learn(
  native: Native,
  paths: PinPaths,
  names: ZoneNames,
  zones: readonly number[],
): readonly (string | undefined)[] {
  const known = names.of(zones);
  for (const { name, ifindex } of pinnedLinks(native, paths)) {
    const zone = ifindex === 0 ? -1 : zones.indexOf(ifindex, 1);
    if (zone !== -1 && known[zone] !== name) names.note(zone, ifindex, name);
  }
  return names.of(zones);
}

interface Given {
  readonly zones: readonly number[];
  readonly known: readonly (string | undefined)[];
  readonly former: number | undefined;
}

/** Where all are given out, that of an interface which is gone and which no redirect names. */
function freeZone(native: Native, paths: PinPaths, maps: OpenMaps, { zones, known, former }: Given): number {
  const all = [...zones.keys()].slice(1);
  const free = all.filter((zone) => zones[zone] === 0);
  if (former !== undefined && free.includes(former)) return former;
  const used = usedZones(native, maps);
  const held = heldIfindexes(native, paths);
  const spare = all.filter((zone) => !held.has(zones[zone] ?? 0) && !used.has(zone));
  const zone = spare.find((it) => free.includes(it)) ?? free[0] ?? spare[0];
  if (zone === undefined) throw allTaken(zones, known, held);
  const name = known[zone];
  if (name !== undefined) rmSync(paths.link(name), { force: true });
  return zone;
}

function allTaken(zones: readonly number[], known: Given['known'], held: ReadonlySet<number>): AttachError {
  const whose = zones.slice(1).map((ifindex, at) => {
    const name = known[at + 1] ?? `interface ${ifindex}`;
    return held.has(ifindex) ? name : `${name} (gone, but redirects name it in \`in\`)`;
  });
  return new AttachError(
    `${LIMITS.ZONES_MAX - 1} interfaces are attached already, and there is room for no more: ${whose.join(', ')}; ` +
      'detach one first: shunt detach --interface IF',
  );
}

/** The zones in which entries stand. Errors: KernelError. */
export function usedZones(native: Native, maps: OpenMaps): ReadonlySet<number> {
  return new EntryMaps(native, { 4: maps.redirect4, 6: maps.redirect6 }).zones();
}

/**
 * Takes back the zones of interfaces that were detached or never attached. One that is gone, and whose link is pinned, keeps
 * the zone that is known to be its. Answers which were taken back.
 */
export function dropZones(native: Native, paths: PinPaths, maps: OpenMaps): readonly number[] {
  const held = heldIfindexes(native, paths);
  const { zones } = readAbout(native, maps);
  using names = ZoneNames.find(native, paths);
  const known = names?.of(zones) ?? [];
  const isKept = (ifindex: number, zone: number): boolean => {
    const name = known[zone];
    return held.has(ifindex) || (name !== undefined && existsSync(paths.link(name)));
  };
  const left = zones.map((ifindex, zone) => (isKept(ifindex, zone) ? ifindex : 0));
  writeZones(native, maps, left);
  return [...zones.keys()].filter((zone) => zones[zone] !== left[zone]);
}

/** The program reads each word whole. */
function writeZones(native: Native, maps: OpenMaps, zones: readonly number[]): void {
  const bytes = encodeAbout({ ...readAbout(native, maps), zones });
  requireDone(native.mapUpdateElem(maps.about, u32(0), bytes, 0), 'map update', 'about');
}

/** The devices that pinned links hold. */
export function heldIfindexes(native: Native, paths: PinPaths): ReadonlySet<number> {
  return new Set(pinnedLinks(native, paths).flatMap(({ ifindex }) => (ifindex === 0 ? [] : [ifindex])));
}

/** The pinned links: the name that each is pinned for, and the device that it holds, 0 once it is gone. Errors: KernelError. */
export function pinnedLinks(
  native: Native,
  paths: PinPaths,
): readonly { readonly name: string; readonly ifindex: number }[] {
  return pinnedInterfaces(paths).map((name) => ({ name, ifindex: linkIfindex(native, paths.link(name)) }));
}

/** What runs on the devices of pinned links. */
export function linkedPrograms(native: Native, paths: PinPaths): readonly number[] {
  return pinnedInterfaces(paths).map((name) => linkInfoOf(native, paths.link(name)).programId);
}

/** The device that a pinned link holds; 0 once it is gone. */
export function linkIfindex(native: Native, pin: string): number {
  return linkInfoOf(native, pin).ifindex;
}

function linkInfoOf(native: Native, pin: string): LinkInfo {
  const link = requireValue(native.linkOpen(pin), 'open link', pin);
  const info = requireValue(native.linkInfo(link), 'link info', pin);
  native.close(link);
  return info;
}

/** The interfaces that a link is pinned for, there or not. */
export function pinnedInterfaces(paths: PinPaths): string[] {
  if (!existsSync(paths.rootOnly)) return [];
  return readdirSync(paths.rootOnly).flatMap((pin) => paths.ifnameOf(pin) ?? []);
}
