import type { Native } from '../../native/index.ts';
import type { ProgramName } from '../../protocol/status.ts';
import type { About } from './about.ts';
import { u32, viewOf } from './bytes.ts';
import { LITTLE_ENDIAN } from './check.ts';
import { requireDone } from './errno.ts';
import { requireLoaderMap } from './loader-map.ts';
import type { PinPaths } from './pins.ts';

/** Where in the one row stands what, and how long that is; the row is 64 bytes. */
const BESIDE = { at: 0, count: 2 };
const TAG = { at: 8, bytes: 8 };
const OBJECT = { at: 16, bytes: 16 };
const VERSION = { at: 32, bytes: 32 };
const ROW = 64;
/** BPF_MAP_TYPE_ARRAY. */
const MAKING = { type: 2, name: 'shunt_build', keySize: 4, valueSize: ROW, maxEntries: 1 };

/** What the loader says of the program that it put in force. */
export interface Build extends ProgramName {
  /** Of the object file that it was in: the first 16 bytes of its SHA-256, in hex. */
  readonly object: string;
  /** Ids of programs that are ours, too, while one of them takes the place of the one in `about`. */
  readonly beside: readonly number[];
}

/** Reads it; undefined where a loader of 0.1.0 wrote none or one was killed before it did, or this user may not read it. */
export function findBuild(native: Native, paths: PinPaths): Build | undefined {
  const map = native.mapOpen(paths.build, true);
  if (typeof map === 'number') return undefined;
  const row = native.mapLookupElem(map, u32(0), 0);
  native.close(map);
  if (typeof row === 'number') return undefined;
  const build = decodeBuild(row);
  return build.version === '' ? undefined : build;
}

/** Ids of every program that is ours now. */
export function programsOf({ program }: Pick<About, 'program'>, build: Build | undefined): readonly number[] {
  return [program, ...(build?.beside ?? [])];
}

/** Writes it whole, into a map of the loader's that is made where it is not; the group of the maps may read it. Errors: KernelError. */
export function writeBuild(native: Native, paths: PinPaths, gid: number, build: Build): void {
  const map = requireLoaderMap(native, paths.build, gid, MAKING);
  const rc = native.mapUpdateElem(map, u32(0), encodeBuild(build), 0);
  native.close(map);
  requireDone(rc, 'map update', paths.build);
}

/** Errors: RangeError for what has no room, or is no hex of its length. */
export function encodeBuild({ version, tag, object, beside }: Build): Uint8Array {
  const row = new Uint8Array(ROW);
  const view = new DataView(row.buffer);
  const name = new TextEncoder().encode(version);
  if (name.length > VERSION.bytes || beside.length > BESIDE.count) throw new RangeError(`no room for ${version}`);
  for (const [i, id] of beside.entries()) view.setUint32(BESIDE.at + 4 * i, id, LITTLE_ENDIAN);
  row.set(bytesOf(tag, TAG.bytes), TAG.at);
  row.set(bytesOf(object, OBJECT.bytes), OBJECT.at);
  row.set(name, VERSION.at);
  return row;
}

export function decodeBuild(row: Uint8Array): Build {
  const view = viewOf(row);
  const part = ({ at, bytes }: { at: number; bytes: number }): Buffer => Buffer.from(row.subarray(at, at + bytes));
  const beside = Array.from({ length: BESIDE.count }, (_, i) => view.getUint32(BESIDE.at + 4 * i, LITTLE_ENDIAN));
  return {
    version: part(VERSION).toString('utf8').replace(/\0.*$/s, ''),
    tag: part(TAG).toString('hex'),
    object: part(OBJECT).toString('hex'),
    beside: beside.filter((id) => id !== 0),
  };
}

function bytesOf(hex: string, length: number): Uint8Array {
  const bytes = Buffer.from(hex, 'hex');
  if (bytes.length !== length) throw new RangeError(`${hex} is not ${length} bytes of hex`);
  return bytes;
}
