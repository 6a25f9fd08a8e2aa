/** Between lists of shapes and the bytes of the map `shapes`, where each shape is compiled to what a key is made with. */
import type { Family } from '../../protocol/match.ts';
import type { Shape } from '../../protocol/shape.ts';
import { KEY_FLAGS, LIMITS, STRUCTS } from './abi.ts';
import { viewOf } from './bytes.ts';
import { LITTLE_ENDIAN } from './check.ts';
import { maskBytes } from './layout.ts';

const { KEY_PROTO, KEY_SPORT, KEY_DPORT, KEY_IN } = KEY_FLAGS;
const LISTS = {
  4: { ...STRUCTS.shapes4, first: STRUCTS.shapes.four, each: STRUCTS.shape4, key: STRUCTS.key4 },
  6: { ...STRUCTS.shapes6, first: STRUCTS.shapes.six, each: STRUCTS.shape6, key: STRUCTS.key6 },
} as const;

/** Where in the map one of the two lists of a family is. */
export function listAt(family: Family, which: 0 | 1): { readonly offset: number; readonly length: number } {
  const { first, size } = LISTS[family];
  return { offset: first + which * size, length: size };
}

/**
 * Encodes one list of live shapes of a family, in the order given: most specific first.
 * Errors: RangeError for more than SHAPES_MAX, or a shape of the other family.
 */
export function encodeShapes(family: Family, shapes: readonly Shape[]): Uint8Array {
  const list = LISTS[family];
  const bytes = new Uint8Array(list.size);
  if (shapes.length > LIMITS.SHAPES_MAX) throw new RangeError(`${shapes.length} shapes, at most ${LIMITS.SHAPES_MAX}`);
  viewOf(bytes).setBigUint64(list.count, BigInt(shapes.length), LITTLE_ENDIAN);
  for (const [index, shape] of shapes.entries()) {
    if (shape.family !== family) throw new RangeError(`a shape of IPv${shape.family} among those of IPv${family}`);
    bytes.set(compile(shape), list.shape + index * list.each.size);
  }
  return bytes;
}

/** Ones where a field counts, and then what its keys all hold in their last word. */
function compile({ family, srcLen, dstLen, proto, sport, dport, in: ingress }: Shape): Uint8Array {
  const { key, each } = LISTS[family];
  const bytes = new Uint8Array(each.size);
  const mask = bytes.subarray(each.mask, each.mask + key.size);
  mask.set(maskBytes(family, srcLen), key.src);
  mask.set(maskBytes(family, dstLen), key.dst);
  if (sport) viewOf(mask).setUint16(key.sport, 0xffff);
  if (dport) viewOf(mask).setUint16(key.dport, 0xffff);
  if (proto) mask[key.proto] = 0xff;
  bytes[each.src_len] = srcLen;
  bytes[each.dst_len] = dstLen;
  bytes[each.flags] =
    (proto ? KEY_PROTO : 0) | (sport ? KEY_SPORT : 0) | (dport ? KEY_DPORT : 0) | (ingress ? KEY_IN : 0);
  return bytes;
}

/** Decodes a list of shapes; compare `encodeShapes` of it with the bytes to know that they held nothing else. */
export function decodeShapes(family: Family, bytes: Uint8Array): Shape[] {
  const list = LISTS[family];
  const view = viewOf(bytes);
  const said = view.getBigUint64(list.count, LITTLE_ENDIAN);
  const count = said < LIMITS.SHAPES_MAX ? Number(said) : LIMITS.SHAPES_MAX;
  return Array.from({ length: count }, (_, index) => {
    const at = list.shape + index * list.each.size;
    const flags = view.getUint8(at + list.each.flags);
    return {
      family,
      srcLen: view.getUint8(at + list.each.src_len),
      dstLen: view.getUint8(at + list.each.dst_len),
      proto: (flags & KEY_PROTO) !== 0,
      sport: (flags & KEY_SPORT) !== 0,
      dport: (flags & KEY_DPORT) !== 0,
      in: (flags & KEY_IN) !== 0,
    };
  });
}
