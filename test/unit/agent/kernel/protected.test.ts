import test from 'ava';
import fc from 'fast-check';
import { LIMITS, STRUCTS } from '../../../../agent/kernel/abi.ts';
import { decodeProtected, encodeProtected } from '../../../../agent/kernel/protected.ts';
import { MAX_PROTECTED } from '../../../../protocol/guard.ts';
import { parseMatch } from '../../../../protocol/match.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const { four, six } = STRUCTS.protects;

test('protect: a match of each family is laid out in network order, with masks', (t) => {
  const bytes = encodeProtected([
    parseMatch({ dst: '2001:db8::5', proto: 'tcp', dport: 22 }),
    parseMatch({ src: '192.0.2.0/25', proto: 'udp', sport: 53 }),
  ]);
  t.is(bytes.length, STRUCTS.protects.size);
  t.is(hex(bytes.subarray(0, 16)), '00000000010000000100000000000000');
  t.is(hex(bytes.subarray(four, four + 24)), 'c000020000000000ffffff80000000000035000011030000');
  t.is(
    hex(bytes.subarray(six, six + 72)),
    `${'00'.repeat(16)}20010db8000000000000000000000005${'00'.repeat(16)}${'ff'.repeat(16)}0000001606050000`,
  );
});

const matches = fc
  .record(
    {
      src: fc.constantFrom('10.0.0.0/8', '192.0.2.1', '0.0.0.0/0'),
      dst: fc.constantFrom('10.1.0.0/16', '198.51.100.7'),
      proto: fc.constantFrom('tcp', 'udp'),
      sport: fc.integer({ min: 1, max: 65535 }),
      dport: fc.integer({ min: 1, max: 65535 }),
    },
    { requiredKeys: ['src', 'proto'] },
  )
  .map((value) => parseMatch(value));
const matches6 = fc
  .record(
    { src: fc.constantFrom('2001:db8::/33', '2001:db8::1'), proto: fc.constantFrom('icmp6', 47, 0) },
    { requiredKeys: ['src'] },
  )
  .map((value) => parseMatch(value));

test('protect: decoding gives back what was encoded; what is damaged is not what it decodes to', (t) => {
  fc.assert(
    fc.property(fc.array(matches, { maxLength: 16 }), fc.array(matches6, { maxLength: 16 }), (fours, sixes) => {
      const bytes = encodeProtected([...fours, ...sixes]);
      t.deepEqual(decodeProtected(bytes), [...fours, ...sixes]);
    }),
  );
  const whole = encodeProtected([parseMatch({ src: '192.0.2.1', proto: 'tcp', sport: 4222 })]);
  for (const at of [four + 8, four + 9, four + 21, four + 22, six, STRUCTS.protects.zero]) {
    const bytes = whole.slice();
    bytes[at] = (bytes[at] ?? 0) ^ 0x5a;
    t.not(Buffer.compare(encodeProtected(decodeProtected(bytes)), bytes), 0, `byte ${at}`);
  }
});

test('protect: as many are compared as the guard counts on, and more are refused', (t) => {
  t.is(MAX_PROTECTED, LIMITS.PROTECTED_MAX);
  const many = Array.from({ length: 17 }, (_, at) => parseMatch({ src: `10.0.0.${at}` }));
  t.throws(() => encodeProtected(many), { instanceOf: RangeError });
});
