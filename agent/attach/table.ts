import { totalmem } from 'node:os';
import { LIMITS } from '../kernel/abi.ts';
import type { Config } from '../kernel/about.ts';
import type { Head } from '../kernel/succession.ts';
import { AttachError } from './attach-error.ts';
import { memoryBytes, rowBitsFor } from './memory.ts';
import type { Standing } from './standing.ts';

/** The part of RAM that the maps may take. */
const RAM_PART = 1 / 16;

/** Whether there is to be a table in front of the redirect maps. */
export type TableWish = 'on' | 'off';

/** Whether there is one; `short`: none, for with one the maps would take more of RAM than they may. */
export type TableState = 'on' | 'off' | 'short';

/** What maps of so many slots are made with. Unless a table is asked for, there is none where RAM is short. Errors: AttachError. */
export function planMaps(
  sizes: Omit<Config, 'rowBits'>,
  wish: TableWish | undefined,
  ramBytes: number = totalmem(),
): Config {
  const [small, large] = [0, rowBitsFor(sizes.slots)].map((rowBits) => ({ ...sizes, rowBits })) as [Config, Config];
  const planned = wish !== 'off' && (wish === 'on' || fits(large, ramBytes)) ? large : small;
  if (fits(planned, ramBytes)) return planned;
  const mib = (n: number): string => `${Math.ceil(n / 2 ** 20)} MiB`;
  const how = planned === large ? 'lower --max-redirects, or leave out --table on' : 'lower --max-redirects';
  throw new AttachError(
    `the maps would take ${mib(memoryBytes(planned))}, more than 1/16 of RAM (${mib(ramBytes * RAM_PART)}); ${how}`,
  );
}

/** Says of maps whether they have a table, and whether that is for want of RAM. */
export function tableOf(maps: Config, wish: TableWish | undefined, ramBytes: number = totalmem()): TableState {
  if (maps.rowBits !== 0) return 'on';
  return wish === undefined && !fits({ ...maps, rowBits: rowBitsFor(maps.slots) }, ramBytes) ? 'short' : 'off';
}

/** What is asked of maps that stand. */
export interface AskedMaps {
  /** Undefined: as many as there are. */
  readonly slots: number | undefined;
  /** Undefined: as there is, or one where RAM is not short. */
  readonly table: TableWish | undefined;
}

/** Whether maps of this layout stand that are as asked for. */
export function areAsAsked(
  stood: Pick<Standing, 'layout' | 'slots' | 'rowBits'>,
  { slots = stood.slots, table }: AskedMaps,
): boolean {
  const hasTable = (stood.rowBits ?? 0) > 0;
  return (
    stood.layout === LIMITS.SHUNT_LAYOUT &&
    stood.slots === slots &&
    (table === undefined || (table === 'on') === hasTable)
  );
}

/** What those are made with that take their place. Maps that have no table though there was room for one were made without. */
export function planNext(
  { slots: had, cpuRows, rowBits }: Pick<Standing, 'slots' | 'cpuRows' | 'rowBits'>,
  { slots = had, table }: AskedMaps,
  ramBytes: number = totalmem(),
): Config {
  const wasOff = rowBits !== undefined && tableOf({ slots: had, cpuRows, rowBits }, undefined, ramBytes) === 'off';
  return planMaps({ slots, cpuRows }, table ?? (wasOff ? 'off' : undefined), ramBytes);
}

/** What is told of a set of maps. */
export interface Told extends Pick<Head, 'layout' | 'slots'> {
  /** Whether it has a table; absent where that is not known. */
  readonly table?: boolean;
}

export function toldOf({ layout, slots, rowBits }: Pick<Standing, 'layout' | 'slots' | 'rowBits'>): Told {
  return { layout, slots, ...(rowBits !== undefined && { table: rowBits > 0 }) };
}

function fits(maps: Config, ramBytes: number): boolean {
  return memoryBytes(maps) <= ramBytes * RAM_PART;
}
