import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, chownSync, existsSync, readFileSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { MapHandle, Native, ObjectHandle, ProgramHandle } from '../../native/index.ts';
import { LIMITS, PASS_REASONS } from '../kernel/abi.ts';
import { type About, type Config, encodeAbout, encodeConfig, TOLD_MAPS } from '../kernel/about.ts';
import { bpfAdvice } from '../kernel/advice.ts';
import { type Build, writeBuild } from '../kernel/build.ts';
import { u32 } from '../kernel/bytes.ts';
import { runClock } from '../kernel/clock-program.ts';
import { requireDone, requireValue } from '../kernel/errno.ts';
import { type OpenMaps, ownNetns, readRowBits } from '../kernel/open-maps.ts';
import { MAPS, type MapName, objectName, type PinPaths, pinPaths, STANDING } from '../kernel/pins.ts';
import { tableSize } from '../kernel/table-size.ts';
import { measureHertz } from './hertz.ts';
import { ENTRIES_PER_SLOT } from './memory.ts';
import { makeFolder, removePins } from './pin-root.ts';

/** Who owns the maps: the user and group that the agent runs as. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Who alone may attach a program. */
export const ROOT: Owner = { uid: 0, gid: 0 };
const OBJECT = fileURLToPath(new URL('../../bpf/build/redirect.bpf.o', import.meta.url));
const MANIFEST = new URL('../../package.json', import.meta.url);
/** Devices that can stand in the devmap at once. */
const PORTS_MAX = 256;
/** bpf(2), BPF_PROG_LOAD. */
const LOADING =
  'it takes CAP_BPF and CAP_NET_ADMIN, which root may lack in a container, and a seccomp profile that lets bpf(2) through';

/** What a set of maps is made with. */
export interface SetPlan extends Config {
  /** The folder that it is pinned in. */
  readonly folder: string;
  readonly owner: Owner;
  /** Ifindex by zone. */
  readonly zones: readonly number[];
  /** Maps of other pins that count on in it, which are the caller's to close. */
  readonly kept: Readonly<Partial<Record<MapName, MapHandle>>>;
  /** Programs that are ours, too, until this one is on every interface. */
  readonly beside: readonly number[];
  /** Pins what else is to be there, while nobody sees it. */
  readonly fill: (parts: PinPaths) => void;
}

/** Makes the first maps of a pin root. Errors: AttachError, KernelError. */
export function makePins(native: Native, pinRoot: string, owner: Owner, maps: Config): void {
  const plan = {
    ...maps,
    folder: STANDING,
    owner,
    zones: [],
    kept: {},
    beside: [],
    fill: () => {},
  };
  makeSet(native, pinRoot, plan);
}

/**
 * Loads the object, and pins its maps and programs with their owners and modes. They appear all at once: they are
 * pinned in a folder beside, which is renamed when it is whole. Errors: AttachError, KernelError.
 */
export function makeSet(native: Native, pinRoot: string, plan: SetPlan): void {
  const whole = pinPaths(pinRoot, plan.folder);
  const parts = pinPaths(join(pinRoot, `new-${process.pid}`));
  makeFolder(dirname(parts.layout), 0o700);
  makeFolder(parts.layout, 0o711);
  makeFolder(parts.rootOnly, 0o700);
  const object = openObject(native);
  try {
    reuse(native, object, plan.kept);
    load(native, object, plan, Object.keys(plan.kept));
    pinAll(native, object, parts, plan);
    plan.fill(parts);
    renameSync(parts.layout, whole.layout);
  } finally {
    native.close(object);
    removePins(dirname(parts.layout));
  }
}

/** The programs of this build, loaded onto maps that stand. They are the caller's to close. */
export interface Loaded {
  readonly object: ObjectHandle;
  readonly program: ProgramHandle;
  readonly clock: ProgramHandle;
}

/** Loads this build's programs for maps that another may be running on. Errors: AttachError, KernelError. */
export function loadOnto(native: Native, maps: OpenMaps, { slots, cpuRows }: Pick<About, 'slots' | 'cpuRows'>): Loaded {
  const object = openObject(native);
  try {
    const rowBits = readRowBits(native, maps);
    reuse(native, object, maps);
    load(native, object, { slots, cpuRows, rowBits }, MAPS);
    return { object, program: programOf(native, object, 'shunt'), clock: programOf(native, object, 'clock') };
  } catch (error) {
    native.close(object);
    throw error;
  }
}

function reuse(native: Native, object: ObjectHandle, maps: SetPlan['kept']): void {
  for (const [name, map] of Object.entries(maps))
    requireDone(native.objectReuseMap(object, objectName(name as MapName), map), 'reuse map', name);
}

export function pinProgram(native: Native, program: ProgramHandle, path: string, owner: Owner): void {
  requireDone(native.programPin(program, path), 'pin', path);
  setOwner(path, owner, 0o600);
}

