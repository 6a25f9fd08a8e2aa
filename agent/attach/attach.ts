import { existsSync, readdirSync, rmSync, statSync, unlinkSync } from 'node:fs';
import type { Native, NetLink } from '../../native/index.ts';
import { shellWord } from '../../protocol/plain.ts';
import { moveBlinds } from '../kernel/blinds.ts';
import { requireValue } from '../kernel/errno.ts';
import { observeLinks } from '../kernel/netdevs.ts';
import { findAbout, type OpenMaps, openMaps, ownNetns, readAbout, requireOwn } from '../kernel/open-maps.ts';
import { COMING, type PinPaths, pinPaths } from '../kernel/pins.ts';
import { DEFAULT_SLOTS } from '../model/limits.ts';
import { allOrNothing } from './all-or-nothing.ts';
import { AttachError } from './attach-error.ts';
import { dropClaimFolder, keepClaimFolder, requireClaimFolder } from './claim-folder.ts';
import { type Unwatched, watchDelivery } from './delivery.ts';
import { endsFirst, keeperElsewhere } from './elsewhere.ts';
import { ownKernel, requireKernel, type Shortfall } from './floor.ts';
import { type Advice, adviceFor } from './large.ts';
import { type AttachedInterface, Loader, type Planned, planInterface } from './loader.ts';
import { LoaderLock } from './loader-lock.ts';
import { clearLeftovers, removeLayout, requireMade, requireOwnWay } from './made.ts';
import { memoryBytes } from './memory.ts';
import type { Mode } from './mode.ts';
import { makePins, type Owner, ROOT } from './object.ts';
import { isMountedByUs, releasePinRoot, requirePinRoot } from './pin-root.ts';
import { endArrival, findStanding, type Replaced, type Standing, Succession } from './succession.ts';
import { type NotRestored, TagMemory } from './tag-memory.ts';
import { freshlyMade, type InForce, isNew, Upgrade } from './upgrade.ts';
import { requireUnwatched } from './watch-lock.ts';
import { dropZones, heldIfindexes, linkedPrograms, pinnedInterfaces } from './zones.ts';

/** A hundred thousand redirects take a quarter of it. */
const FILL_MS = 60_000;

export interface AttachOptions {
  readonly interfaces: readonly string[];
  /** Undefined: as the maps are, or root. */
  readonly owner?: Owner;
  readonly mode: Mode;
  readonly pinRoot: string;
  /** Undefined: as the maps are, or the default. */
  readonly maxRedirects?: number;
  /** Takes interfaces by which VLAN tags come in that the program cannot see. */
  readonly acceptHiddenTags?: boolean;
  /** Takes pins of which nobody can see that they outlive this process. */
  readonly acceptPrivatePins?: boolean;
  /** How long an agent has to fill maps that take the place of others; undefined: a minute. */
  readonly waitMs?: number;
  /** Told what is waited for. */
  readonly tell?: (line: string) => void;
}

export interface AttachReport {
  readonly pinRoot: string;
  readonly interfaces: readonly AttachedInterface[];
  readonly program: InForce;
  /** Maps that took the place of others. */
  readonly replaced: readonly Replaced[];
  /** Estimated kernel memory of the maps. */
  readonly memoryBytes: number;
  readonly maxRedirects: number;
  /** Who may use the maps. */
  readonly owner: Owner;
  /** Where packets that die after their verdict are not counted. */
  readonly unwatched: readonly Unwatched[];
  /** What senders may do that spoils redirects, by the interface that they come in by. */
  readonly advice: readonly (Advice & { readonly interface: string })[];
  /** What a kernel below the floor keeps from working. */
  readonly shortfall?: Shortfall;
  /** False when everything was as asked already. */
  readonly changed: boolean;
}

export interface DetachReport {
  readonly detached: readonly string[];
  /** Offloads that `attach` had switched off. */
  readonly notRestored: readonly NotRestored[];
  /** Interfaces with a program of which nothing is pinned here: somebody else's, or ours with pins out of sight. */
  readonly carrying: readonly { readonly name: string; readonly program: number }[];
  /** The pins are gone, with the last interface or because none had the program. */
  readonly removed: boolean;
}

