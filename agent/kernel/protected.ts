import type { MapHandle, MemoryHandle, Native } from '../../native/index.ts';
import { formatPrefix, parsePrefix, requirePrefix } from '../../protocol/address.ts';
import { type Family, familyOf, type Match, protoNumber, protoOf } from '../../protocol/match.ts';
import type { OpResult } from '../model/op.ts';
import { KEY_FLAGS, LIMITS, STRUCTS } from './abi.ts';
import { viewOf } from './bytes.ts';
import { LITTLE_ENDIAN } from './check.ts';
import { requireDone, requireValue } from './errno.ts';
import { awaitPackets } from './grace.ts';
import { fixedBy, maskBytes } from './layout.ts';

const AT = STRUCTS.protects;
const EACH = { 4: STRUCTS.protected4, 6: STRUCTS.protected6 } as const;
const FIRST = { 4: AT.four, 6: AT.six } as const;
const COUNT = { 4: AT.count4, 6: AT.count6 } as const;
const { KEY_PROTO, KEY_SPORT, KEY_DPORT } = KEY_FLAGS;

/**
 * Encodes what the program compares packets with, of both families; the word `live` stays 0. Errors: RangeError for more of a
 * family than PROTECTED_MAX.
 */
export function encodeProtected(matches: readonly Match[]): Uint8Array {
  const bytes = new Uint8Array(AT.size);
  const view = new DataView(bytes.buffer);
  for (const family of [4, 6] as const) {
    const mine = matches.filter((match) => familyOf(match) === family);
    if (mine.length > LIMITS.PROTECTED_MAX) throw new RangeError(`${mine.length} matches of IPv${family}`);
    view.setUint32(COUNT[family], mine.length, LITTLE_ENDIAN);
    for (const [index, match] of mine.entries())
      bytes.set(encodeOne(family, match), FIRST[family] + index * EACH[family].size);
  }
  return bytes;
}

function encodeOne(family: Family, match: Match): Uint8Array {
  const at = EACH[family];
  const bytes = new Uint8Array(at.size);
  const view = new DataView(bytes.buffer);
  for (const way of ['src', 'dst'] as const) {
    const prefix = requirePrefix(match[way]);
    bytes.set(prefix.bytes, at[way]);
    bytes.set(maskBytes(family, prefix.len), at[`${way}_mask`]);
  }
  view.setUint16(at.sport, match.sport ?? 0);
  view.setUint16(at.dport, match.dport ?? 0);
  bytes[at.proto] = match.proto === undefined ? 0 : protoNumber(match.proto);
  bytes[at.flags] = fixedBy(match);
  return bytes;
}

/** Decodes it; compare `encodeProtected` of it with the bytes to know that they held nothing else. */
export function decodeProtected(bytes: Uint8Array): Match[] {
  const view = viewOf(bytes);
  return ([4, 6] as const).flatMap((family) => {
    const { size } = EACH[family];
    const count = Math.min(view.getUint32(COUNT[family], LITTLE_ENDIAN), LIMITS.PROTECTED_MAX);
    return Array.from({ length: count }, (_, index) => {
      const from = FIRST[family] + index * size;
      return decodeOne(family, bytes.subarray(from, from + size));
    });
  });
}

function decodeOne(family: Family, bytes: Uint8Array): Match {
  const at = EACH[family];
  const view = viewOf(bytes);
  const length = at.dst - at.src;
  const prefix = (way: 'src' | 'dst'): string => {
    const mask = bytes.subarray(at[`${way}_mask`], at[`${way}_mask`] + length);
    const len = mask.reduce((bits, byte) => bits + (ONES[byte] ?? 0), 0);
    const text = formatPrefix({ family, bytes: bytes.slice(at[way], at[way] + length), len });
    return parsePrefix(text) === undefined ? formatPrefix({ family, bytes: new Uint8Array(length), len: 0 }) : text;
  };
  const flags = bytes[at.flags] ?? 0;
  return {
    src: prefix('src'),
    dst: prefix('dst'),
    ...(flags & KEY_PROTO && { proto: protoOf(bytes[at.proto] ?? 0) }),
    ...(flags & KEY_SPORT && { sport: view.getUint16(at.sport) }),
    ...(flags & KEY_DPORT && { dport: view.getUint16(at.dport) }),
  };
}

/** How many bits of a byte are set. */
const ONES: Readonly<Record<number, number>> = Array.from(
  { length: 256 },
  (_, byte) => byte.toString(2).replaceAll('0', '').length,
);

/** The map `protect`: two lists of protected matches, one of them live. */
export class ProtectedList {
  readonly #native: Native;
  readonly #memory: MemoryHandle;
  /** The idle list may still be read by a packet that began before the last publication. */
  #settling = false;

  constructor(native: Native, map: MapHandle) {
    this.#native = native;
    this.#memory = requireValue(native.mapMmap(map, true), 'mmap', 'protect');
  }

  /** The live list; undefined unless every byte is as we write it. */
  read(): readonly Match[] | undefined {
    const bytes = this.#readAt(this.#live() * AT.size, AT.size).slice();
    bytes.fill(0, AT.live, AT.live + 4);
    const matches = decodeProtected(bytes);
    return Buffer.compare(encodeProtected(matches), bytes) === 0 ? matches : undefined;
  }

  /** Writes the idle list whole, then makes it the live one by one aligned store. */
  publish(matches: readonly Match[]): OpResult {
    if (this.#settling) awaitPackets(this.#native, 'protect');
    const idle = this.#live() === 0 ? 1 : 0;
    const list = encodeProtected(matches).subarray(AT.count4);
    requireDone(this.#native.memoryWrite(this.#memory, idle * AT.size + AT.count4, list), 'write', 'protect');
    requireDone(this.#native.memoryStoreU32(this.#memory, AT.live, idle), 'store', 'protect');
    this.#settling = true;
    return { done: true };
  }

  #live(): 0 | 1 {
    const bytes = this.#readAt(AT.live, 4);
    return (bytes[0] ?? 0) & 1 ? 1 : 0;
  }

  #readAt(offset: number, length: number): Uint8Array {
    return requireValue(this.#native.memoryRead(this.#memory, offset, length), 'read', 'protect');
  }
}
