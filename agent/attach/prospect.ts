import type { Native } from '../../native/index.ts';
import type { ProgramName } from '../../protocol/status.ts';
import { LIMITS } from '../kernel/abi.ts';
import type { Config } from '../kernel/about.ts';
import { findBuild } from '../kernel/build.ts';
import { DEFAULT_SLOTS } from '../model/limits.ts';
import type { AttachOptions } from './attach.ts';
import { check } from './check.ts';
import { memoryBytes } from './memory.ts';
import { onlineCpus, ownBuild } from './object.ts';
import type { Standing } from './standing.ts';
import { type AskedMaps, areAsAsked, planMaps, planNext, type Told, toldOf } from './table.ts';
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
    readonly from?: Told;
    readonly to: Told;
    /** An agent has to fill new ones. */
    readonly replaced: boolean;
  };
  /** Estimated kernel memory of the maps. */
  readonly memoryBytes: number;
}

/** Finds what `attach` would do, and refuses what it would. Errors: AttachError, KernelError; nothing is changed. */
export function prospect(native: Native, options: AttachOptions): Prospect {
  const { planned, stood } = check(native, options);
  const asked = { slots: options.maxRedirects, table: options.table };
  const stands = stood !== undefined && areAsAsked(stood, asked);
  const maps = stands ? { ...stood, rowBits: stood.rowBits ?? 0 } : planOf(stood, asked);
  const replaced = stood !== undefined && !stands;
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
    maps: {
      ...(stood !== undefined && { from: toldOf(stood) }),
      to: toldOf({ ...maps, layout: LIMITS.SHUNT_LAYOUT }),
      replaced,
    },
    memoryBytes: memoryBytes(maps),
  };
}

function planOf(stood: Standing | undefined, asked: AskedMaps): Config {
  if (stood !== undefined) return planNext(stood, asked);
  return planMaps({ slots: asked.slots ?? DEFAULT_SLOTS, cpuRows: onlineCpus() }, asked.table);
}
