import type { Native } from '../../native/index.ts';
import type { ProgramName } from '../../protocol/status.ts';
import { LIMITS } from '../kernel/abi.ts';
import { findBuild } from '../kernel/build.ts';
import type { Head } from '../kernel/succession.ts';
import { DEFAULT_SLOTS } from '../model/limits.ts';
import type { AttachOptions } from './attach.ts';
import { check } from './check.ts';
import { memoryBytes } from './memory.ts';
import { onlineCpus, ownBuild } from './object.ts';
import { pinnedInterfaces } from './zones.ts';

/** What `attach` would do. */
export interface Prospect {
  readonly pinRoot: string;
  readonly interfaces: readonly {
    readonly name: string;
    readonly change: 'attach' | 'none';
    readonly mode: 'native' | 'generic';
    readonly why: string;
  }[];
  readonly program: {
    /** Absent where none is in force, or one of an older release. */
    readonly from?: ProgramName;
    readonly to: Pick<ProgramName, 'version'>;
    /** Interfaces that would run another one. */
    readonly switches: readonly string[];
  };
  readonly maps: {
    readonly from?: Pick<Head, 'layout' | 'slots'>;
    readonly to: Pick<Head, 'layout' | 'slots'>;
    /** An agent has to fill new ones. */
    readonly replaced: boolean;
  };
  /** Estimated kernel memory of the maps. */
  readonly memoryBytes: number;
}

/** Finds what `attach` would do, and refuses what it would. Errors: AttachError, KernelError; nothing is changed. */
export function prospect(native: Native, options: AttachOptions): Prospect {
  const { planned, stood } = check(native, options);
  const from = stood && { layout: stood.layout, slots: stood.slots };
  const to = { layout: LIMITS.SHUNT_LAYOUT, slots: options.maxRedirects ?? from?.slots ?? DEFAULT_SLOTS };
  const replaced = from !== undefined && (from.layout !== to.layout || from.slots !== to.slots);
  const build = stood && findBuild(native, stood.paths);
  const own = ownBuild();
  const isOther = stood !== undefined && (replaced || build?.object !== own?.object);
  return {
    pinRoot: options.pinRoot,
    interfaces: planned.map(({ link, standing, chosen }) => {
      return { name: link.name, change: standing ? 'none' : 'attach', mode: chosen.mode, why: chosen.why };
    }),
    program: {
      ...(build !== undefined && { from: { version: build.version, tag: build.tag } }),
      to: { version: own?.version ?? '' },
      switches: isOther ? pinnedInterfaces(stood.paths) : [],
    },
    maps: { ...(from !== undefined && { from }), to, replaced },
    memoryBytes: memoryBytes(to.slots, stood?.cpuRows ?? onlineCpus()),
  };
}
