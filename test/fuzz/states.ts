/** What agent and loader may have written, and a little that they never write. */
import { KEY_FLAGS, STRUCTS } from '../../agent/kernel/abi.ts';
import { decodeKey } from '../../agent/kernel/layout.ts';
import type { Family, Prefix } from '../../protocol/address.ts';
import { compareShapes, type Shape, shapeText } from '../../protocol/shape.ts';
import type { Control, Entry, Key, Lists, State, Value } from '../reference/state.ts';
import { type Draw, flipBit } from './draw.ts';
import { bytesOfKey } from './encode.ts';
import { INTERFACES, SLOTS, type World } from './world.ts';

/** An entry as it is written. */
export interface Written extends Entry {
  /** Its end in jiffies from when it is written, in place of `until`. */
  readonly endsIn?: bigint;
  /** The bit of its value that is wrong; undefined where it is whole. */
  readonly wrongBit?: number;
}

export interface WrittenState extends State {
  readonly entries: readonly Written[];
  /** Keys that no redirect has; their values are sound. */
  readonly strays: readonly Uint8Array[];
  /** Whether each CPU counts into rows of its own, or all into those that CPUs share which came later. */
  readonly rows: 'own' | 'shared';
  /** Which half of each table is live, and the seed of what stands in it; undefined: the program has no tables. */
  readonly table: { readonly live: Readonly<Record<Family, 0 | 1 | 2>>; readonly seed: number } | undefined;
}

const MAX_SHAPES = 8;
const PROTECTED = 16;
const ZONES = 16;
const LENGTHS = { 4: [0, 0, 32, 32, 31, 24, 8, 1], 6: [0, 0, 128, 128, 127, 96, 65, 64, 63, 32, 1] } as const;
const BITS = { 4: 32, 6: 128 } as const;
/** Not 0, in ways that may be taken for it. */
const SET = [1, 2, 0x100, 0x10000, 0x80000000] as const;
const MISSING_PORT = 78;
/** Stands for the ingress in an entry that is drawn. */
const INGRESS = 0;
/** Bits of a value behind its lock, which nobody reads. */
const VALUE_BITS = { from: 8 * STRUCTS.value.rev, to: 8 * STRUCTS.value.size - 1 } as const;

/** The same at another time, in jiffies. */
export function at(state: WrittenState, now: bigint): WrittenState {
  const entries = state.entries.map((entry) => {
    const { value, endsIn } = entry;
    return endsIn === undefined ? entry : { ...entry, value: { ...value, until: now + endsIn } };
  });
  return { ...state, entries, now };
}

/** Before any time. */
export function drawState(draw: Draw, world: World): WrittenState {
  const ingress = draw.of(INTERFACES);
  const zones = drawZones(draw, ingress);
  const [four, six] = [drawFamily(draw, world, 4), drawFamily(draw, world, 6)];
  const entries = [...four.entries, ...six.entries].map(({ value, ...rest }) => ({
    ...rest,
    value: { ...value, egress: value.egress === INGRESS ? ingress : value.egress },
  }));
  return {
    entries,
    strays: draw.once(3) ? drawStrays(draw, entries) : [],
    rows: draw.once(4) ? 'shared' : 'own',
    shapes: { 4: four.lists, 6: six.lists },
    control: drawControl(draw),
    protect: drawProtect(draw, world),
    zones,
    ports: [77, 0x10000 + 7, ...INTERFACES],
    slots: SLOTS,
    ingress,
    now: 0n,
    table: draw.once(3)
      ? undefined
      : { live: { 4: draw.of([0, 1, 2]), 6: draw.of([0, 1, 2]) }, seed: draw.below(2 ** 31) },
  };
}

/** Such as differ in one bit from one of an entry, or say that there is a zone, and not which. */
function drawStrays(draw: Draw, entries: readonly Entry[]): Uint8Array[] {
  const keys = entries.map(({ key }) => bytesOfKey(key));
  const near = keys.map((key) => (draw.once(2) ? flipBit(key, draw.below(key.length * 8)) : withoutZone(key)));
  const unique = [...new Map(near.map((key) => [key.join(), key])).values()];
  return unique.filter((key) => decodeKey(key) === undefined);
}

/** The flags are the last byte. */
function withoutZone(key: Uint8Array): Uint8Array {
  return key.with(-1, (key.at(-1) ?? 0) & (2 ** KEY_FLAGS.KEY_ZONE_SHIFT - 1));
}

function drawControl(draw: Draw): Control {
  return {
    shapes4: draw.mostly(0, [1, 2, 3, 0xfffffffe], 3),
    shapes6: draw.mostly(0, [1, 2, 3, 0xffffffff], 3),
    bypass: draw.mostly(0, SET, 25),
    ready: draw.below(2),
  };
}

/** Up to as many of each family as are looked at. */
function drawProtect(draw: Draw, world: World): State['protect'] {
  const ofFamily = (family: Family): Key[] =>
    draw.list(draw.of([0, 1, 2, 3, PROTECTED]), () => {
      const { in: _, ...shape } = drawShape(draw, family);
      return drawKey(draw, world, { ...shape, in: false });
    });
  const list = (): Key[] => [...ofFamily(4), ...ofFamily(6)];
  return { live: draw.mostly(0, [1, 2, 3, 0xfffffffe], 2), lists: [list(), list()] };
}

