import { chmodSync, existsSync, unlinkSync } from 'node:fs';
import type { LinkHandle, Native, NetLink, ProgramHandle } from '../../native/index.ts';
import { shellWord } from '../../protocol/plain.ts';
import { bpfAdvice, errnoText } from '../kernel/advice.ts';
import { moveBlinds } from '../kernel/blinds.ts';
import { errnoName, requireDone } from '../kernel/errno.ts';
import { type OpenMaps, readAbout } from '../kernel/open-maps.ts';
import type { PinPaths } from '../kernel/pins.ts';
import { AttachError } from './attach-error.ts';
import { type ChosenMode, chooseMode, type Mode } from './mode.ts';
import { TagMemory } from './tag-memory.ts';
import { hiddenTags, lookAtTags, namesOf, type Tags } from './tags.ts';
import { ZoneNames } from './zone-names.ts';
import { addZone, dropZones, heldIfindexes, linkIfindex } from './zones.ts';

/** XDP_FLAGS_ of include/uapi/linux/if_link.h. */
const FLAGS = { generic: 2, native: 4 } as const;
const GENERIC = 2;

/** net/core/dev.c, bpf_xdp_link_attach and dev_xdp_attach. */
const ATTACHING: Readonly<Record<string, string>> = {
  EBUSY: 'it carries another XDP program by now; Shunt never replaces it',
  EEXIST: 'it carries an XDP program in the other mode by now; Shunt never replaces it',
  ENODEV: 'it is gone by now',
  EPERM: 'it takes CAP_NET_ADMIN, which root may lack in a container',
};
/** What a driver answers, and the kernel for one that cannot. */
const NATIVELY: Readonly<Record<string, string>> = {
  EOPNOTSUPP: 'its driver runs no XDP program',
  EINVAL: 'its driver refuses, as it is set up now',
  ERANGE: 'the MTU is too large',
  ENOSPC: 'its driver has no queues left for it',
};
/** Where more than another mode helps. */
const MEND: Readonly<Record<string, string>> = { ERANGE: 'try --mode generic or a smaller MTU' };

/** A driver refuses the program, which it has said that it can run. */
class NativeRefused extends AttachError {
  readonly why: string;

  constructor(name: string, rc: number) {
    const why = errnoText(rc, bpfAdvice(rc, NATIVELY));
    const mend = MEND[errnoName(rc)];
    const said = mend === undefined ? `${why}; try --mode generic` : errnoText(rc, mend);
    super(`attach to ${name} in native mode: ${said}`);
    this.why = why;
  }
}

/** How the program shall be on an interface, found before anything is changed. */
export interface Planned {
  readonly link: NetLink;
  /** Our link holds this very device already. */
  readonly standing: boolean;
  readonly chosen: ChosenMode;
  /** Generic mode does as well, should the driver refuse. */
  readonly anyMode: boolean;
  readonly tags: Tags;
  /** Hidden tags are no reason to refuse it. */
  readonly accepted: boolean;
}

/** What became of the VLAN tags of what comes in by an interface. */
export interface TagReport {
  /** `unseen`: it depends on somebody who is not in reach. */
  readonly state: 'seen' | 'hidden' | 'unseen';
  /** Offloads that were switched off for it, which `detach` puts back. */
  readonly switchedOff: readonly string[];
  readonly why?: string;
  readonly mend?: string;
}

export interface AttachedInterface {
  readonly name: string;
  readonly mode: 'native' | 'generic';
  readonly changed: boolean;
  readonly why: string;
  readonly tags: TagReport;
}

/** What is asked of an interface. */
export interface Asked {
  readonly mode: Mode;
  readonly acceptHiddenTags: boolean;
}

/** Decides how to attach to an interface, and refuses what cannot be. Errors: AttachError. */
export function planInterface(
  native: Native,
  paths: PinPaths,
  links: readonly NetLink[],
  link: NetLink,
  { mode, acceptHiddenTags }: Asked,
): Planned {
  const held = standingMode(native, paths, link);
  const chosen = held === undefined ? chooseMode(native, link, links, mode) : requireMode(link, held, mode);
  const tags = lookAtTags(native, link, links, chosen.mode);
  const accepted = acceptHiddenTags || acceptedBefore(native, paths, link);
  if (tags.state === 'fixed' && !accepted) throw hiddenTags(link.name, tags.why);
  return { link, standing: held !== undefined, chosen, anyMode: mode === 'auto', tags, accepted };
}

/** How our link holds this very device; undefined when none does. */
function standingMode(native: Native, paths: PinPaths, link: NetLink): 'native' | 'generic' | undefined {
  const pin = paths.link(link.name);
  if (!existsSync(pin) || linkIfindex(native, pin) !== link.ifindex) return undefined;
  return link.xdpMode === GENERIC ? 'generic' : 'native';
}

function acceptedBefore(native: Native, paths: PinPaths, { ifindex }: NetLink): boolean {
  using memory = TagMemory.find(native, paths);
  return memory?.accepts(ifindex) ?? false;
}

function requireMode(link: NetLink, standing: 'native' | 'generic', mode: Mode): ChosenMode {
  if (mode === 'auto' || mode === standing) return { mode: standing, why: 'attached already' };
  const how = `run \`shunt detach --interface ${shellWord(link.name)}\` first; packets pass unredirected in between`;
  throw new AttachError(`${link.name} is attached in ${standing} mode and ${mode} was asked for; ${how}`);
}

