/**
 * Between domain types and the bytes of bpf/abi.h. Addresses become network order here and nowhere else; every other
 * number is in host byte order.
 */
import { formatPrefix, isPrefix, type Prefix, parsePrefix } from '../../protocol/address.ts';
import { type Family, familyOf, type Match, protoNumber, protoOf } from '../../protocol/match.ts';
import type { Counter } from '../model/counter.ts';
import type { EntryValue } from '../model/entry.ts';
import type { EntryKey } from '../model/entry-key.ts';
import type { Mark } from '../model/mark.ts';
import { ACTIONS, KEY_FLAGS, LIMITS, MTU_MAX, STRUCTS, VALUE_FLAGS } from './abi.ts';
import { viewOf } from './bytes.ts';
import { checkOf, LITTLE_ENDIAN } from './check.ts';

const { KEY_PROTO, KEY_SPORT, KEY_DPORT, KEY_IN, KEY_ZONE_SHIFT } = KEY_FLAGS;
const KEYS = { 4: STRUCTS.key4, 6: STRUCTS.key6 } as const;
const ADDRESS_BYTES = { 4: 4, 6: 16 } as const;
const ACTION_NUMBERS = { pass: ACTIONS.ACTION_PASS, drop: ACTIONS.ACTION_DROP, send: ACTIONS.ACTION_SEND } as const;

const KNOWN_FLAGS = VALUE_FLAGS.VALUE_KEEP_TTL | VALUE_FLAGS.VALUE_GUARDED;

/** Bytes of a map key of a family. */
export function keySize(family: Family): number {
  return KEYS[family].size;
}

/**
 * Encodes the key of a match in normal form; `in` itself is ignored, the zone stands for it (0: whatever interface).
 * Errors: RangeError for a prefix that is not in normal form or a zone out of range.
 */
export function encodeKey(match: Match, zone: number): Uint8Array {
  if (!Number.isInteger(zone) || zone < 0 || zone >= LIMITS.ZONES_MAX) throw new RangeError(`zone ${zone}`);
  const at = KEYS[familyOf(match)];
  const bytes = new Uint8Array(at.size);
  const view = viewOf(bytes);
  const src = requirePrefix(match.src);
  const dst = requirePrefix(match.dst);
  bytes.set(src.bytes, at.src);
  bytes.set(dst.bytes, at.dst);
  view.setUint16(at.sport, match.sport ?? 0);
  view.setUint16(at.dport, match.dport ?? 0);
  bytes[at.proto] = match.proto === undefined ? 0 : protoNumber(match.proto);
  bytes[at.src_len] = src.len;
  bytes[at.dst_len] = dst.len;
  bytes[at.flags] = fixedBy(match) | (zone === 0 ? 0 : KEY_IN | (zone << KEY_ZONE_SHIFT));
  return bytes;
}

/** The flags of the fields that a match fixes beside its addresses and its zone. */
export function fixedBy({ proto, sport, dport }: Match): number {
  return (
    flag(proto !== undefined, KEY_PROTO) | flag(sport !== undefined, KEY_SPORT) | flag(dport !== undefined, KEY_DPORT)
  );
}

/** The zones that contiguous keys of a family are of. */
export function zonesIn(family: Family, keys: Uint8Array): ReadonlySet<number> {
  const { size, flags } = KEYS[family];
  const zones = new Set<number>();
  for (let at = flags; at < keys.length; at += size) zones.add((keys[at] ?? 0) >> KEY_ZONE_SHIFT);
  return zones;
}

