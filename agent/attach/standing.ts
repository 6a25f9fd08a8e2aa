import { existsSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { Native } from '../../native/index.ts';
import { LIMITS } from '../kernel/abi.ts';
import { findRowBits, ownNetns } from '../kernel/open-maps.ts';
import { COMING, type PinPaths, pinPaths, STANDING } from '../kernel/pins.ts';
import { findHead, type Head } from '../kernel/succession.ts';
import { AttachError } from './attach-error.ts';

/** The maps that packets meet, of whatever layout. */
export interface Standing extends Head {
  readonly folder: string;
  readonly paths: PinPaths;
  /** Of the table in front of the redirect maps; undefined where they are of another layout, or not whole. */
  readonly rowBits: number | undefined;
}

/** What stands at a pin root; undefined where nothing does. Errors: AttachError, where it is not to be told. */
export function findStanding(native: Native, pinRoot: string): Standing | undefined {
  const folders = layoutsIn(pinRoot);
  const [folder, ...others] = folders.length === 0 && existsSync(join(pinRoot, COMING)) ? [COMING] : folders;
  if (folder === undefined) return undefined;
  const paths = pinPaths(pinRoot, folder);
  if (others.length > 0)
    throw new AttachError(`${pinRoot} holds pins of several layouts (${folders.join(', ')}); nothing was changed`);
  // Which of our own maps are missing is said by who opens them.
  if (folder === STANDING && findHead(native, paths) === undefined)
    return { folder, paths, layout: LIMITS.SHUNT_LAYOUT, slots: 0, cpuRows: 0, netns: ownNetns(), rowBits: undefined };
  const head = requireHead(native, paths);
  const rowBits = head.layout === LIMITS.SHUNT_LAYOUT ? findRowBits(native, paths) : undefined;
  return { folder, paths, ...head, rowBits };
}

/** The folders of maps that packets meet; of more than one layout only where something went wrong. */
export function layoutsIn(pinRoot: string): readonly string[] {
  return existsSync(pinRoot) ? readdirSync(pinRoot).filter((name) => /^v\d+$/.test(name)) : [];
}

/** A loader that was killed took the name from those before, and did not give it to those that came. */
export function endArrival(native: Native, pinRoot: string): void {
  const found = findStanding(native, pinRoot);
  if (found?.folder === COMING) renameSync(found.paths.layout, join(pinRoot, `v${found.layout}`));
}

export function requireStanding(native: Native, pinRoot: string): Standing {
  endArrival(native, pinRoot);
  const standing = findStanding(native, pinRoot);
  if (standing === undefined) throw new AttachError(`nothing stands at ${pinRoot} any more; attach again`);
  return standing;
}

export function requireHead(native: Native, paths: PinPaths): Head {
  const head = findHead(native, paths);
  if (head !== undefined) return head;
  throw new AttachError(
    `${paths.layout} holds pins of another layout, or of nobody: it has no map \`about\` that says; nothing was changed`,
  );
}

export function requireHere({ netns, paths }: Standing): void {
  if (netns === ownNetns()) return;
  const how = 'run it in the one that `shunt attach` ran in before';
  throw new AttachError(`the maps at ${paths.layout} belong to another network namespace; nothing was changed; ${how}`);
}
