import test from 'ava';
import { STRUCTS } from '../../../../agent/kernel/abi.ts';
import { checkOf } from '../../../../agent/kernel/check.ts';

const KEY4 = STRUCTS.key4.size;
const KEY6 = STRUCTS.key6.size;

/** `size` bytes that count up from `first`, with the check field and the lock left alone. */
const counting = (size: number, first: number) => Uint8Array.from({ length: size }, (_, index) => first + index);

/** From a native build of bpf/check.h. The program itself agrees in test/kernel/verdicts.test.ts. */
const VECTORS = [
  { key: new Uint8Array(KEY4), value: new Uint8Array(STRUCTS.value.size), check: 0x5348554e073e644fn },
  { key: counting(KEY4, 1), value: counting(STRUCTS.value.size, 101), check: 0x9ff7227576acd8cdn },
  { key: counting(KEY6, 1), value: counting(STRUCTS.value.size, 101), check: 0x32ef583a656e85cdn },
  {
    key: new Uint8Array(KEY6).fill(0xff),
    value: new Uint8Array(STRUCTS.value.size).fill(0xff),
    check: 0xe4340448fa44015bn,
  },
];

for (const [index, { key, value, check }] of VECTORS.entries()) {
  test(`check: vector ${index} is met`, (t) => {
    t.is(checkOf(key, value), check);
  });
}
