/** Keys and values of the reference as the agent writes them. */
import { STRUCTS } from '../../agent/kernel/abi.ts';
import { checkOf, LITTLE_ENDIAN } from '../../agent/kernel/check.ts';
import { encodeKey, encodeValue, formatMac } from '../../agent/kernel/layout.ts';
import { NO_MAC } from '../../agent/model/entry.ts';
import { formatPrefix } from '../../protocol/address.ts';
import { type Match, protoOf } from '../../protocol/match.ts';
import { type Shape, shapeOf } from '../../protocol/shape.ts';
import type { Key, Value } from '../reference/state.ts';

const FIRST_UNKNOWN_ACTION = 3;

export function matchOfKey({ src, dst, proto, sport, dport }: Key): Match {
  return {
    src: formatPrefix(src),
    dst: formatPrefix(dst),
    ...(proto !== undefined && { proto: protoOf(proto) }),
    ...(sport !== undefined && { sport }),
    ...(dport !== undefined && { dport }),
  };
}

export function shapeOfKey(key: Key): Shape {
  return { ...shapeOf(matchOfKey(key)), in: key.zone !== 0 };
}

export function bytesOfKey(key: Key): Uint8Array {
  return encodeKey(matchOfKey(key), key.zone);
}

/** Its check fits. */
export function bytesOfValue(key: Uint8Array, value: Value): Uint8Array {
  const { action, egress, target, source, guarded, ...rest } = value;
  const macs = { dmac: formatMac(target), smac: formatMac(source) };
  const bytes = encodeValue(key, {
    ...{ ...rest, ...macs, ifindex: egress, rev: value.slot },
    ...(guarded && { guarded }),
    action: action === 'of the future' ? 'pass' : action,
  });
  return action === 'of the future' ? ofTheFuture(key, bytes, value.slot) : bytes;
}

/** One of the actions that are not known yet. */
function ofTheFuture(key: Uint8Array, value: Uint8Array, which: number): Uint8Array {
  const bytes = value.slice();
  bytes[STRUCTS.value.action] = FIRST_UNKNOWN_ACTION + (which % (0x100 - FIRST_UNKNOWN_ACTION));
  new DataView(bytes.buffer).setBigUint64(STRUCTS.value.check, checkOf(key, bytes), LITTLE_ENDIAN);
  return bytes;
}

/** What a stranger may write under a key that is no redirect's: all of it is dropped. */
export function bytesOfStray(key: Uint8Array): Uint8Array {
  const drop = { action: 'drop', keepTtl: false, mtu: 0, dmac: NO_MAC, smac: NO_MAC } as const;
  return encodeValue(key, { ...drop, rev: 0, until: 0n, slot: 0, ifindex: 0 });
}