/** Decodes a key of either family; undefined for bytes that `encodeKey` never writes. */
export function decodeKey(bytes: Uint8Array): EntryKey | undefined {
  const at = bytes.length === KEYS[4].size ? KEYS[4] : KEYS[6];
  const view = viewOf(bytes);
  const flags = view.getUint8(at.flags);
  const zone = flags >> KEY_ZONE_SHIFT;
  const src = prefixText(view, at.src, at.dst - at.src, view.getUint8(at.src_len));
  const dst = prefixText(view, at.dst, at.dst - at.src, view.getUint8(at.dst_len));
  const proto = view.getUint8(at.proto);
  const sport = view.getUint16(at.sport);
  const dport = view.getUint16(at.dport);
  if (src === undefined || dst === undefined || ((flags & KEY_IN) !== 0) !== (zone !== 0)) return undefined;
  if (strays(flags, KEY_PROTO, proto) || strays(flags, KEY_SPORT, sport) || strays(flags, KEY_DPORT, dport))
    return undefined;
  return {
    match: {
      src,
      dst,
      ...(flags & KEY_PROTO && { proto: protoOf(proto) }),
      ...(flags & KEY_SPORT && { sport }),
      ...(flags & KEY_DPORT && { dport }),
    },
    zone,
  };
}

/** Encodes the value of an entry with its check, which covers the key. The lock is zero. */
export function encodeValue(key: Uint8Array, value: EntryValue): Uint8Array {
  const at = STRUCTS.value;
  const bytes = new Uint8Array(at.size);
  const view = viewOf(bytes);
  view.setUint32(at.rev, value.rev, LITTLE_ENDIAN);
  view.setBigUint64(at.until, value.until, LITTLE_ENDIAN);
  view.setUint32(at.slot, value.slot, LITTLE_ENDIAN);
  view.setUint32(at.ifindex, value.ifindex, LITTLE_ENDIAN);
  bytes[at.action] = ACTION_NUMBERS[value.action];
  bytes[at.flags] =
    flag(value.keepTtl, VALUE_FLAGS.VALUE_KEEP_TTL) | flag(value.guarded === true, VALUE_FLAGS.VALUE_GUARDED);
  view.setUint16(at.mtu, Math.min(value.mtu, MTU_MAX), LITTLE_ENDIAN);
  bytes.set(encodeMac(value.dmac), at.dmac);
  bytes.set(encodeMac(value.smac), at.smac);
  view.setBigUint64(at.check, checkOf(key, bytes), LITTLE_ENDIAN);
  return bytes;
}

/** Decodes a value as far as this version knows it; only what `valueIsSound` says holds is worth believing. */
export function decodeValue(bytes: Uint8Array): EntryValue {
  const at = STRUCTS.value;
  const view = viewOf(bytes);
  const action = view.getUint8(at.action);
  return {
    rev: view.getUint32(at.rev, LITTLE_ENDIAN),
    until: view.getBigUint64(at.until, LITTLE_ENDIAN),
    slot: view.getUint32(at.slot, LITTLE_ENDIAN),
    ifindex: view.getUint32(at.ifindex, LITTLE_ENDIAN),
    action: action === ACTIONS.ACTION_SEND ? 'send' : action === ACTIONS.ACTION_DROP ? 'drop' : 'pass',
    keepTtl: (view.getUint8(at.flags) & VALUE_FLAGS.VALUE_KEEP_TTL) !== 0,
    mtu: view.getUint16(at.mtu, LITTLE_ENDIAN),
    dmac: formatMac(bytes, at.dmac),
    smac: formatMac(bytes, at.smac),
    ...((view.getUint8(at.flags) & VALUE_FLAGS.VALUE_GUARDED) !== 0 && { guarded: true }),
  };
}

/** True for exactly the bytes that `encodeValue` writes for this key: the check fits, and nothing unknown is set. */
export function valueIsSound(key: Uint8Array, bytes: Uint8Array): boolean {
  const at = STRUCTS.value;
  const view = viewOf(bytes);
  return (
    view.getBigUint64(at.check, LITTLE_ENDIAN) === checkOf(key, bytes) &&
    view.getUint8(at.action) <= ACTIONS.ACTION_SEND &&
    (view.getUint8(at.flags) & ~KNOWN_FLAGS) === 0
  );
}

/** Decodes one row of `stats`. */
export function decodeStat(bytes: Uint8Array): Counter {
  const view = viewOf(bytes);
  return {
    packets: view.getBigUint64(STRUCTS.stat.packets, LITTLE_ENDIAN),
    bytes: view.getBigUint64(STRUCTS.stat.bytes, LITTLE_ENDIAN),
    seen: view.getBigUint64(STRUCTS.stat.seen, LITTLE_ENDIAN),
  };
}

