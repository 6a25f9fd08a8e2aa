/** IPv6 packets for `frames.ts`. */
import type { Draw } from './draw.ts';
import { type Aim, drawAddress, drawHops, drawProto, drawUpper, fill, word } from './upper-layers.ts';
import type { World } from './world.ts';

const [HOP_BY_HOP, FRAGMENT, AUTHENTICATION] = [0, 44, 51];
/** Hop-by-hop, routing, destination options, mobility: as long as they say, in units of 8 bytes. */
const OPTIONS = [HOP_BY_HOP, 43, 60, 60, 135] as const;
/** Offset and flags of the Fragment header: alone, first, later, last, with the reserved bits. */
const FRAGMENTS = [0, 0, 0x0006, 0x0001, 0x0001, 0x0008, 0x0009, 0x0010, 0xfff8, 0xfff9, 0x8000] as const;

interface Header {
  readonly type: number;
  /** The first byte is to say what comes next. */
  readonly bytes: Uint8Array;
}

export function drawIpv6(draw: Draw, world: World, aim: Aim): Uint8Array {
  const proto = drawProto(draw, world, aim);
  const count = draw.mostly(0, [1, 1, 1, 2, 2, 3, 4, 5, 6, 6, 7, 8], 2);
  const headers = draw.list(count, () => drawHeader(draw));
  const types = [...headers.map(({ type }) => type), proto];
  const chain = headers.flatMap(({ bytes }, at) => [types[at + 1] ?? 0, ...bytes.subarray(1)]);
  const data = fill(draw, world, 40 + chain.length, drawUpper(draw, world, proto, aim));
  const length = chain.length + data.length;
  // With a hop-by-hop header a length of 0 is a jumbogram's.
  const isJumbogram = types[0] === HOP_BY_HOP && draw.once(4);
  return Uint8Array.from([
    (draw.mostly(6, [0, 4, 5, 7, 15], 60) << 4) | draw.below(16),
    ...draw.bytes(3),
    ...word(isJumbogram ? 0 : drawLength(draw, length, chain.length)),
    types[0] ?? 0,
    drawHops(draw),
    ...drawAddress(draw, world, 6, aim.src),
    ...drawAddress(draw, world, 6, aim.dst),
    ...chain,
    ...data,
  ]);
}

/** Mostly right; else around the packet, its headers, and nothing. */
function drawLength(draw: Draw, length: number, headers: number): number {
  const near = [length - 1, length + 1, headers - 1, headers, headers + 3, headers + 4, 0, 1, 7, 8, 0xffff];
  return draw.mostly(length, near, 8) & 0xffff;
}

function drawHeader(draw: Draw): Header {
  if (draw.once(3)) return drawFragment(draw);
  if (draw.once(3)) return drawSized(draw, AUTHENTICATION, draw.between(0, 6), (units) => (units + 2) * 4);
  const units = draw.mostly(draw.below(3), [8, 30, 255], 20);
  return drawSized(draw, draw.of(OPTIONS), units, (said) => (said + 1) * 8);
}

/** As long as it says, mostly. */
function drawSized(draw: Draw, type: number, units: number, length: (units: number) => number): Header {
  const bytes = draw.bytes(length(units));
  bytes[1] = draw.mostly(units, [units + 1, units - 1, 0, 255], 20) & 0xff;
  return { type, bytes };
}

/** Its second byte is no length. */
function drawFragment(draw: Draw): Header {
  const bytes = draw.bytes(8);
  bytes.set(word(draw.mostly(draw.of(FRAGMENTS), [1 << draw.below(16)], 4)), 2);
  return { type: FRAGMENT, bytes };
}