/**
 * Makes and pins the maps and the program where they are not yet, and attaches the program to every interface. Done
 * twice it changes nothing. Everything is checked before the first change, and what fails after it is taken back. Errors:
 * AttachError, KernelError.
 */
export function attach(native: Native, options: AttachOptions): AttachReport {
  const { links, wanted, stood, owner } = check(native, options);
  const { pinRoot } = options;
  const paths = pinPaths(pinRoot);
  const fresh = stood === undefined;
  return allOrNothing((undo) => {
    requirePinRoot(native, pinRoot, options.acceptPrivatePins ?? false, undo);
    requireOwnWay(pinRoot); // what was not there is now
    using _lock = new LoaderLock(native, pinRoot);
    requireUnwatched(native, stood?.paths ?? paths, 'attach by another command');
    clearLeftovers(pinRoot);
    const replaced = fresh ? undefined : replaceStanding(native, owner, options);
    if (fresh) {
      makePins(native, pinRoot, owner, options.maxRedirects ?? DEFAULT_SLOTS);
      undo.defer(() => removeLayout(pinRoot));
    }
    const parts = { native, options, paths, links, wanted, fresh, owner, replaced, undo };
    return withMaps(native, paths, (maps) => attachAll({ ...parts, maps }));
  });
}

/** What `attach` finds before it changes anything, and what it would do. */
export interface Checked {
  readonly links: readonly NetLink[];
  readonly wanted: readonly NetLink[];
  /** Undefined where nothing is pinned yet. */
  readonly stood: Standing | undefined;
  readonly owner: Owner;
  readonly planned: readonly Planned[];
}

/** Refuses what cannot be. Errors: AttachError, KernelError. */
export function check(native: Native, options: AttachOptions): Checked {
  requireRoot('attach', 'loads a program into the kernel');
  requireKernel();
  const { pinRoot } = options;
  const links = observeLinks(native);
  const wanted = options.interfaces.map((name) => requireLink(links, name));
  const paths = pinPaths(pinRoot);
  requireOwnWay(pinRoot);
  requireClaimFolder(paths.claim);
  const stood = findStanding(native, pinRoot);
  const owner = stood === undefined ? (options.owner ?? ROOT) : requireOwner(stood.paths, options.owner);
  const ours = stood === undefined ? [] : ownPrograms(native, stood);
  for (const link of wanted) if (!ours.includes(link.xdpProgramId)) requireFree(link, pinRoot);
  const planned = planAll(native, stood?.paths ?? paths, links, wanted, options);
  return { links, wanted, stood, owner, planned };
}

/**
 * First what a loader before this one began, then another layout, and then another size: what counts in one layout can be moved
 * within that one.
 */
function replaceStanding(native: Native, owner: Owner, options: AttachOptions): readonly Replaced[] {
  const { pinRoot, maxRedirects, waitMs = FILL_MS, tell = () => {} } = options;
  return [undefined, undefined, maxRedirects].flatMap((slots) => {
    using succession = new Succession(native, pinRoot, { owner, slots, waitMs, tell });
    return succession.run() ?? [];
  });
}

interface Attaching {
  readonly native: Native;
  readonly options: AttachOptions;
  readonly paths: PinPaths;
  readonly links: readonly NetLink[];
  readonly wanted: readonly NetLink[];
  readonly maps: OpenMaps;
  readonly fresh: boolean;
  readonly owner: Owner;
  readonly replaced: readonly Replaced[] | undefined;
  readonly undo: DisposableStack;
}

