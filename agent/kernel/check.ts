import { endianness } from 'node:os';
import { STRUCTS } from './abi.ts';
import { viewOf } from './bytes.ts';

/** True where the kernel, and so every word it shares, is little-endian. */
export const LITTLE_ENDIAN = endianness() === 'LE';

const SEED = 0x5348554e54763101n;
/** splitmix64 of 1..16, made odd: check_p of bpf/check.h. */
const P = [
  0xe220a8397b1dcdafn,
  0x6e789e6aa1b965f5n,
  0x06c45d188009454fn,
  0xf88bb8a8724c81edn,
  0x1b39896a51a8749bn,
  0x53cb9f0c747ea2ebn,
  0x2c829abe1f4532e1n,
  0xc584133ac916ab3dn,
  0x3ee5789041c98ac3n,
  0xf3b8488c368cb0a7n,
  0x657eecdd3cb13d09n,
  0xc2d326e0055bdef7n,
  0x8621a03fe0bbdb7bn,
  0x8e1f7555983aa92fn,
  0xb54e0f1600cc4d19n,
  0x84bb3f97971d80abn,
] as const;

/**
 * Computes the 64-bit check of an entry (bpf/check.h): over the key's words, `rev`, and the value's words from `until`.
 * The lock and the check field itself are not covered. The lengths must be those of a key and a value.
 * Source: test/unit/agent/kernel/check.test.ts holds vectors of the C code; every hit in test/kernel/ is the program's own
 * agreement.
 */
export function checkOf(key: Uint8Array, value: Uint8Array): bigint {
  const words = viewOf(key);
  const rest = viewOf(value);
  const keyWords = key.byteLength / 8;
  const rev = BigInt(rest.getUint32(STRUCTS.value.rev, LITTLE_ENDIAN));
  let h = SEED + rev * constant(keyWords);
  h += sum(words, 0, 0);
  h += sum(rest, STRUCTS.value.until, keyWords + 1);
  h = BigInt.asUintN(64, h);
  return h ^ (h >> 32n);
}

/** Sums the 64-bit words from `offset` to the end, the first of them with constant `first`. */
function sum(view: DataView, offset: number, first: number): bigint {
  let total = 0n;
  for (let at = offset, index = first; at < view.byteLength; at += 8, index++) {
    const word = view.getBigUint64(at, LITTLE_ENDIAN);
    if (word !== 0n) total = BigInt.asUintN(64, total + word * constant(index));
  }
  return total;
}

function constant(index: number): bigint {
  const p = P[index];
  if (p === undefined) throw new RangeError(`check: no constant ${index}; wrong key or value size`);
  return p;
}
