import { existsSync, readdirSync } from 'node:fs';
import type { LinkInfo, Native } from '../../native/index.ts';
import { LIMITS } from '../kernel/abi.ts';
import { encodeAbout } from '../kernel/about.ts';
import { u32 } from '../kernel/bytes.ts';
import { EntryMaps } from '../kernel/entry-maps.ts';
import { requireDone, requireValue } from '../kernel/errno.ts';
import { type OpenMaps, readAbout } from '../kernel/open-maps.ts';
import type { PinPaths } from '../kernel/pins.ts';
import { AttachError } from './attach-error.ts';

/**
 * Gives an interface a zone of its own, if it has none: `former` if that is free, or else one in which no entry stands, since
 * those are of another interface, until the agent has removed them.
 */
export function addZone(native: Native, maps: OpenMaps, ifindex: number, former: number | undefined): void {
  const { zones } = readAbout(native, maps);
  if (zones.includes(ifindex, 1)) return;
  const free = [...zones.keys()].filter((zone) => zone !== 0 && zones[zone] === 0);
  const zone = free.find((it) => it === former) ?? emptyZone(native, maps, free) ?? free[0];
  if (zone === undefined)
    throw new AttachError(`${LIMITS.ZONES_MAX - 1} interfaces are attached already; detach one first`);
  writeZones(native, maps, zones.with(zone, ifindex));
}

function emptyZone(native: Native, maps: OpenMaps, free: readonly number[]): number | undefined {
  const entries = new EntryMaps(native, { 4: maps.redirect4, 6: maps.redirect6 }).observe();
  const used = new Set(Iterator.from(entries).map(([, { key }]) => key.zone));
  return free.find((zone) => !used.has(zone));
}

/** Takes back the zones of interfaces that no pinned link holds: detached, gone, or never attached. Answers which. */
export function dropZones(native: Native, paths: PinPaths, maps: OpenMaps): readonly number[] {
  const held = heldIfindexes(native, paths);
  const { zones } = readAbout(native, maps);
  writeZones(
    native,
    maps,
    zones.map((ifindex) => (held.has(ifindex) ? ifindex : 0)),
  );
  return [...zones.keys()].filter((zone) => zones[zone] !== 0 && !held.has(zones[zone] ?? 0));
}

/** The program reads each word whole. */
function writeZones(native: Native, maps: OpenMaps, zones: readonly number[]): void {
  const bytes = encodeAbout({ ...readAbout(native, maps), zones });
  requireDone(native.mapUpdateElem(maps.about, u32(0), bytes, 0), 'map update', 'about');
}

/** The devices that pinned links hold. */
export function heldIfindexes(native: Native, paths: PinPaths): ReadonlySet<number> {
  return new Set(pinnedInterfaces(paths).map((name) => linkIfindex(native, paths.link(name))));
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
