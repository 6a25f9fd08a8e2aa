/** Frames by the grammar of Ethernet and IP, with fields that are near the edges of what is right, and now and then beyond. */
import type { Family } from '../../protocol/address.ts';
import { readLink } from '../reference/link.ts';
import type { State } from '../reference/state.ts';
import { type Draw, flipBit } from './draw.ts';
import { drawIpv4 } from './ipv4-packets.ts';
import { drawIpv6 } from './ipv6-packets.ts';
import { type Aim, word } from './upper-layers.ts';
import type { World } from './world.ts';

/**
 * A test-run takes no frame that is shorter, and puts what is beyond 3,520 bytes where this program does not see it: a page
 * has no more room between what is kept free before and behind (net/bpf/test_run.c).
 */
export const SHORTEST = 14;
const LONGEST = 3_520;
const TAG_TYPES = [0x8100, 0x88a8] as const;
const ODD_TYPES = [0x9100, 0x0806, 0x0801, 0x86dc, 0x8847, 0x0060, 0x0000, 0xffff] as const;
const TYPES = { 4: 0x0800, 6: 0x86dd } as const;
/** Priorities alone, and VLANs. */
const [NO_VLANS, VLANS] = [
  [0, 0xe000, 0x1000],
  [1, 0x0800, 0x0fff, 0xe100],
] as const;

/** One as a station may have sent it, or nearly so. */
export function drawFrame(draw: Draw, world: World, { entries }: State): Uint8Array {
  const aim: Aim = draw.once(4) ? {} : draw.of(entries).key;
  const family: Family = aim.src?.family ?? (draw.once(2) ? 4 : 6);
  const packet = family === 4 ? drawIpv4(draw, world, aim) : drawIpv6(draw, world, aim);
  const type = draw.mostly(TYPES[family], [...ODD_TYPES, ...Object.values(TYPES)], 40);
  const padding = draw.once(4) ? draw.bytes(draw.between(1, 24)) : [];
  const head = [...drawMacs(draw, world), ...drawTags(draw), type >> 8, type & 0xff];
  return Uint8Array.from([...head, ...packet, ...padding]).subarray(0, LONGEST);
}

function drawMacs(draw: Draw, world: World): number[] {
  const mac = () => draw.of(draw.once(5) ? world.macs : world.otherMacs);
  const destination = mac();
  return [(destination[0] ?? 0) | Number(draw.once(40)), ...destination.subarray(1), ...mac()];
}

function drawTags(draw: Draw): number[] {
  const count = draw.mostly(0, [1, 1, 1, 1, 1, 2, 2, 2, 3], 3);
  const inVlan = draw.once(2);
  return draw
    .list(count, () => {
      const type = draw.mostly(draw.of(TAG_TYPES), ODD_TYPES, 30);
      const tci = draw.of(inVlan ? [...VLANS, 0] : NO_VLANS);
      return [type >> 8, type & 0xff, tci >> 8, tci & 0xff];
    })
    .flat();
}

const BYTES = [0, 1, 2, 0x7f, 0x80, 0xfe, 0xff] as const;

const MUTATIONS: readonly ((draw: Draw, bytes: Uint8Array) => Uint8Array)[] = [
  (draw, bytes) => flipBit(bytes, draw.below(bytes.length * 8)),
  (draw, bytes) => bytes.with(draw.below(bytes.length), draw.of(BYTES)),
  (draw, bytes) => bytes.with(draw.below(bytes.length), draw.below(256)),
  // The header, where most is decided.
  (draw, bytes) => bytes.with(draw.below(Math.min(64, bytes.length)), draw.of(BYTES)),
  (draw, bytes) => flipBit(bytes, draw.below(Math.min(64, bytes.length) * 8)),
  (draw, bytes) => bytes.subarray(0, draw.between(SHORTEST, bytes.length)),
  (draw, bytes) => Uint8Array.from([...bytes, ...draw.bytes(draw.between(1, 40))]),
  (draw, bytes) => {
    const at = draw.between(SHORTEST - 2, bytes.length - 1);
    return Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + draw.of([1, 2, 4, 8]))]);
  },
  (draw, bytes) => {
    const at = draw.between(SHORTEST - 2, bytes.length);
    return Uint8Array.from([...bytes.subarray(0, at), ...draw.bytes(draw.of([1, 2, 4, 8])), ...bytes.subarray(at)]);
  },
];

/** A frame that has been damaged a few times; half of them still have a length that fits, so that more is read of them. */
export function mutate(draw: Draw, frame: Uint8Array): Uint8Array {
  let bytes = frame;
  for (let times = draw.of([1, 1, 2, 4]); times > 0; times -= 1) bytes = draw.of(MUTATIONS)(draw, bytes);
  if (bytes.length < SHORTEST) return frame;
  const whole = bytes.subarray(0, LONGEST);
  return draw.once(2) ? whole : withRightLength(whole);
}

/** The IP header says that the packet ends with the frame. */
export function withRightLength(frame: Uint8Array): Uint8Array {
  const { carries, payload } = readLink(frame);
  const bytes = frame.slice();
  const packet = bytes.subarray(bytes.length - payload.length);
  if (carries === 'IPv4' && packet.length >= 20) packet.set(word(packet.length), 2);
  if (carries === 'IPv6' && packet.length >= 40) packet.set(word(packet.length - 40), 4);
  return bytes;
}

/** A frame cut at each of its bytes. */
export function cuts(frame: Uint8Array): readonly Uint8Array[] {
  return Array.from({ length: frame.length - SHORTEST }, (_, at) => frame.subarray(0, SHORTEST + at));
}
