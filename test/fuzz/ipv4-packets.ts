/** IPv4 packets for `frames.ts`. */
import { internetChecksum } from '../support/packets.ts';
import type { Draw } from './draw.ts';
import { type Aim, drawAddress, drawHops, drawProto, drawUpper, fill, word } from './upper-layers.ts';
import type { World } from './world.ts';

/** Whole, with flags that do not matter, and fragments: first, later, last, at an offset of any single bit. */
const WHOLE = [0, 0, 0, 0x4000, 0x8000, 0xc000] as const;
const FRAGMENTS = [0x2000, 0x2000, 0x2001, 0x1fff, 0x3fff, 0x6000] as const;
/** Where adding to it carries: RFC 1624 is about these, and those near them. */
const CHECKSUMS = [0, 0xffff, 0xfeff, 0xfefe, 0xff00, 0x00ff, 0x0100, 0xfffe] as const;
const EDGE = 0xf0;

export function drawIpv4(draw: Draw, world: World, aim: Aim): Uint8Array {
  const proto = drawProto(draw, world, aim);
  const options = draw.once(4) ? draw.bytes(4 * draw.between(1, 10)) : new Uint8Array();
  const data = fill(draw, world, 20 + options.length, drawUpper(draw, world, proto, aim));
  const length = 20 + options.length + data.length;
  const words = draw.mostly(5 + options.length / 4, [0, 4, 5, 6, 10, 15], 40);
  const header = Uint8Array.from([
    (draw.mostly(4, [0, 5, 6, 15], 60) << 4) | words,
    draw.below(256),
    ...word(drawLength(draw, length, words * 4)),
    ...draw.bytes(2),
    ...word(draw.mostly(draw.of(WHOLE), [...FRAGMENTS, 1 << draw.below(13), 1 << draw.below(13)], 4)),
    drawHops(draw),
    proto,
    ...[0, 0],
    ...drawAddress(draw, world, 4, aim.src),
    ...drawAddress(draw, world, 4, aim.dst),
    ...options,
  ]);
  header.set(word(drawChecksum(draw, header)), 10);
  return Uint8Array.from([...header, ...data]);
}

function drawChecksum(draw: Draw, header: Uint8Array): number {
  const near = [(draw.between(EDGE, 0xff) << 8) | 0xff, 0xff00 | draw.between(EDGE, 0xff), draw.below(0x10000)];
  return draw.mostly(internetChecksum(header), [...CHECKSUMS, ...near, ...near], 3);
}

/** Mostly right; else around the packet, the header, and nothing. */
function drawLength(draw: Draw, length: number, header: number): number {
  const near = [length - 1, length + 1, header - 1, header, header + 3, header + 4, 0, 19, 20, 0xffff];
  return draw.mostly(length, near, 10) & 0xffff;
}
