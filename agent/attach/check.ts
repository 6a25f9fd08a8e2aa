import { statSync } from 'node:fs';
import type { Native, NetLink } from '../../native/index.ts';
import { shellWord } from '../../protocol/plain.ts';
import { LIMITS } from '../kernel/abi.ts';
import { requireValue } from '../kernel/errno.ts';
import { observeLinks } from '../kernel/netdevs.ts';
import { readAbout, requireOwn } from '../kernel/open-maps.ts';
import { type PinPaths, pinPaths } from '../kernel/pins.ts';
import { AttachError } from './attach-error.ts';
import { requireClaimFolder } from './claim-folder.ts';
import { endsFirst, keeperElsewhere } from './elsewhere.ts';
import { requireKernel } from './floor.ts';
import { type Planned, planInterface } from './loader.ts';
import { requireOwnWay } from './made.ts';
import type { Mode } from './mode.ts';
import { type Owner, ROOT } from './object.ts';
import { findStanding, type Standing } from './standing.ts';
import type { TableWish } from './table.ts';
import { withMaps } from './with-maps.ts';
import { linkedPrograms } from './zones.ts';

export interface AttachOptions {
  readonly interfaces: readonly string[];
  /** Undefined: as the maps are, or root. */
  readonly owner?: Owner;
  readonly mode: Mode;
  readonly pinRoot: string;
  /** Undefined: as the maps are, or the default. */
  readonly maxRedirects?: number;
  /** Undefined: as the maps are, or one where RAM is not short. */
  readonly table?: TableWish;
  /** Takes interfaces by which VLAN tags come in that the program cannot see. */
  readonly acceptHiddenTags?: boolean;
  /** Takes pins of which nobody can see that they outlive this process. */
  readonly acceptPrivatePins?: boolean;
  /** How long an agent has to fill maps that take the place of others; undefined: a minute. */
  readonly waitMs?: number;
  /** Told what is waited for. */
  readonly tell?: (line: string) => void;
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
  if (stood?.layout === LIMITS.SHUNT_LAYOUT)
    withMaps(native, stood.paths, (maps) => requireOwn(native, maps, readAbout(native, maps), stood.paths));
  const owner = stood === undefined ? (options.owner ?? ROOT) : requireOwner(stood.paths, options.owner);
  const ours = stood === undefined ? [] : ownPrograms(native, stood);
  for (const link of wanted) if (!ours.includes(link.xdpProgramId)) requireFree(link, pinRoot);
  const planned = planAll(native, stood?.paths ?? paths, links, wanted, options);
  return { links, wanted, stood, owner, planned };
}

export function planAll(
  native: Native,
  paths: PinPaths,
  links: readonly NetLink[],
  wanted: readonly NetLink[],
  { mode, acceptHiddenTags = false }: AttachOptions,
): readonly Planned[] {
  return wanted.map((link) => planInterface(native, paths, links, link, { mode, acceptHiddenTags }));
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

export function requireLink(links: readonly NetLink[], name: string): NetLink {
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

/** Answers who owns the maps; refuses another owner than they have. */
function requireOwner(paths: PinPaths, wanted: Owner | undefined): Owner {
  const { uid, gid } = statSync(paths.map('control'));
  if (wanted === undefined || (wanted.uid === uid && wanted.gid === gid)) return { uid, gid };
  const how = 'run `shunt detach` and attach again; packets pass unredirected in between';
  throw new AttachError(`the maps belong to ${uid}:${gid} and ${wanted.uid}:${wanted.gid} was asked for; ${how}`);
}