/** What this build says of a program of its own. Errors: KernelError; those of reading its object. */
export function buildOf(native: Native, program: ProgramHandle): Build {
  const { tag } = requireValue(native.programInfo(program), 'program info', 'shunt');
  return { version: ownVersion(), tag, object: digestOf(OBJECT), beside: [] };
}

/** What tells this build's program from those of others without loading it; undefined where nothing was built. */
export function ownBuild(): Pick<Build, 'version' | 'object'> | undefined {
  return existsSync(OBJECT) ? { version: ownVersion(), object: digestOf(OBJECT) } : undefined;
}

function ownVersion(): string {
  return (JSON.parse(readFileSync(MANIFEST, 'utf8')) as { readonly version: string }).version;
}

function digestOf(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex').slice(0, 32);
}

function openObject(native: Native): ObjectHandle {
  return requireValue(native.objectOpen(OBJECT), 'open object', OBJECT, 'run `./dev build` first');
}

function programOf(native: Native, object: ObjectHandle, name: string): ProgramHandle {
  return requireValue(native.objectProgram(object, name), 'find program', name);
}

/** `reused`: maps that have their sizes. */
function load(
  native: Native,
  object: ObjectHandle,
  { slots, cpuRows, rowBits }: Config,
  reused: readonly string[] = [],
): void {
  const entries = slots * ENTRIES_PER_SLOT;
  const { rows, filter } = tableSize(rowBits);
  const sizes = {
    redirect4: entries,
    redirect6: entries,
    stats: (cpuRows + 1) * slots,
    passed: PASS_REASONS.length * slots,
    ports: PORTS_MAX,
    rows4: rows,
    rows6: rows,
    filter4: filter,
    filter6: filter,
  };
  for (const [map, size] of Object.entries(sizes)) {
    if (reused.includes(map)) continue;
    requireDone(native.objectSetMaxEntries(object, map, size), 'set size', map);
  }
  requireDone(
    native.objectSetData(object, '.rodata', 0, encodeConfig({ slots, cpuRows, rowBits })),
    'set data',
    '.rodata',
  );
  const { rc, log } = native.objectLoad(object);
  if (rc === 0) return;
  requireDone(rc, 'load', OBJECT, log === '' ? bpfAdvice(rc, { EPERM: LOADING }) : `the verifier says:\n${log}`);
}

function pinAll(native: Native, object: ObjectHandle, paths: PinPaths, plan: SetPlan): void {
  const { owner, beside } = plan;
  const maps = {} as Record<MapName, MapHandle>;
  for (const name of MAPS) maps[name] = requireValue(native.objectMap(object, objectName(name)), 'find map', name);
  const [program, clock] = [programOf(native, object, 'shunt'), programOf(native, object, 'clock')];
  const about = describe(native, maps, program, clock, plan);
  requireDone(native.mapUpdateElem(maps.about, u32(0), encodeAbout(about), 0), 'map update', 'about');
  for (const name of MAPS) {
    requireDone(native.mapPin(maps[name], paths.map(name)), 'pin', paths.map(name));
    setOwner(paths.map(name), name === 'about' ? { uid: 0, gid: owner.gid } : owner, name === 'about' ? 0o440 : 0o600);
  }
  pinProgram(native, program, paths.program, ROOT);
  pinProgram(native, clock, paths.clock, owner);
  writeBuild(native, paths, owner.gid, { ...buildOf(native, program), beside });
}

/** Of a pin, which was root's alone. */
export function setOwner(path: string, owner: Owner, mode: number): void {
  chownSync(path, owner.uid, owner.gid);
  chmodSync(path, mode);
}

function describe(
  native: Native,
  maps: Readonly<Record<MapName, MapHandle>>,
  program: ProgramHandle,
  clock: ProgramHandle,
  { slots, cpuRows, zones }: SetPlan,
): About {
  const ids = TOLD_MAPS.map((name) => [name, requireValue(native.mapInfo(maps[name]), 'map info', name).id]);
  return {
    layout: LIMITS.SHUNT_LAYOUT,
    hz: measureHertz(() => requireValue(runClock(native, clock), 'test-run', 'clock')),
    slots,
    cpuRows,
    netns: ownNetns(),
    maps: Object.fromEntries(ids) as About['maps'],
    program: requireValue(native.programInfo(program), 'program info', 'shunt').id,
    zones,
    instance: randomBytes(16).toString('hex'),
  };
}

/** CPUs 0 to the highest online: each has a row of its own in `stats`. */
export function onlineCpus(): number {
  const path = '/sys/devices/system/cpu/online';
  if (!existsSync(path)) return 1;
  const last = readFileSync(path, 'utf8').trim().split(/[,-]/).at(-1);
  return Number(last) + 1;
}
