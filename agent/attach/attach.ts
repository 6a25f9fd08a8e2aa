import { existsSync, rmSync } from 'node:fs';
import type { Native, NetLink } from '../../native/index.ts';
import { requireValue } from '../kernel/errno.ts';
import { type OpenMaps, readAbout, readRowBits, requireOwn } from '../kernel/open-maps.ts';
import { type PinPaths, pinPaths } from '../kernel/pins.ts';
import { DEFAULT_SLOTS } from '../model/limits.ts';
import { allOrNothing } from './all-or-nothing.ts';
import { AttachError } from './attach-error.ts';
import { type AttachOptions, check, planAll, requireLink } from './check.ts';
import { keepClaimFolder } from './claim-folder.ts';
import { type Unwatched, watchDelivery } from './delivery.ts';
import { detachLink, restoreTags } from './detach.ts';
import { ownKernel, type Shortfall } from './floor.ts';
import { type Advice, adviceFor } from './large.ts';
import { type AttachedInterface, Loader } from './loader.ts';
import { LoaderLock } from './loader-lock.ts';
import { clearLeftovers, removeLayout, requireOwnWay } from './made.ts';
import { memoryBytes } from './memory.ts';
import { makePins, type Owner, onlineCpus } from './object.ts';
import { requirePinRoot } from './pin-root.ts';
import { type Replaced, Succession } from './succession.ts';
import { planMaps, type TableState, tableOf } from './table.ts';
import { TagMemory } from './tag-memory.ts';
import { requireNoneUnconfirmed } from './unconfirmed.ts';
import { freshlyMade, type InForce, isNew, Upgrade } from './upgrade.ts';
import { requireUnwatched } from './watch-lock.ts';
import { withMaps } from './with-maps.ts';
import { dropZones } from './zones.ts';

/** A hundred thousand redirects take a quarter of it. */
const FILL_MS = 60_000;

export type { AttachOptions };

export interface AttachReport {
  readonly pinRoot: string;
  readonly interfaces: readonly AttachedInterface[];
  readonly program: InForce;
  /** Maps that took the place of others. */
  readonly replaced: readonly Replaced[];
  /** Estimated kernel memory of the maps. */
  readonly memoryBytes: number;
  readonly maxRedirects: number;
  /** Of the table in front of the redirect maps. */
  readonly table: TableState;
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
    requireNoneUnconfirmed(native, pinRoot);
    clearLeftovers(pinRoot);
    const replaced = fresh ? undefined : replaceStanding(native, owner, options);
    if (fresh) {
      const slots = options.maxRedirects ?? DEFAULT_SLOTS;
      makePins(native, pinRoot, owner, planMaps({ slots, cpuRows: onlineCpus() }, options.table));
      undo.defer(() => removeLayout(pinRoot));
    }
    const parts = { native, options, paths, links, wanted, fresh, owner, replaced, undo };
    return withMaps(native, paths, (maps) => attachAll({ ...parts, maps }));
  });
}

/**
 * First what a loader before this one began, then another layout, and then another size: what counts in one layout can be moved
 * within that one.
 */
function replaceStanding(native: Native, owner: Owner, options: AttachOptions): readonly Replaced[] {
  const { pinRoot, maxRedirects: slots, table, waitMs = FILL_MS, tell = () => {} } = options;
  const same = { slots: undefined, table: undefined };
  return [same, slots === undefined ? { ...same, table } : same, { slots, table }].flatMap((asked) => {
    using succession = new Succession(native, pinRoot, { ...asked, owner, waitMs, tell });
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
  const inForce = sinceReplaced(upgrade?.run() ?? freshlyMade(native, paths), replaced);
  const shortfall = ownKernel(owner.uid);
  const made = { slots: about.slots, cpuRows: about.cpuRows, rowBits: readRowBits(native, maps) };
  return {
    pinRoot: options.pinRoot,
    interfaces,
    program: inForce,
    replaced,
    memoryBytes: memoryBytes(made),
    maxRedirects: about.slots,
    table: tableOf(made, options.table),
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

/** Maps that took the place of others came with a program of their own. */
function sinceReplaced(now: InForce, [first, ...others]: readonly Replaced[]): InForce {
  if (first === undefined) return now;
  const { version, tag } = first.from;
  const was =
    tag === undefined || tag === now.tag ? {} : { before: { ...(version !== undefined && { version }), tag } };
  const switched = new Set([first, ...others, now].flatMap((one) => one.switched));
  return { ...was, ...now, switched: [...switched] };
}

/** Detaches an interface that was attached a moment ago. */
function takeBack(native: Native, paths: PinPaths, links: readonly NetLink[], name: string): void {
  detachLink(native, paths.link(name));
  const [left] = restoreTags(native, paths, links);
  withMaps(native, paths, (maps) => dropZones(native, paths, maps));
  if (left !== undefined) throw new AttachError(`${left.name} of ${left.device} is still off: ${left.why}`);
}
