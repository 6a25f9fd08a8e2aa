/** Which entry a packet hits. */
import type { Prefix } from '../../protocol/address.ts';
import type { Shape } from '../../protocol/shape.ts';
import type { Packet } from './ip.ts';
import type { Entry, Key, State } from './state.ts';

/** So many shapes a family are looked at. */
const SHAPES = 8;

/** Of all entries that fit, the one whose shape comes first among the live ones; what has no live shape is not hit. */
export function findEntry(packet: Packet, state: State): Entry | undefined {
  const zone = zoneOf(state);
  const live = liveShapes(packet, state);
  let best: { readonly entry: Entry; readonly rank: number } | undefined;
  for (const entry of state.entries) {
    if (!fits(packet, zone, entry.key)) continue;
    const rank = live.findIndex((shape) => isOfShape(entry.key, shape));
    if (rank >= 0 && (best === undefined || rank < best.rank)) best = { entry, rank };
  }
  return best?.entry;
}

/**
 * Whether it is one of those that keep the host reachable. What is not known of it may be as they are: a fragment is protected
 * with the packet that it is part of.
 */
export function isProtected(packet: Packet, { protect: { live, lists } }: State): boolean {
  const mayBe = (wanted: number | undefined, found: number | undefined): boolean =>
    wanted === undefined || found === undefined || wanted === found;
  return lists[live % 2 === 0 ? 0 : 1].some(
    ({ src, dst, proto, sport, dport }) =>
      src.family === packet.family &&
      isInside(packet.src, src) &&
      isInside(packet.dst, dst) &&
      mayBe(proto, packet.proto) &&
      mayBe(sport, packet.ports?.sport) &&
      mayBe(dport, packet.ports?.dport),
  );
}

function liveShapes({ family }: Packet, { shapes, control }: State): readonly Shape[] {
  const selector = family === 4 ? control.shapes4 : control.shapes6;
  const [even, odd] = shapes[family];
  return (selector % 2 === 0 ? even : odd).slice(0, SHAPES);
}

/** The zone of the ingress; 0 is none. */
function zoneOf({ zones, ingress }: State): number {
  return Math.max(0, zones.indexOf(ingress, 1));
}

/** All that a key names is known of the packet, and is so. */
function fits(packet: Packet, zone: number, { src, dst, proto, sport, dport, zone: wanted }: Key): boolean {
  return (
    src.family === packet.family &&
    (proto === undefined || proto === packet.proto) &&
    (sport === undefined || sport === packet.ports?.sport) &&
    (dport === undefined || dport === packet.ports?.dport) &&
    (wanted === 0 || wanted === zone) &&
    isInside(packet.dst, dst) &&
    isInside(packet.src, src)
  );
}

/** Whole bytes first, then the bits of the last one. */
function isInside(address: Uint8Array, { bytes, len }: Prefix): boolean {
  const whole = Math.floor(len / 8);
  for (let at = 0; at < whole; at += 1) if (address[at] !== bytes[at]) return false;
  const rest = 8 - (len % 8);
  return rest === 8 || (address[whole] ?? 0) >> rest === (bytes[whole] ?? 0) >> rest;
}

function isOfShape({ src, dst, proto, sport, dport, zone }: Key, shape: Shape): boolean {
  return (
    shape.srcLen === src.len &&
    shape.dstLen === dst.len &&
    shape.proto === (proto !== undefined) &&
    shape.sport === (sport !== undefined) &&
    shape.dport === (dport !== undefined) &&
    shape.in === (zone !== 0)
  );
}
