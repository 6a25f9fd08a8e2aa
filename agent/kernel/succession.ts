import { lstatSync } from 'node:fs';
import type { Native } from '../../native/index.ts';
import { LIMITS, STRUCTS } from './abi.ts';
import { decodeAbout } from './about.ts';
import { u32, viewOf } from './bytes.ts';
import { LITTLE_ENDIAN } from './check.ts';
import { observeLinks } from './netdevs.ts';
import { COMING, type PinPaths, pinPaths, STANDING } from './pins.ts';

/** A loader that is at work on maps says so at least as often as this; one that was killed says nothing more. */
const TENDED_MS = 10_000;

/** What every layout says of itself, at the same place in `about`. */
export interface Head {
  readonly layout: number;
  readonly slots: number;
  /** CPUs with a row of their own in `stats`; one shared row follows. */
  readonly cpuRows: number;
  /** Inode of the network namespace. */
  readonly netns: bigint;
}

/** Reads it, of maps of whatever layout; undefined where there is none, or none for this user. */
export function findHead(native: Native, paths: PinPaths): Head | undefined {
  const bytes = readAboutBytes(native, paths);
  return bytes && headOf(bytes);
}

/**
 * The layout of the maps that are to take the place of those that stand. Undefined where there are none; and where a loader left
 * them before a packet met them, for then no packet ever will. `nowMs`: by the wall clock, as the file system's times are.
 */
export function comingLayout(native: Native, pinRoot: string, nowMs: number): number | undefined {
  const paths = pinPaths(pinRoot, COMING);
  const stat = lstatSync(paths.layout, { throwIfNoEntry: false });
  const bytes = stat && readAboutBytes(native, paths);
  if (stat === undefined || bytes === undefined) return undefined;
  const { layout } = headOf(bytes);
  return nowMs - stat.mtimeMs < TENDED_MS || isMet(native, bytes) ? layout : undefined;
}

/** Where the maps of this layout are that an agent is to fill now. */
export function folderToFill(native: Native, pinRoot: string, nowMs: number): string {
  return comingLayout(native, pinRoot, nowMs) === LIMITS.SHUNT_LAYOUT ? COMING : STANDING;
}

function readAboutBytes(native: Native, paths: PinPaths): Uint8Array | undefined {
  const map = native.mapOpen(paths.map('about'), true);
  if (typeof map === 'number') return undefined;
  const bytes = native.mapLookupElem(map, u32(0), 0);
  native.close(map);
  return typeof bytes === 'number' || bytes.length < STRUCTS.about.map_redirect4 ? undefined : bytes;
}

function headOf(bytes: Uint8Array): Head {
  const view = viewOf(bytes);
  const word = (at: number): number => view.getUint32(at, LITTLE_ENDIAN);
  const { layout, slots, cpu_rows, netns } = STRUCTS.about;
  return {
    ...{ layout: word(layout), slots: word(slots), cpuRows: word(cpu_rows) },
    netns: view.getBigUint64(netns, LITTLE_ENDIAN),
  };
}

/** Whether an interface runs their program. */
function isMet(native: Native, about: Uint8Array): boolean {
  if (headOf(about).layout !== LIMITS.SHUNT_LAYOUT) return false;
  const { program } = decodeAbout(about);
  return observeLinks(native).some(({ xdpProgramId }) => xdpProgramId === program);
}
