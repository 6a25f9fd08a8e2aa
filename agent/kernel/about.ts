import { LIMITS, STRUCTS } from './abi.ts';
import { viewOf } from './bytes.ts';
import { LITTLE_ENDIAN } from './check.ts';

/** The maps whose ids the loader tells. */
export const TOLD_MAPS = [
  'redirect4',
  'redirect6',
  'stats',
  'ports',
  'shapes',
  'control',
  'verdicts',
  'losses',
] as const;

/** What the loader says of the maps that it made: the content of `about`, which the agent may only read. */
export interface About {
  readonly layout: number;
  /** Jiffies a second. */
  readonly hz: number;
  readonly slots: number;
  /** CPUs with a row of their own in `stats`; one shared row follows. */
  readonly cpuRows: number;
  /** Inode of the network namespace. */
  readonly netns: bigint;
  /** Map ids. */
  readonly maps: Readonly<Record<(typeof TOLD_MAPS)[number], number>>;
  /** Id of the attached program. */
  readonly program: number;
  /** Ifindex by zone; zone 0 is "any" and stays 0; 0 is unused. */
  readonly zones: readonly number[];
  /** 16 random bytes made with the maps, in hex. */
  readonly instance: string;
}

/** Errors: RangeError for more than ZONES_MAX zones or an instance that is not 16 bytes of hex. */
export function encodeAbout(about: About): Uint8Array {
  const at = STRUCTS.about;
  const bytes = new Uint8Array(at.size);
  const view = new DataView(bytes.buffer);
  const instance = Uint8Array.from(about.instance.match(/[0-9a-f]{2}/g) ?? [], (hex) => Number.parseInt(hex, 16));
  if (about.zones.length > LIMITS.ZONES_MAX) throw new RangeError(`${about.zones.length} zones`);
  if (instance.length !== 16) throw new RangeError(`instance ${about.instance}`);
  view.setUint32(at.layout, about.layout, LITTLE_ENDIAN);
  view.setUint32(at.hz, about.hz, LITTLE_ENDIAN);
  view.setUint32(at.slots, about.slots, LITTLE_ENDIAN);
  view.setUint32(at.cpu_rows, about.cpuRows, LITTLE_ENDIAN);
  view.setBigUint64(at.netns, about.netns, LITTLE_ENDIAN);
  for (const name of TOLD_MAPS) view.setUint32(at[`map_${name}`], about.maps[name], LITTLE_ENDIAN);
  view.setUint32(at.program, about.program, LITTLE_ENDIAN);
  for (const [zone, ifindex] of about.zones.entries()) view.setUint32(at.zone + zone * 4, ifindex, LITTLE_ENDIAN);
  bytes.set(instance, at.instance);
  return bytes;
}

export function decodeAbout(bytes: Uint8Array): About {
  const at = STRUCTS.about;
  const view = viewOf(bytes);
  const word = (offset: number) => view.getUint32(offset, LITTLE_ENDIAN);
  return {
    layout: word(at.layout),
    hz: word(at.hz),
    slots: word(at.slots),
    cpuRows: word(at.cpu_rows),
    netns: view.getBigUint64(at.netns, LITTLE_ENDIAN),
    maps: Object.fromEntries(TOLD_MAPS.map((name) => [name, word(at[`map_${name}`])])) as About['maps'],
    program: word(at.program),
    zones: Array.from({ length: LIMITS.ZONES_MAX }, (_, zone) => word(at.zone + zone * 4)),
    instance: Array.from(bytes.subarray(at.instance, at.instance + 16), (b) => b.toString(16).padStart(2, '0')).join(
      '',
    ),
  };
}

/** The program's read-only config. */
export interface Config {
  readonly slots: number;
  readonly cpuRows: number;
  /** A half of a table has 2 to this power rows; 0: there is no table. */
  readonly rowBits: number;
}

/** What the loader writes at the start of `.rodata` before load. */
export function encodeConfig(config: Config): Uint8Array {
  const bytes = new Uint8Array(STRUCTS.config.size);
  const view = new DataView(bytes.buffer);
  view.setUint32(STRUCTS.config.slots, config.slots, LITTLE_ENDIAN);
  view.setUint32(STRUCTS.config.cpu_rows, config.cpuRows, LITTLE_ENDIAN);
  view.setUint32(STRUCTS.config.row_bits, config.rowBits, LITTLE_ENDIAN);
  return bytes;
}