/** Offset in `control` of one of its two marks. */
export function markOffset(index: 0 | 1): number {
  return STRUCTS.control.mark + index * STRUCTS.mark.size;
}

/** Errors: RangeError for an epoch longer than EPOCH_MAX bytes of UTF-8. */
export function encodeMark(mark: Mark): Uint8Array {
  const bytes = new Uint8Array(STRUCTS.mark.size);
  const epoch = new TextEncoder().encode(mark.epoch);
  if (epoch.length > LIMITS.EPOCH_MAX)
    throw new RangeError(`an epoch of ${epoch.length} bytes, at most ${LIMITS.EPOCH_MAX}`);
  viewOf(bytes).setBigUint64(STRUCTS.mark.rev, BigInt(mark.rev), LITTLE_ENDIAN);
  viewOf(bytes).setBigUint64(STRUCTS.mark.seq, BigInt(mark.seq), LITTLE_ENDIAN);
  bytes.set(epoch, STRUCTS.mark.epoch);
  return bytes;
}

/** Decodes a mark; undefined where none was ever written, which is all zero. */
export function decodeMark(bytes: Uint8Array): Mark | undefined {
  const view = viewOf(bytes);
  const epoch = bytes.subarray(STRUCTS.mark.epoch, STRUCTS.mark.epoch + LIMITS.EPOCH_MAX);
  const end = epoch.indexOf(0);
  const mark = {
    epoch: new TextDecoder().decode(end < 0 ? epoch : epoch.subarray(0, end)),
    rev: Number(view.getBigUint64(STRUCTS.mark.rev, LITTLE_ENDIAN)),
    seq: Number(view.getBigUint64(STRUCTS.mark.seq, LITTLE_ENDIAN)),
  };
  return mark.seq === 0 && mark.rev === 0 && mark.epoch === '' ? undefined : mark;
}

function flag(set: boolean, bit: number): number {
  return set ? bit : 0;
}

/** A field that its flag says is not fixed, and yet holds something. */
function strays(flags: number, bit: number, field: number): boolean {
  return (flags & bit) === 0 && field !== 0;
}

function requirePrefix(text: string): Prefix {
  const prefix = parsePrefix(text);
  if (prefix === undefined) throw new RangeError(`${text} is not a prefix in normal form`);
  return prefix;
}

/** Of an address of 4 or 16 bytes that begins at an offset; undefined where bits beyond the length are set. */
function prefixText(key: DataView, from: number, size: number, len: number): string | undefined {
  if (size === 4) return prefixText4(key.getUint32(from), len);
  const prefix = { family: 6, bytes: new Uint8Array(key.buffer, key.byteOffset + from, size), len } as const;
  return isPrefix(prefix) ? formatPrefix(prefix) : undefined;
}

/** The same by the number of an address: at a start this is asked twice for each entry, a million times. */
function prefixText4(address: number, len: number): string | undefined {
  if (len > 32 || (len < 32 && address << len !== 0)) return undefined;
  return `${address >>> 24}.${(address >> 16) & 0xff}.${(address >> 8) & 0xff}.${address & 0xff}/${len}`;
}

/** The mask of a prefix of `len` bits. */
export function maskBytes(family: Family, len: number): Uint8Array {
  return Uint8Array.from({ length: ADDRESS_BYTES[family] }, (_, index) => {
    const kept = Math.min(8, Math.max(0, len - index * 8));
    return (0xff00 >> kept) & 0xff;
  });
}

function encodeMac(text: string): Uint8Array {
  const bytes = new Uint8Array(6);
  for (let index = 0; index < 6; index++) bytes[index] = Number.parseInt(text.slice(index * 3, index * 3 + 2), 16);
  if (formatMac(bytes) !== text) throw new RangeError(`${text} is not a canonical MAC`);
  return bytes;
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Writes the 6 bytes from an offset as `02:00:00:00:00:01`. */
export function formatMac(bytes: Uint8Array, from = 0): string {
  const hex = (index: number): string | undefined => HEX[bytes[from + index] ?? 0];
  return `${hex(0)}:${hex(1)}:${hex(2)}:${hex(3)}:${hex(4)}:${hex(5)}`;
}
