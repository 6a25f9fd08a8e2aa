import { chmodSync, existsSync, readdirSync, statSync, unlinkSync } from 'node:fs';
import type { LinkHandle, Native, NetLink, ProgramHandle } from '../../native/index.ts';
import { LIMITS } from '../kernel/abi.ts';
import { type About, encodeAbout } from '../kernel/about.ts';
import { u32 } from '../kernel/bytes.ts';
import { errnoName, requireDone, requireValue } from '../kernel/errno.ts';
import { type OpenMaps, openMaps, readAbout, requireOwn } from '../kernel/open-maps.ts';
import { type PinPaths, pinPaths } from '../kernel/pins.ts';
import { DEFAULT_SLOTS } from '../model/limits.ts';
import { AttachError } from './attach-error.ts';
import { type Unwatched, watchDelivery } from './delivery.ts';
import { memoryBytes } from './memory.ts';
import { type ChosenMode, chooseMode, type Mode } from './mode.ts';
import { makePins, type Owner } from './object.ts';
import { releasePinRoot, removePins, requirePinRoot } from './pin-root.ts';

export interface AttachOptions {
  readonly interfaces: readonly string[];
  /** Undefined: as the maps are, or root. */
  readonly owner?: Owner;
  readonly mode: Mode;
  readonly pinRoot: string;
  /** Undefined: as the maps are, or the default. */
  readonly maxRedirects?: number;
  /** Takes pins of which nobody can see that they outlive this process. */
  readonly acceptPrivatePins?: boolean;
}

export interface AttachedInterface {
  readonly name: string;
  readonly mode: 'native' | 'generic';
  readonly changed: boolean;
  readonly why: string;
}

export interface AttachReport {
  readonly pinRoot: string;
  readonly interfaces: readonly AttachedInterface[];
  /** Estimated kernel memory of the maps. */
  readonly memoryBytes: number;
  readonly maxRedirects: number;
  /** Who may use the maps. */
  readonly owner: Owner;
  /** Where packets that die after their verdict are not counted. */
  readonly unwatched: readonly Unwatched[];
  /** False when everything was as asked already. */
  readonly changed: boolean;
}

const ROOT: Owner = { uid: 0, gid: 0 };

/** XDP_FLAGS_ of include/uapi/linux/if_link.h. */
const FLAGS = { generic: 2, native: 4 } as const;

/**
 * Makes and pins the maps and the program where they are not yet, and attaches the program to every interface. Done
 * twice it changes nothing. Everything is checked before the first change. Errors: AttachError, KernelError.
 */
export function attach(native: Native, options: AttachOptions): AttachReport {
  requireRoot('attach');
  const links = allLinks(native);
  const wanted = options.interfaces.map((name) => requireLink(links, name));
  const paths = pinPaths(options.pinRoot);
  requireLayout(options.pinRoot);
  const fresh = !existsSync(paths.layout);
  if (fresh) for (const link of wanted) requireFree(link);
  requirePinRoot(native, options.pinRoot, options.acceptPrivatePins ?? false);
  if (fresh) makePins(native, options.pinRoot, options.owner ?? ROOT, options.maxRedirects ?? DEFAULT_SLOTS);
  const maps = openMaps(native, paths, 'loader');
  const about = readAbout(native, maps);
  requireOwn(native, maps, about, paths);
  requireSize(about, options.maxRedirects);
  const owner = requireOwner(paths, options.owner);
  const program = requireValue(native.programOpen(paths.program), 'open program', paths.program);
  const loader = new Loader(native, paths, maps, program, links);
  for (const link of wanted) loader.check(link, about.program);
  const watch = watchDelivery(native, paths, maps);
  const interfaces = wanted.map((link) => loader.attach(link, options.mode));
  for (const handle of [program, ...Object.values(maps)]) native.close(handle);
  return {
    pinRoot: options.pinRoot,
    interfaces,
    memoryBytes: memoryBytes(about.slots, about.cpuRows),
    maxRedirects: about.slots,
    owner,
    unwatched: watch.unwatched,
    changed: fresh || watch.changed || interfaces.some((it) => it.changed),
  };
}

