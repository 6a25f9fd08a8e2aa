import { lstatSync, mkdirSync, readdirSync, realpathSync, renameSync, type Stats } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Native } from '../../native/index.ts';
import { pinAdvice } from '../kernel/advice.ts';
import { isErrno, requireDone } from '../kernel/errno.ts';
import { MAP_SIZES } from '../kernel/open-maps.ts';
import { COMING, objectName, type PinPaths, STANDING } from '../kernel/pins.ts';
import { AttachError } from './attach-error.ts';
import { isBpffs, removePins } from './pin-root.ts';

/** The folder of a layout that is root's alone. */
const ROOT_ONLY = /^root$/;
/** Maps whose sizes nobody else's have by chance. */
const OURS = ['about', 'control', 'redirect4', 'redirect6', 'shapes'] as const;

/**
 * Refuses a pin root that leads elsewhere, or may in a moment: through a symbolic link, or below a folder in which somebody
 * who is not root can put another in its place. What is done there would be done elsewhere. Errors: AttachError.
 */
export function requireOwnWay(pinRoot: string): void {
  const there = statOf(pinRoot) === undefined ? undefined : realOf(pinRoot);
  if (there !== undefined && there !== resolve(pinRoot))
    throw new AttachError(
      `${pinRoot} leads through a symbolic link; nothing was changed; if it is meant, name ${there}`,
    );
  const path = resolve(pinRoot);
  const above = foldersAbove(path).map((folder) => whoElseMayMove(folder, statOf(folder)));
  const who = [...above, whoseElse(path, statOf(path))].find((it) => it !== undefined);
  if (who === undefined) return;
  const how = 'name a folder of root below folders that root alone can change';
  throw new AttachError(`another folder could be put in the place of ${pinRoot}: ${who}; nothing was changed; ${how}`);
}

function foldersAbove(path: string): readonly string[] {
  const above = dirname(path);
  return above === path ? [] : [...foldersAbove(above), above];
}

/** In a sticky folder, such as /tmp, only owners move what is theirs. */
function whoElseMayMove(folder: string, stat: Stats | undefined): string | undefined {
  const open = stat !== undefined && (stat.mode & 0o022) !== 0 && (stat.mode & 0o1000) === 0;
  return (
    whoseElse(folder, stat) ??
    (open ? `${folder} is open to others (mode ${(stat.mode & 0o777).toString(8)})` : undefined)
  );
}

function whoseElse(folder: string, stat: Stats | undefined): string | undefined {
  return stat !== undefined && stat.uid !== 0 ? `${folder} is of user ${stat.uid}` : undefined;
}

/**
 * Refuses to take apart a folder that `attach` did not make: it is on a bpffs, holds pins and the folder `root` of pins,
 * and one of the maps is by name and sizes a map of ours. Errors: AttachError.
 */
export function requireMade(native: Pick<Native, 'mapOpen' | 'mapInfo' | 'close'>, paths: PinPaths): void {
  const why =
    strangeness(paths) ?? (hasOurMap(native, paths) ? undefined : 'none of the maps that attach makes is in it');
  if (why === undefined) return;
  throw new AttachError(
    `${paths.layout} was not made by attach: ${why}; nothing was changed; if it is to go, remove it by hand`,
  );
}

/** Takes a layout away at once, for whoever looks, and then all that is in it; programs and maps live on while in use. */
export function removeLayout(pinRoot: string, folder = STANDING): void {
  removePins(putAside(pinRoot, folder));
}

/** One set takes another's name at once, for whoever looks for either; then all that is in the other is taken away. */
export function replaceLayout(pinRoot: string, before: string, after: string): void {
  const aside = putAside(pinRoot, before);
  renameSync(join(pinRoot, COMING), join(pinRoot, after));
  removePins(aside);
}

/** Answers the folder that it is in. A loader that is killed now has left something to clear. */
function putAside(pinRoot: string, folder: string): string {
  const aside = join(pinRoot, `new-${process.pid}`);
  mkdirSync(aside, { mode: 0o700 });
  renameSync(join(pinRoot, folder), join(aside, folder));
  return aside;
}

/** Removes what a loader left that died half-way. */
export function clearLeftovers(pinRoot: string): void {
  for (const name of readdirSync(pinRoot)) {
    const path = join(pinRoot, name);
    if (
      /^new-\d+$/.test(name) &&
      isLeftover(lstatSync(path)) &&
      strangerIn(path, [/^(v\d+|next)$/, ROOT_ONLY]) === undefined
    )
      removePins(path);
  }
}

function isLeftover(stat: Stats): boolean {
  return stat.isDirectory() && stat.uid === 0 && (stat.mode & 0o777) === 0o700;
}

function strangeness({ layout }: PinPaths): string | undefined {
  const stat = lstatSync(layout);
  if (!stat.isDirectory()) return 'it is no folder';
  if (!isBpffs(layout)) return 'it is not on a bpffs';
  if (stat.dev !== lstatSync(dirname(layout)).dev) return 'something is mounted there';
  return strangerIn(layout, [ROOT_ONLY]);
}

/** What is neither a pin nor, at its depth, one of the folders that may be there. */
function strangerIn(folder: string, [mayBe, ...below]: readonly RegExp[]): string | undefined {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const stat = lstatSync(path);
    if (stat.dev !== lstatSync(folder).dev) return `something is mounted at ${path}`;
    if (stat.isFile()) continue;
    if (!stat.isDirectory() || mayBe?.test(name) !== true) return `${path} is no pin`;
    const inside = strangerIn(path, below);
    if (inside !== undefined) return inside;
  }
  return undefined;
}

function hasOurMap(native: Pick<Native, 'mapOpen' | 'mapInfo' | 'close'>, paths: PinPaths): boolean {
  return OURS.some((name) => {
    const map = native.mapOpen(paths.map(name), true);
    if (typeof map === 'number') return notOurs(map, paths.map(name));
    const info = native.mapInfo(map);
    native.close(map);
    if (typeof info === 'number') return false;
    const [key, value] = MAP_SIZES[name];
    return info.name === objectName(name) && info.keySize === key && info.valueSize === value;
  });
}

/** Not there, in a set that is not whole, or no map. Errors: KernelError: what it is cannot be seen. */
function notOurs(errno: number, path: string): false {
  if (!isErrno(errno, 'ENOENT') && !isErrno(errno, 'EINVAL'))
    requireDone(errno, 'open map', path, pinAdvice(errno, 'root may not open it'));
  return false;
}

function statOf(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

function realOf(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined; // a link that leads nowhere
  }
}
