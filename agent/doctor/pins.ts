import { existsSync, lstatSync, readdirSync, type Stats } from 'node:fs';
import type { MapHandle, Native } from '../../native/index.ts';
import { endsFirst, keeperElsewhere } from '../attach/elsewhere.ts';
import { isSeenByFirst } from '../attach/lasting.ts';
import { isBpffs } from '../attach/pin-root.ts';
import { type About, TOLD_MAPS } from '../kernel/about.ts';
import { pinAdvice } from '../kernel/advice.ts';
import { runClock } from '../kernel/clock-program.ts';
import { errnoName, isErrno } from '../kernel/errno.ts';
import { findAbout, findRowBits, ownNetns } from '../kernel/open-maps.ts';
import { COMING, MAPS, type MapName, type PinPaths, pinPaths, STANDING } from '../kernel/pins.ts';
import { TRACEPOINTS } from '../kernel/traffic.ts';
import { asRoot, type Finding, findings } from './finding.ts';
import { examineProgram } from './program.ts';

/** What the pins say, as far as this user may read them. */
export interface Pins {
  readonly findings: readonly Finding[];
  readonly about: About | undefined;
  /** Numeric owner of the maps. */
  readonly owner: number | undefined;
}

const ATTACH = 'run shunt attach --interface IF --owner USER as root';
const pins = findings('pins');
const clock = findings('kernel clock');
const delivery = findings('lost packets');
const table = findings('table');

/** Looks at the folder of the pins: bpffs, owners and modes, whose maps they are, and the programs beside them. */
export function examinePins(native: Native, pinRoot: string): Pins {
  const none = (...found: Finding[]): Pins => ({ findings: found, about: undefined, owner: undefined });
  const paths = pinPaths(pinRoot);
  const keeper = existsSync(paths.layout) ? undefined : keeperElsewhere(pinRoot);
  if (keeper !== undefined) return none(examineElsewhere(pinRoot, keeper));
  if (!existsSync(pinRoot)) return none(pins.bad(`nothing is attached: there is no folder ${pinRoot}`, ATTACH));
  if (!isBpffs(pinRoot))
    return none(pins.bad(`${pinRoot} is not a bpffs`, `if no agent runs, remove it; then ${ATTACH}`));
  if (!existsSync(paths.layout)) return none(examineLayout(pinRoot));
  const { found, owner } = examineMaps(paths);
  const about = findAbout(native, paths);
  return {
    findings: [
      ...found,
      ...examineClaim(paths, owner),
      ...examineMount(pinRoot),
      ...examineComing(pinRoot),
      ...examineAbout(native, paths, about),
      examineProgram(native, paths),
      ...examineTable(native, paths),
      examineClock(native, paths),
      examineDelivery(paths),
    ],
    about: typeof about === 'number' ? undefined : about,
    owner,
  };
}

/** The program goes on, and so does the agent. */
function examineElsewhere(pinRoot: string, keeper: number): Finding {
  const found = `${pinRoot} was unmounted here, or never mounted: its pins are in mounts of process ${keeper} alone`;
  return pins.bad(found, endsFirst(keeper));
}

function examineLayout(pinRoot: string): Finding {
  const others = listed(pinRoot)?.filter((name) => /^v\d+$/.test(name)) ?? [];
  if (others.length === 0) return pins.bad(`nothing is attached: ${pinRoot} has no ${STANDING}`, ATTACH);
  return pins.bad(
    `${pinRoot} has pins of ${others.join(', ')}, and this is a program for ${STANDING}`,
    'run shunt attach again, with the same interfaces: it puts this one in their place; or run the release that made them',
  );
}

function examineMaps(paths: PinPaths): { readonly found: readonly Finding[]; readonly owner: number | undefined } {
  const stats = new Map(MAPS.map((name) => [name, statOf(paths.map(name))] as const));
  const absent = MAPS.filter((name) => stats.get(name) === undefined);
  if (absent.length > 0)
    return { found: [pins.bad(`${paths.layout} lacks ${absent.join(', ')}`, ATTACH)], owner: undefined };
  const owner = stats.get('control')?.uid;
  const there = [...stats].filter(([, stat]) => stat !== undefined);
  const wrong = there.filter(([name, stat]) => stat !== undefined && !isAsMade(name, stat, owner));
  const found = wrong.map(([name, stat]) =>
    pins.bad(
      `${paths.map(name)} is ${modeText(stat)} of user ${stat?.uid}`,
      name === 'about' ? `chown root and chmod 440 it` : `chown it to user ${owner} and chmod 600 it`,
    ),
  );
  if (found.length === 0) found.push(pins.ok(`${there.length} maps at ${paths.layout}, of user ${owner} alone`));
  return { found, owner };
}