/**
 * Detaches these interfaces, or all; with the last one every pin goes too, also of a set that is not whole. Answers what
 * was detached. Errors: AttachError, KernelError.
 */
export function detach(native: Native, pinRoot: string, interfaces: readonly string[]): readonly string[] {
  requireRoot('detach');
  const paths = pinPaths(pinRoot);
  if (!existsSync(paths.layout)) return [];
  const pinned = pinnedInterfaces(paths);
  const links = allLinks(native);
  for (const name of interfaces) if (!pinned.includes(name)) requireLink(links, name);
  const chosen = interfaces.length === 0 ? pinned : pinned.filter((name) => interfaces.includes(name));
  for (const name of chosen) {
    const link = requireValue(native.linkOpen(paths.link(name)), 'open link', paths.link(name));
    native.linkDetach(link);
    unlinkSync(paths.link(name));
    native.close(link);
  }
  if (chosen.length === pinned.length) {
    removePins(paths.layout);
    releasePinRoot(pinRoot);
  } else {
    const maps = openMaps(native, paths, 'loader');
    dropZones(native, paths, maps);
    for (const map of Object.values(maps)) native.close(map);
  }
  return chosen;
}

/** Attaches one interface at a time to a program whose maps stand. */
class Loader {
  readonly #native: Native;
  readonly #paths: PinPaths;
  readonly #maps: OpenMaps;
  readonly #program: ProgramHandle;
  readonly #links: readonly NetLink[];

  constructor(native: Native, paths: PinPaths, maps: OpenMaps, program: ProgramHandle, links: readonly NetLink[]) {
    this.#native = native;
    this.#paths = paths;
    this.#maps = maps;
    this.#program = program;
    this.#links = links;
  }

  /** Refuses an interface that carries somebody else's program. */
  check(link: NetLink, ours: number): void {
    if (link.xdpMode !== 0 && link.xdpProgramId !== ours) requireFree(link);
  }

