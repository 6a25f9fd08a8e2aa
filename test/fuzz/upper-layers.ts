/** What packets of both families have. */
import type { Family, Prefix } from '../../protocol/address.ts';
import type { Key } from '../reference/state.ts';
import { type Draw, flipBit } from './draw.ts';
import type { World } from './world.ts';

const [ICMP, UDP, ICMP6] = [1, 17, 58];
/** Around neighbour discovery and MLD. */
const ICMP6_TYPES = [128, 129, 130, 131, 132, 133, 134, 135, 136, 137, 138, 142, 143, 144, 2, 3, 7, 9] as const;

/** The redirect that a packet is to hit, or none. */
export type Aim = Partial<Key>;

export function drawAddress(draw: Draw, world: World, family: Family, aim: Prefix | undefined): Uint8Array {
  const address = draw.of(world.addresses[family]);
  const near = aim === undefined ? address : inside(aim, draw.once(2) ? address : draw.bytes(address.length));
  return draw.once(8) ? flipBit(near, draw.below(near.length * 8)) : near;
}

/** The bits of the prefix, and behind them those of the address. */
function inside({ bytes, len }: Prefix, address: Uint8Array): Uint8Array {
  const rest = (at: number) => 0xff >> Math.min(8, Math.max(0, len - at * 8));
  return bytes.map((byte, at) => byte | ((address[at] ?? 0) & rest(at)));
}

export function drawProto(draw: Draw, world: World, { proto, sport, dport }: Aim): number {
  if (proto !== undefined && !draw.once(8)) return proto;
  if (sport !== undefined || dport !== undefined) return UDP;
  return draw.once(12) ? draw.below(256) : draw.of([...world.protos, ICMP6]);
}

/** Two is the least with which a packet is sent on. */
export function drawHops(draw: Draw): number {
  return draw.mostly(64, [0, 1, 2, 3, 127, 128, 255, draw.below(256)], 3);
}

/** The head of what is carried; now and then cut off before its ports end, or not there. */
export function drawUpper(draw: Draw, world: World, proto: number, aim: Aim): Uint8Array {
  const port = (aimed: number | undefined) =>
    word(draw.mostly(aimed ?? draw.of(world.ports), [draw.below(0x10000)], 10));
  const isIcmp = proto === ICMP || proto === ICMP6;
  const head = isIcmp ? [draw.of(ICMP6_TYPES), 0, 0, 0] : [...port(aim.sport), ...port(aim.dport)];
  return Uint8Array.from(draw.once(10) ? head.slice(0, draw.of([0, 0, 1, 2, 3, 4])) : [...head, 0, 8, 0, 0]);
}

/** Often so much more data that the packet has one of the lengths of this world; `before`: bytes of its headers. */
export function fill(draw: Draw, world: World, before: number, data: Uint8Array): Uint8Array {
  const length = draw.of(world.lengths) - before;
  if (length <= data.length || draw.once(2)) return data;
  return Uint8Array.from([...data, ...draw.bytes(length - data.length)]);
}

/** In network order. */
export function word(value: number): [high: number, low: number] {
  return [(value >> 8) & 0xff, value & 0xff];
}