/** Without its folder, any local user can keep an agent from these maps; in one of somebody else, that one can. */
function examineClaim({ claim }: PinPaths, owner: number | undefined): readonly Finding[] {
  const stat = statOf(claim);
  if (stat?.isDirectory() === true && (stat.mode & 0o777) === 0o700 && (owner === undefined || stat.uid === owner))
    return [];
  const found =
    stat === undefined
      ? `there is no ${claim}, which an older shunt attach did not make: local users can stop an agent from starting`
      : `${claim} is not a folder of user ${owner} alone: an agent cannot claim the maps by it`;
  return [pins.warn(found, 'run shunt attach again, with the same interfaces')];
}

/** A bpffs goes with the last mount namespace that has it, and what is pinned there too. */
function examineMount(pinRoot: string): readonly Finding[] {
  try {
    if (isSeenByFirst(pinRoot)) return [];
    const mend = 'leave it if these mounts stay; else shunt detach, then attach where process 1 sees the pins';
    return [pins.warn(`process 1 does not see ${pinRoot}: the program goes with these mounts`, mend)];
  } catch {
    return [pins.unseen('whether process 1 sees them', asRoot())];
  }
}

/** Of another layout or size: they are there for the seconds that an agent takes to fill them. */
function examineComing(pinRoot: string): readonly Finding[] {
  const { layout } = pinPaths(pinRoot, COMING);
  if (statOf(layout) === undefined) return [];
  const found = `maps that are to take the place of these are at ${layout}: shunt attach is at work, or was killed`;
  return [pins.warn(found, 'if it is not at work, run it again, with the same interfaces: it ends what was begun')];
}

function isAsMade(name: MapName, { uid, mode }: Stats, owner: number | undefined): boolean {
  const bits = mode & 0o777;
  return name === 'about' ? uid === 0 && bits === 0o440 : uid === owner && bits === 0o600;
}

function modeText(stat: Stats | undefined): string {
  return ((stat?.mode ?? 0) & 0o777).toString(8);
}

/** What this user may not see, root may; whatever else keeps us from seeing it would keep an agent from it, too. */
function notRead(check: ReturnType<typeof findings>, what: string, rc: number): Finding {
  const found = `${what}: ${errnoName(rc)}`;
  if (isErrno(rc, 'EACCES')) return check.unseen(found, asRoot());
  const mend = pinAdvice(rc, asRoot());
  return mend === '' ? check.unseen(found, 'see bpf(2)') : check.bad(`cannot see ${found}`, mend);
}

function examineAbout(native: Native, paths: PinPaths, about: About | number): readonly Finding[] {
  if (typeof about === 'number') return [notRead(pins, `what the loader says of them: ${paths.map('about')}`, about)];
  const found: Finding[] = [];
  if (about.netns !== ownNetns())
    found.push(
      pins.bad('they belong to another network namespace', 'look, and run the agent, where shunt attach was run'),
    );
  const replaced = TOLD_MAPS.filter((name) => isReplaced(native, paths, about, name));
  if (replaced.length > 0)
    found.push(pins.bad(`not the maps that the program reads: ${replaced.join(', ')}`, `shunt detach, then ${ATTACH}`));
  return found;
}

function isReplaced(native: Native, paths: PinPaths, { maps }: About, name: keyof About['maps']): boolean {
  const map: MapHandle | number = native.mapOpen(paths.map(name), false);
  if (typeof map === 'number') return false; // not this user's to open
  const info = native.mapInfo(map);
  native.close(map);
  return typeof info !== 'number' && info.id !== maps[name];
}

/** Without one, each look is one in a hash map. */
function examineTable(native: Native, paths: PinPaths): readonly Finding[] {
  const rowBits = findRowBits(native, paths);
  if (rowBits === undefined) return []; // not this user's to open
  if (rowBits > 0) return [table.ok(`${2 ** rowBits} rows in front of each redirect map`)];
  return [table.ok('none in front of the redirect maps; shunt attach --table on makes one')];
}

function examineClock(native: Native, paths: PinPaths): Finding {
  const program = native.programOpen(paths.clock);
  if (typeof program === 'number') {
    return notRead(clock, `whether it runs: ${paths.clock}`, program);
  }
  const ran = runClock(native, program);
  native.close(program);
  if (typeof ran === 'number') return clock.bad(`a test-run of it: ${errnoName(ran)}`, `shunt detach, then ${ATTACH}`);
  return clock.ok(`runs, at ${ran} jiffies`);
}

/** The folder of links is root's. */
function examineDelivery(paths: PinPaths): Finding {
  if (listed(paths.rootOnly) === undefined)
    return delivery.unseen('whether they are counted: only root sees the programs that do', asRoot());
  const absent = TRACEPOINTS.filter((name) => !existsSync(paths.tracepoint(name)));
  if (absent.length === 0) return delivery.ok('counted by interface and errno');
  return delivery.warn(`not counted at ${absent.join(', ')}`, 'shunt attach says why; it needs the BTF of the kernel');
}

function statOf(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

function listed(path: string): readonly string[] | undefined {
  try {
    return readdirSync(path);
  } catch {
    return undefined;
  }
}