  attach(link: NetLink, mode: Mode): AttachedInterface {
    const standing = this.#standing(link);
    if (standing !== undefined) return { name: link.name, ...requireMode(link, standing, mode), changed: false };
    const chosen = chooseMode(this.#native, link, this.#links, mode);
    addZone(this.#native, this.#maps, link.ifindex);
    const handle = this.#create(link, chosen);
    const pin = this.#paths.link(link.name);
    requireDone(this.#native.linkPin(handle, pin), 'pin', pin);
    chmodSync(pin, 0o600);
    this.#native.close(handle);
    return { name: link.name, ...chosen, changed: true };
  }

  /** How our link holds this very device; a pin whose device is gone is removed. */
  #standing(link: NetLink): 'native' | 'generic' | undefined {
    const pin = this.#paths.link(link.name);
    if (!existsSync(pin)) return undefined;
    if (linkIfindex(this.#native, pin) === link.ifindex) return link.xdpMode === 2 ? 'generic' : 'native';
    unlinkSync(pin);
    dropZones(this.#native, this.#paths, this.#maps);
    return undefined;
  }

  #create(link: NetLink, { mode }: ChosenMode): LinkHandle {
    const handle = this.#native.linkCreateXdp(this.#program, link.ifindex, FLAGS[mode]);
    if (typeof handle !== 'number') return handle;
    dropZones(this.#native, this.#paths, this.#maps);
    const errno = errnoName(handle);
    const advice = mode === 'native' ? `; try --mode generic${errno === 'ERANGE' ? ' or a smaller MTU' : ''}` : '';
    throw new AttachError(`attach to ${link.name} in ${mode} mode: ${errno}${advice}`);
  }
}

function requireMode(link: NetLink, standing: 'native' | 'generic', mode: Mode): ChosenMode {
  if (mode === 'auto' || mode === standing) return { mode: standing, why: 'attached already' };
  const how = `run \`shunt detach --interface ${link.name}\` first; packets pass unredirected in between`;
  throw new AttachError(`${link.name} is attached in ${standing} mode and ${mode} was asked for; ${how}`);
}

/** Gives an interface a zone of its own, if it has none. */
function addZone(native: Native, maps: OpenMaps, ifindex: number): void {
  const { zones } = readAbout(native, maps);
  if (zones.includes(ifindex, 1)) return;
  const zone = zones.indexOf(0, 1);
  if (zone < 0) throw new AttachError(`${LIMITS.ZONES_MAX - 1} interfaces are attached already; detach one first`);
  writeZones(native, maps, zones.with(zone, ifindex));
}

/** Takes back the zones of interfaces that no pinned link holds: detached, gone, or never attached. */
function dropZones(native: Native, paths: PinPaths, maps: OpenMaps): void {
  const held = new Set(pinnedInterfaces(paths).map((name) => linkIfindex(native, paths.link(name))));
  const { zones } = readAbout(native, maps);
  writeZones(
    native,
    maps,
    zones.map((ifindex) => (held.has(ifindex) ? ifindex : 0)),
  );
}

/** The program reads each word whole. */
function writeZones(native: Native, maps: OpenMaps, zones: readonly number[]): void {
  const bytes = encodeAbout({ ...readAbout(native, maps), zones });
  requireDone(native.mapUpdateElem(maps.about, u32(0), bytes, 0), 'map update', 'about');
}

/** The device that a pinned link holds; 0 once it is gone. */
function linkIfindex(native: Native, pin: string): number {
  const link = requireValue(native.linkOpen(pin), 'open link', pin);
  const { ifindex } = requireValue(native.linkInfo(link), 'link info', pin);
  native.close(link);
  return ifindex;
}

function pinnedInterfaces(paths: PinPaths): string[] {
  if (!existsSync(paths.rootOnly)) return [];
  return readdirSync(paths.rootOnly).flatMap((pin) => paths.ifnameOf(pin) ?? []);
}

function requireRoot(command: string): void {
  if (process.geteuid?.() === 0) return;
  throw new AttachError(`${command} needs root: it loads a program into the kernel; run it with sudo`);
}

function allLinks(native: Native): readonly NetLink[] {
  const links = native.netLinks();
  requireDone(links.rc, 'rtnetlink dump', 'links');
  return links.items;
}

function requireLink(links: readonly NetLink[], name: string): NetLink {
  const link = links.find((it) => it.name === name);
  if (link !== undefined) return link;
  const there = links.map((it) => it.name).join(', ');
  throw new AttachError(`there is no interface ${name} in this network namespace (there are: ${there})`);
}

function requireFree(link: NetLink): void {
  if (link.xdpMode === 0) return;
  const how = `\`bpftool net show dev ${link.name}\` tells whose it is; Shunt never replaces it`;
  throw new AttachError(`${link.name} carries another XDP program already (id ${link.xdpProgramId}); ${how}`);
}

/** Refuses a pin root that holds another layout: its program may be running. */
function requireLayout(pinRoot: string): void {
  if (!existsSync(pinRoot)) return;
  const other = readdirSync(pinRoot).find((name) => /^v\d+$/.test(name) && name !== `v${LIMITS.SHUNT_LAYOUT}`);
  if (other === undefined) return;
  throw new AttachError(
    `${pinRoot} holds pins of another layout (${other}, this is v${LIMITS.SHUNT_LAYOUT}); nothing was changed`,
  );
}

/** Answers who owns the maps; refuses another owner than they have. */
function requireOwner(paths: PinPaths, wanted: Owner | undefined): Owner {
  const { uid, gid } = statSync(paths.map('control'));
  if (wanted === undefined || (wanted.uid === uid && wanted.gid === gid)) return { uid, gid };
  const how = 'run `shunt detach` and attach again; packets pass unredirected in between';
  throw new AttachError(`the maps belong to ${uid}:${gid} and ${wanted.uid}:${wanted.gid} was asked for; ${how}`);
}

function requireSize(about: About, maxRedirects: number | undefined): void {
  if (maxRedirects === undefined || maxRedirects === about.slots) return;
  const how = 'run `shunt detach` and attach again; packets pass unredirected in between';
  throw new AttachError(`the maps hold ${about.slots} redirects and ${maxRedirects} were asked for; ${how}`);
}