/** Attaches to maps that stand. */
function attachAll(attaching: Attaching): AttachReport {
  const { native, options, paths, links, wanted, maps, fresh, owner, replaced = [], undo } = attaching;
  const about = readAbout(native, maps);
  requireOwn(native, maps, about, paths);
  const planned = planAll(native, paths, links, wanted, options);
  const claimable = keepClaimFolder(native, paths.claim, owner, undo);
  for (const own of [paths.tags, paths.zones]) if (!existsSync(own)) undo.defer(() => rmSync(own, { force: true }));
  using upgrade = fresh ? undefined : new Upgrade(native, paths, maps, owner);
  using memory = TagMemory.require(native, paths, owner.gid);
  const program = requireValue(native.programOpen(paths.program), 'open program', paths.program);
  undo.defer(() => native.close(program));
  const loader = new Loader(native, paths, { maps, program, memory }, links);
  const watch = watchDelivery(native, paths, maps, undo);
  const interfaces = planned.map((one) => {
    const attached = loader.attach(one);
    if (!one.standing) undo.defer(() => takeBack(native, paths, links, one.link.name));
    return attached;
  });
  native.close(program);
  const inForce = upgrade?.run() ?? freshlyMade(native, paths);
  const shortfall = ownKernel(owner.uid);
  return {
    pinRoot: options.pinRoot,
    interfaces,
    program: inForce,
    replaced,
    memoryBytes: memoryBytes(about.slots, about.cpuRows),
    maxRedirects: about.slots,
    owner,
    unwatched: watch.unwatched,
    advice: interfaces.flatMap(({ name, mode }) => {
      const advice = adviceFor(requireLink(links, name), mode);
      return advice === undefined ? [] : [{ interface: name, ...advice }];
    }),
    ...(shortfall !== undefined && { shortfall }),
    changed:
      fresh ||
      replaced.length > 0 ||
      claimable ||
      watch.changed ||
      isNew(inForce) ||
      interfaces.some((it) => it.changed),
  };
}

function planAll(
  native: Native,
  paths: PinPaths,
  links: readonly NetLink[],
  wanted: readonly NetLink[],
  { mode, acceptHiddenTags = false }: AttachOptions,
): readonly Planned[] {
  return wanted.map((link) => planInterface(native, paths, links, link, { mode, acceptHiddenTags }));
}

/** Detaches an interface that was attached a moment ago. */
function takeBack(native: Native, paths: PinPaths, links: readonly NetLink[], name: string): void {
  detachLink(native, paths.link(name));
  const [left] = restoreTags(native, paths, links);
  withMaps(native, paths, (maps) => dropZones(native, paths, maps));
  if (left !== undefined) throw new AttachError(`${left.name} of ${left.device} is still off: ${left.why}`);
}

/**
 * Detaches these interfaces, or all; with the last one every pin goes too, also of a set that is not whole. Offloads that
 * `attach` switched off are put back. Errors: AttachError, KernelError.
 */
export function detach(native: Native, pinRoot: string, interfaces: readonly string[]): DetachReport {
  requireRoot('detach', 'takes programs off interfaces, and pins away');
  requireOwnWay(pinRoot);
  endArrival(native, pinRoot);
  const paths = pinPaths(pinRoot);
  const links = observeLinks(native);
  const pinned = pinnedInterfaces(paths);
  const isNamed = (name: string): boolean => interfaces.length === 0 || interfaces.includes(name);
  const carrying = links
    .filter(({ name, xdpMode }) => xdpMode !== 0 && isNamed(name) && !pinned.includes(name))
    .map(({ name, xdpProgramId }) => ({ name, program: xdpProgramId }));
  if (!existsSync(paths.layout)) {
    if (isMountedByUs(pinRoot)) releaseRoot(native, paths, pinRoot);
    return { detached: [], notRestored: [], carrying, removed: false };
  }
  requireMade(native, paths);
  requireUnwatched(native, paths, 'detach');
  for (const name of interfaces) if (!pinned.includes(name)) requireLink(links, name);
  const chosen = pinned.filter(isNamed);
  const isAll = chosen.length === pinned.length;
  const notRestored = takeOff(native, pinRoot, { links, chosen, isAll });
  if (isAll) releaseRoot(native, paths, pinRoot);
  return { detached: chosen, notRestored, carrying, removed: isAll };
}

/** What `detach` takes off, and where. */
interface Leaving {
  readonly links: readonly NetLink[];
  readonly chosen: readonly string[];
  readonly isAll: boolean;
}

function takeOff(native: Native, pinRoot: string, { links, chosen, isAll }: Leaving): readonly NotRestored[] {
  using _lock = new LoaderLock(native, pinRoot);
  const [paths, coming] = [pinPaths(pinRoot), pinPaths(pinRoot, COMING)];
  if (!isAll && existsSync(coming.layout))
    throw new AttachError(
      `an attach that was to put other maps in place at ${pinRoot} did not end; run it again first`,
    );
  if (!isAll) withMaps(native, paths, (maps) => moveBlinds(native, maps.control));
  for (const name of chosen) detachLink(native, paths.link(name));
  const notRestored = restoreTags(native, paths, links);
  if (!isAll) withMaps(native, paths, (maps) => dropZones(native, paths, maps));
  if (isAll && existsSync(coming.layout)) removeLayout(pinRoot, COMING);
  if (isAll) removeLayout(pinRoot);
  return notRestored;
}