/** The ingress has one zone, none, or by mistake two. */
function drawZones(draw: Draw, ingress: number): number[] {
  const zones = draw.list<number>(ZONES, () =>
    draw.mostly(
      0,
      INTERFACES.filter((other) => other !== ingress),
      4,
    ),
  );
  zones[0] = 0;
  for (let times = draw.of([0, 1, 1, 1, 2]); times > 0; times -= 1) zones[draw.of([1, 2, 7, 8, 15])] = ingress;
  return zones;
}

interface OfFamily {
  readonly entries: readonly Written[];
  readonly lists: Lists;
}

function drawFamily(draw: Draw, world: World, family: Family): OfFamily {
  const shapes = distinct(draw.list(draw.between(1, MAX_SHAPES), () => drawShape(draw, family)));
  const keys = shapes.flatMap((shape) => draw.list(draw.between(1, 4), () => drawKey(draw, world, shape)));
  const unique = [...new Map(keys.map((key) => [keyText(key), key])).values()];
  const entries = unique.map((key) => ({ key, value: drawValue(draw, world), ...drawDamage(draw), ...drawEnd(draw) }));
  const live = draw.once(8) ? draw.shuffle(shapes) : shapes.toSorted(compareShapes);
  const some = live.filter(() => !draw.once(12));
  const idle = distinct(draw.list(draw.below(MAX_SHAPES + 1), () => drawShape(draw, family)));
  return { entries: draw.shuffle(entries), lists: draw.once(2) ? [some, live] : [live, draw.once(2) ? idle : some] };
}

function drawDamage(draw: Draw): Pick<Written, 'whole' | 'wrongBit'> {
  return draw.once(25) ? { whole: false, wrongBit: draw.between(VALUE_BITS.from, VALUE_BITS.to) } : { whole: true };
}

function distinct(shapes: readonly Shape[]): Shape[] {
  return [...new Map(shapes.map((shape) => [shapeText(shape), shape])).values()];
}

function drawShape(draw: Draw, family: Family): Shape {
  const length = () => (draw.once(3) ? draw.below(BITS[family] + 1) : draw.of<number>(LENGTHS[family]));
  const proto = draw.once(2);
  // No redirect names ports without a protocol; a stranger's entry may.
  const ports = proto || draw.once(20);
  return {
    family,
    srcLen: length(),
    dstLen: length(),
    proto,
    sport: ports && draw.once(3),
    dport: ports && draw.once(2),
    in: draw.once(4),
  };
}

function drawKey(draw: Draw, world: World, shape: Shape): Key {
  const prefix = (len: number) => masked(draw.of(world.addresses[shape.family]), len);
  const number = (of: readonly number[], bound: number) => (draw.once(10) ? draw.below(bound) : draw.of(of));
  return {
    src: prefix(shape.srcLen),
    dst: prefix(shape.dstLen),
    ...(shape.proto && { proto: number(world.protos, 0x100) }),
    ...(shape.sport && { sport: number(world.ports, 0x10000) }),
    ...(shape.dport && { dport: number(world.ports, 0x10000) }),
    zone: shape.in ? draw.of([1, 2, 7, 8, 15]) : 0,
  };
}

function masked(address: Uint8Array, len: number): Prefix {
  const bytes = address.map((byte, at) => byte & (0xff00 >> Math.min(8, Math.max(0, len - at * 8))));
  return { family: address.length === 4 ? 4 : 6, bytes, len };
}

function keyText({ src, dst, ...rest }: Key): string {
  return JSON.stringify([[...src.bytes], src.len, [...dst.bytes], dst.len, rest]);
}

/** Just over, and so far ahead that no run takes as long, also if only half of the word is looked at. */
function drawEnd(draw: Draw): Pick<Written, 'endsIn'> {
  return draw.once(8) ? { endsIn: draw.of([-1n, 0n, 0n, 2n ** 20n, 2n ** 32n]) } : {};
}

function drawValue(draw: Draw, world: World): Value {
  const length = draw.of(world.lengths);
  return {
    action: draw.mostly('send', ['pass', 'drop', 'of the future'], 4),
    slot: draw.mostly(draw.below(SLOTS), [SLOTS, SLOTS - 1, SLOTS + 1, 2 * SLOTS, 0xffffffff], 16),
    until: draw.mostly(0n, [1n, 2n ** 32n, 2n ** 63n], 12),
    egress: draw.of([INGRESS, INGRESS, 77, 77, 77, 0x10000 + 7, MISSING_PORT, ...INTERFACES]),
    mtu: draw.of([1500, 1500, 0xffff, length, length - 1, length + 1, 0]),
    keepTtl: draw.once(4),
    guarded: draw.once(3),
    target: draw.of(world.macs),
    source: draw.of(world.macs),
  };
}