/** Attaches one interface at a time to a program whose maps stand. */
export class Loader {
  readonly #native: Native;
  readonly #paths: PinPaths;
  readonly #maps: OpenMaps;
  readonly #program: ProgramHandle;
  readonly #memory: TagMemory;
  readonly #links: readonly NetLink[];

  constructor(
    native: Native,
    paths: PinPaths,
    { maps, program, memory }: { maps: OpenMaps; program: ProgramHandle; memory: TagMemory },
    links: readonly NetLink[],
  ) {
    this.#native = native;
    this.#paths = paths;
    this.#maps = maps;
    this.#program = program;
    this.#memory = memory;
    this.#links = links;
  }

  /** Tags are shown before the program sees the first packet. Errors: AttachError, KernelError. */
  attach(planned: Planned): AttachedInterface {
    const { link, standing, chosen } = planned;
    const { name } = link;
    if (standing) {
      const report = this.#showTags(planned);
      const rezoned = addZone(this.#native, this.#paths, this.#maps, link);
      return { name, ...chosen, changed: rezoned || report.switchedOff.length > 0, tags: report };
    }
    const former = this.#formerZone(name);
    try {
      return this.#begin(planned, former);
    } catch (error) {
      if (!(error instanceof NativeRefused) || !planned.anyMode) throw error;
      return this.#begin(this.#generically(planned, error.why), former);
    }
  }

  #begin(planned: Planned, former: number | undefined): AttachedInterface {
    const { link, chosen } = planned;
    try {
      const report = this.#showTags(planned);
      moveBlinds(this.#native, this.#maps.control);
      addZone(this.#native, this.#paths, this.#maps, link, former);
      this.#pin(link, this.#create(link, chosen));
      return { name: link.name, ...chosen, changed: true, tags: report };
    } catch (error) {
      this.#forget();
      throw error;
    }
  }

  /** What hides tags is another matter in generic mode. */
  #generically({ link, accepted }: Planned, why: string): Planned {
    const asked = { mode: 'generic', acceptHiddenTags: accepted } as const;
    const planned = planInterface(this.#native, this.#paths, this.#links, link, asked);
    return { ...planned, chosen: { mode: 'generic', why: `its driver takes no program natively: ${why}` } };
  }

  /** The zone of a link whose device is gone, where a loader pinned it that noted no names, and it is certain. */
  #formerZone(name: string): number | undefined {
    if (!existsSync(this.#paths.link(name))) return undefined;
    using names = ZoneNames.find(this.#native, this.#paths);
    if (names?.of(readAbout(this.#native, this.#maps).zones).includes(name) === true) return undefined;
    unlinkSync(this.#paths.link(name));
    const [zone, ...others] = this.#forget();
    return others.length === 0 ? zone : undefined;
  }

  /** Takes back what was done for interfaces that no pinned link is for: detached, or never attached. Answers their zones. */
  #forget(): readonly number[] {
    const zones = dropZones(this.#native, this.#paths, this.#maps);
    this.#forgetTags();
    return zones;
  }

  #forgetTags(): void {
    this.#memory.restore(heldIfindexes(this.#native, this.#paths), this.#links);
  }

  /** The driver has the last word on what it calls changeable. */
  #showTags({ link, tags, accepted }: Planned): TagReport {
    const offloads = 'offloads' in tags ? tags.offloads : [];
    const left = offloads.filter((one) => !this.#memory.switchOff(one, link.ifindex));
    const switchedOff = offloads.filter((one) => !left.includes(one)).map((one) => namesOf([one]));
    const report =
      left.length === 0 ? reportOf(tags) : hidden(`its driver hides VLAN tags (left on: ${namesOf(left)})`);
    if (left.length > 0 && !accepted) throw hiddenTags(link.name, report.why ?? '');
    if (left.length > 0 || tags.state === 'fixed') this.#memory.accept(link.ifindex);
    return { ...report, switchedOff };
  }

  #create(link: NetLink, { mode }: ChosenMode): LinkHandle {
    const handle = this.#native.linkCreateXdp(this.#program, link.ifindex, FLAGS[mode]);
    if (typeof handle !== 'number') return handle;
    if (mode === 'native' && ATTACHING[errnoName(handle)] === undefined) throw new NativeRefused(link.name, handle);
    const advice = bpfAdvice(handle, ATTACHING);
    throw new AttachError(`attach to ${link.name} in ${mode} mode: ${errnoText(handle, advice)}`);
  }

  #pin(link: NetLink, handle: LinkHandle): void {
    const pin = this.#paths.link(link.name);
    const replaces = existsSync(pin); // its device is gone, and it has kept the zone
    if (replaces) unlinkSync(pin);
    const rc = this.#native.linkPin(handle, pin);
    this.#native.close(handle);
    requireDone(rc, 'pin', pin);
    chmodSync(pin, 0o600);
    if (replaces) this.#forgetTags();
  }
}

function reportOf(tags: Tags): Omit<TagReport, 'switchedOff'> {
  switch (tags.state) {
    case 'seen':
    case 'switchable':
      return { state: 'seen' };
    case 'fixed':
      return hidden(tags.why);
    case 'sender':
      return { state: 'hidden', why: tags.why, mend: tags.mend };
    case 'unseen':
      return { state: 'unseen', why: tags.why, mend: tags.mend };
  }
}

function hidden(why: string): Omit<TagReport, 'switchedOff'> {
  return { state: 'hidden', why };
}