function withMaps<T>(native: Native, paths: PinPaths, use: (maps: OpenMaps) => T): T {
  const maps = openMaps(native, paths, 'loader');
  try {
    return use(maps);
  } finally {
    for (const map of Object.values(maps)) native.close(map);
  }
}

/** Of a layout other than ours an agent may be running, or be about to. */
function releaseRoot(native: Native, { claim }: PinPaths, pinRoot: string): void {
  clearLeftovers(pinRoot);
  if (layoutsIn(pinRoot).length > 0) return;
  dropClaimFolder(native, claim);
  releasePinRoot(pinRoot);
}

function detachLink(native: Native, pin: string): void {
  const link = requireValue(native.linkOpen(pin), 'open link', pin);
  native.linkDetach(link);
  unlinkSync(pin);
  native.close(link);
}

/** Of the interfaces that no pinned link holds any more. */
function restoreTags(native: Native, paths: PinPaths, links: readonly NetLink[]): readonly NotRestored[] {
  if (!existsSync(paths.tags)) return [];
  using memory = TagMemory.require(native, paths, 0);
  return memory.restore(heldIfindexes(native, paths), isAttachedHere(native, paths) ? links : undefined);
}

/** Whether the pins are of the network namespace that we are in: else an ifindex is that of another device here. */
function isAttachedHere(native: Native, paths: PinPaths): boolean {
  const about = findAbout(native, paths);
  return typeof about !== 'number' && about.netns === ownNetns();
}

/** Programs that `attach` put on interfaces: packets meet the one that is pinned, and others while that is under way. */
function ownPrograms(native: Native, { paths }: Standing): readonly number[] {
  const program = native.programOpen(paths.program);
  const info =
    typeof program === 'number' ? undefined : requireValue(native.programInfo(program), 'program info', 'shunt');
  if (typeof program !== 'number') native.close(program);
  return [...(info === undefined ? [] : [info.id]), ...linkedPrograms(native, paths)];
}

export function requireRoot(command: string, what: string): void {
  if (process.geteuid?.() === 0) return;
  throw new AttachError(`${command} needs root: it ${what}; run it with sudo`);
}

function requireLink(links: readonly NetLink[], name: string): NetLink {
  const link = links.find((it) => it.name === name);
  if (link !== undefined) return link;
  const there = links.map((it) => it.name).join(', ');
  throw new AttachError(`there is no interface ${name} in this network namespace (there are: ${there})`);
}

function requireFree(link: NetLink, pinRoot: string): void {
  if (link.xdpMode === 0) return;
  const keeper = keeperElsewhere(pinRoot);
  if (keeper !== undefined) {
    const why = `pins at ${pinRoot} are in mounts of process ${keeper} and not here`;
    throw new AttachError(
      `${link.name} carries an XDP program already (id ${link.xdpProgramId}), and ${why}; ${endsFirst(keeper)}`,
    );
  }
  const how = `\`bpftool net show dev ${shellWord(link.name)}\` tells whose it is; Shunt never replaces it`;
  throw new AttachError(`${link.name} carries another XDP program already (id ${link.xdpProgramId}); ${how}`);
}

function layoutsIn(pinRoot: string): readonly string[] {
  return readdirSync(pinRoot).filter((name) => /^v\d+$/.test(name));
}

/** Answers who owns the maps; refuses another owner than they have. */
function requireOwner(paths: PinPaths, wanted: Owner | undefined): Owner {
  const { uid, gid } = statSync(paths.map('control'));
  if (wanted === undefined || (wanted.uid === uid && wanted.gid === gid)) return { uid, gid };
  const how = 'run `shunt detach` and attach again; packets pass unredirected in between';
  throw new AttachError(`the maps belong to ${uid}:${gid} and ${wanted.uid}:${wanted.gid} was asked for; ${how}`);
}
