import { existsSync, unlinkSync } from 'node:fs';
import type { Native, NetLink } from '../../native/index.ts';
import { moveBlinds } from '../kernel/blinds.ts';
import { requireValue } from '../kernel/errno.ts';
import { observeLinks } from '../kernel/netdevs.ts';
import { findAbout, ownNetns } from '../kernel/open-maps.ts';
import { COMING, type PinPaths, pinPaths, STANDING } from '../kernel/pins.ts';
import { AttachError } from './attach-error.ts';
import { requireLink, requireRoot } from './check.ts';
import { dropClaimFolder } from './claim-folder.ts';
import { LoaderLock } from './loader-lock.ts';
import { clearLeftovers, removeLayout, requireMade, requireOwnWay } from './made.ts';
import { isMountedByUs, releasePinRoot } from './pin-root.ts';
import { endArrival, layoutsIn } from './standing.ts';
import { type NotRestored, TagMemory } from './tag-memory.ts';
import { dropAbandoned } from './unconfirmed-folder.ts';
import { requireUnwatched } from './watch-lock.ts';
import { withMaps } from './with-maps.ts';
import { dropZones, heldIfindexes, pinnedInterfaces } from './zones.ts';

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
    requireNoOthers(pinRoot);
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

/** Pins of another layout are not ours to take apart: what is attached by them would seem to be somebody else's. */
function requireNoOthers(pinRoot: string): void {
  const others = layoutsIn(pinRoot);
  if (others.length === 0) return;
  const how = 'detach by the release that made them, or run shunt attach first, which puts this one in their place';
  throw new AttachError(
    `${pinRoot} has pins of ${others.join(', ')}, and this is a program for ${STANDING}; nothing was changed; ${how}`,
  );
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

/** Of a layout other than ours an agent may be running, or be about to. */
function releaseRoot(native: Native, { claim }: PinPaths, pinRoot: string): void {
  clearLeftovers(pinRoot);
  dropAbandoned(native, pinRoot);
  if (layoutsIn(pinRoot).length > 0) return;
  dropClaimFolder(native, claim);
  releasePinRoot(pinRoot);
}

export function detachLink(native: Native, pin: string): void {
  const link = requireValue(native.linkOpen(pin), 'open link', pin);
  native.linkDetach(link);
  unlinkSync(pin);
  native.close(link);
}

/** Of the interfaces that no pinned link holds any more. */
export function restoreTags(native: Native, paths: PinPaths, links: readonly NetLink[]): readonly NotRestored[] {
  if (!existsSync(paths.tags)) return [];
  using memory = TagMemory.require(native, paths, 0);
  return memory.restore(heldIfindexes(native, paths), isAttachedHere(native, paths) ? links : undefined);
}

/** Whether the pins are of the network namespace that we are in: else an ifindex is that of another device here. */
function isAttachedHere(native: Native, paths: PinPaths): boolean {
  const about = findAbout(native, paths);
  return typeof about !== 'number' && about.netns === ownNetns();
}
