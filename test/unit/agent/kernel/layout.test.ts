import { existsSync, readFileSync } from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import {
  ACTIONS,
  KEY_FLAGS,
  LIMITS,
  LOSSES,
  PASS_REASONS,
  ROW_STATES,
  STRUCTS,
  VALUE_FLAGS,
  VERDICTS,
} from '../../../../agent/kernel/abi.ts';
import { type About, decodeAbout, encodeAbout, encodeConfig } from '../../../../agent/kernel/about.ts';
import { checkOf, LITTLE_ENDIAN } from '../../../../agent/kernel/check.ts';
import { decodeClock } from '../../../../agent/kernel/clock-program.ts';
import {
  decodeKey,
  decodeMark,
  decodeStat,
  decodeValue,
  encodeKey,
  encodeMark,
  encodeValue,
  markOffset,
  valueIsSound,
} from '../../../../agent/kernel/layout.ts';
import { decodeShapes, encodeShapes, listAt } from '../../../../agent/kernel/shapes.ts';
import type { EntryValue } from '../../../../agent/model/entry.ts';
import { MAX_EPOCH_BYTES } from '../../../../protocol/cursor.ts';
import { parseMatch } from '../../../../protocol/match.ts';
import { shapeOf } from '../../../../protocol/shape.ts';
import { elfSection, readBtf } from '../../../support/btf.ts';

const OBJECT = new URL('../../../../bpf/build/redirect.bpf.o', import.meta.url);
const object = existsSync(OBJECT) ? readFileSync(OBJECT) : undefined;
const withObject = object === undefined ? test.skip : test;
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

const VALUE: EntryValue = {
  rev: 0x01020304,
  until: 0x0a0b0c0d0e0fn,
  slot: 5,
  ifindex: 6,
  action: 'send',
  keepTtl: true,
  mtu: 1500,
  dmac: '02:00:00:00:00:01',
  smac: '02:00:00:00:00:02',
};

withObject('abi: every struct has the size and the members that the object has', (t) => {
  const { structs } = readBtf(object as Buffer);
  for (const [name, { size, ...members }] of Object.entries(STRUCTS)) {
    const found = structs[name];
    t.is(found?.size, size, name);
    const offsets = Object.entries(found?.members ?? {}).map(([member, { offset }]) => [member, offset]);
    t.deepEqual(Object.fromEntries(offsets), members, name);
  }
});

withObject('abi: every enum has the names and numbers that the object has', (t) => {
  const { enums } = readBtf(object as Buffer);
  t.deepEqual(enums.limit, { ...LIMITS });
  t.deepEqual(enums.key_flag, { ...KEY_FLAGS });
  t.deepEqual(enums.action, { ...ACTIONS });
  t.deepEqual(enums.value_flag, { ...VALUE_FLAGS });
  t.deepEqual(enums.row_state, { ...ROW_STATES });
  const verdicts = VERDICTS.map((name, index) => [`VERDICT_${name}`, index]);
  t.deepEqual(enums.verdict, { ...Object.fromEntries(verdicts), VERDICT_MAX: VERDICTS.length });
  const losses = LOSSES.map((name, index) => [`LOSS_${name}`, index]);
  t.deepEqual(enums.loss_at, { ...Object.fromEntries(losses), LOSS_AT_MAX: LOSSES.length });
  const reasons = PASS_REASONS.map((name, index) => [`PASS_${name}`, index]);
  t.deepEqual(enums.pass_reason, { ...Object.fromEntries(reasons), PASS_MAX: PASS_REASONS.length });
});

withObject('abi: every struct and every enum that bpf/abi.h and abi_counts.h have is compared', (t) => {
  const bpf = new URL('../../../../bpf/', import.meta.url);
  const header = ['abi.h', 'abi_counts.h'].map((name) => readFileSync(new URL(name, bpf), 'utf8')).join('');
  const declared = (kind: 'struct' | 'enum') =>
    [...header.matchAll(new RegExp(`^${kind} (\\w+) \\{`, 'gm'))].map((it) => it[1]);
  t.deepEqual(declared('struct').sort(), Object.keys(STRUCTS).sort());
  t.deepEqual(declared('enum').sort(), [
    'action',
    'key_flag',
    'limit',
    'loss_at',
    'pass_reason',
    'row_state',
    'value_flag',
    'verdict',
  ]);
});

withObject('abi: arrays are as long as the limits say', (t) => {
  const { structs } = readBtf(object as Buffer);
  const count = (struct: string, member: string) => structs[struct]?.members[member]?.count;
  t.is(count('shapes4', 'shape'), LIMITS.SHAPES_MAX);
  t.is(count('shapes6', 'shape'), LIMITS.SHAPES_MAX);
  t.is(count('about', 'zone'), LIMITS.ZONES_MAX);
  t.is(count('mark', 'epoch'), LIMITS.EPOCH_MAX);
  t.is(MAX_EPOCH_BYTES, LIMITS.EPOCH_MAX - 1, 'an epoch of the protocol fits the mark, and its end is seen');
  t.is(count('about', 'instance'), 16);
  t.is(count('control', 'mark'), 2);
  t.is(count('shapes', 'four'), 2);
  t.is(count('shapes', 'six'), 2);
});

withObject('abi: the read-only data holds the config first, and no tables', (t) => {
  const config = encodeConfig({ slots: 64, cpuRows: 0, rowBits: 0 });
  t.deepEqual(elfSection(object as Buffer, '.rodata'), Buffer.concat([config, new Uint8Array(4)]));
});

test('key: an IPv4 match with all fields is laid out in network order', (t) => {
  const match = parseMatch({ src: '198.51.100.0/24', dst: '203.0.113.10', proto: 'udp', sport: 53, dport: 443 });
  t.is(hex(encodeKey(match, 3)), 'c6336400cb00710a003501bb1118203f');
});

test('key: an IPv6 match with a destination only leaves the rest zero', (t) => {
  const match = parseMatch({ dst: '2001:db8::1' });
  t.is(hex(encodeKey(match, 0)), `${'00'.repeat(16)}20010db8000000000000000000000001000000000000${'8000'}`);
});

const matches = fc
  .record({
    four: fc.boolean(),
    src: fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }),
    dst: fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }),
    srcLen: fc.nat(128),
    dstLen: fc.nat(128),
    proto: fc.option(fc.constantFrom('tcp', 'udp', 47, 0, 255), { nil: undefined }),
    sport: fc.option(fc.integer({ min: 1, max: 65535 }), { nil: undefined }),
    dport: fc.option(fc.integer({ min: 1, max: 65535 }), { nil: undefined }),
  })
  .map(({ four, src, dst, srcLen, dstLen, proto, sport, dport }) => {
    const ports = proto === 'tcp' || proto === 'udp';
    return parseMatch({
      src: prefix(four, src, srcLen),
      dst: prefix(four, dst, dstLen),
      ...(proto !== undefined && { proto }),
      ...(ports && sport !== undefined && { sport }),
      ...(ports && dport !== undefined && { dport }),
    });
  });

/** A prefix in a block that is not IPv4-mapped. */
function prefix(four: boolean, address: bigint, anyLen: number): string {
  const bits = four ? 32 : 128;
  const len = anyLen % (bits + 1);
  const bytes = (BigInt.asUintN(bits, address | (1n << BigInt(bits - 1))) >> BigInt(bits - len)) << BigInt(bits - len);
  const digits = bytes.toString(16).padStart(bits / 4, '0');
  if (four) return `${(digits.match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16)).join('.')}/${len}`;
  return `${(digits.match(/..../g) ?? []).join(':')}/${len}`;
}

test('key: decoding gives back what was encoded', (t) => {
  fc.assert(
    fc.property(matches, fc.nat(15), (match, zone) => {
      t.deepEqual(decodeKey(encodeKey(match, zone)), { match, zone });
    }),
  );
});

test('key: bytes that are never encoded decode to undefined', (t) => {
  const good = encodeKey(parseMatch({ src: '198.51.100.0/24', proto: 'udp', dport: 443 }), 0);
  const at = STRUCTS.key4;
  const changed = (offset: number, byte: number) =>
    decodeKey(Uint8Array.from(good, (b, i) => (i === offset ? byte : b)));
  t.is(changed(at.src + 3, 1), undefined, 'a host bit');
  t.is(changed(at.src_len, 33), undefined, 'a length out of range');
  t.is(changed(at.sport, 1), undefined, 'a port that is not fixed');
  t.is(changed(at.flags, KEY_FLAGS.KEY_DPORT), undefined, 'a protocol that is not fixed');
  t.is(
    changed(at.flags, KEY_FLAGS.KEY_PROTO | KEY_FLAGS.KEY_DPORT | KEY_FLAGS.KEY_IN),
    undefined,
    'an interface without zone',
  );
  t.is(changed(at.flags, KEY_FLAGS.KEY_PROTO | KEY_FLAGS.KEY_DPORT | 0x10), undefined, 'a zone without interface');
});

test('key: a zone out of range and a prefix with host bits are refused', (t) => {
  const match = parseMatch({ dst: '203.0.113.10' });
  t.throws(() => encodeKey(match, 16), { instanceOf: RangeError });
  t.throws(() => encodeKey({ src: '10.0.0.1/8', dst: '0.0.0.0/0' }, 0), { instanceOf: RangeError });
});

test('value: decoding gives back what was encoded, and it is sound', (t) => {
  const key = encodeKey(parseMatch({ dst: '203.0.113.10' }), 0);
  for (const action of ['pass', 'drop', 'send'] as const) {
    const bytes = encodeValue(key, { ...VALUE, action });
    t.deepEqual(decodeValue(bytes), { ...VALUE, action });
    t.true(valueIsSound(key, bytes));
  }
});

test('value: any changed bit after the lock makes it unsound, and so does another key', (t) => {
  const key = encodeKey(parseMatch({ dst: '203.0.113.10' }), 0);
  const bytes = encodeValue(key, VALUE);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const byte = bit >> 3;
    bytes[byte] = (bytes[byte] ?? 0) ^ (1 << (bit & 7));
    t.is(valueIsSound(key, bytes), byte < STRUCTS.value.rev, `bit ${bit}`);
    bytes[byte] = (bytes[byte] ?? 0) ^ (1 << (bit & 7));
  }
  t.false(valueIsSound(encodeKey(parseMatch({ dst: '203.0.113.11' }), 0), bytes));
});

test('value: what this version does not know is unsound, even with a check that fits', (t) => {
  const key = encodeKey(parseMatch({ dst: '203.0.113.10' }), 0);
  const { action, flags } = STRUCTS.value;
  for (const offset of [action, flags]) {
    const bytes = encodeValue(key, VALUE);
    bytes[offset] = 0x80;
    new DataView(bytes.buffer).setBigUint64(STRUCTS.value.check, checkOf(key, bytes), LITTLE_ENDIAN);
    t.false(valueIsSound(key, bytes), `offset ${offset}`);
  }
});

test('value: a MAC that is not canonical is refused', (t) => {
  const key = encodeKey(parseMatch({ dst: '203.0.113.10' }), 0);
  for (const dmac of [
    '02:00:00:00:00:0G',
    '2:0:0:0:0:1',
    '02:00:00:00:00',
    '02:AB:00:00:00:01',
    '02:00:00:00:00:01:02',
  ]) {
    t.throws(() => encodeValue(key, { ...VALUE, dmac }), { instanceOf: RangeError }, dmac);
  }
});

test('value: an MTU beyond 16 bits is as good as the largest', (t) => {
  const key = encodeKey(parseMatch({ dst: '203.0.113.10' }), 0);
  t.is(decodeValue(encodeValue(key, { ...VALUE, mtu: 65536 })).mtu, 65535);
});

test('shapes: decoding gives back what was encoded', (t) => {
  fc.assert(
    fc.property(fc.array(matches, { maxLength: 8 }), (all) => {
      for (const family of [4, 6] as const) {
        const shapes = all.map(shapeOf).filter((shape) => shape.family === family);
        t.deepEqual(decodeShapes(family, encodeShapes(family, shapes)), shapes);
      }
    }),
  );
});

test('shapes: masks are in network order', (t) => {
  const four = encodeShapes(4, [
    shapeOf(parseMatch({ src: '198.51.96.0/20', dst: '203.0.113.10', proto: 'tcp', dport: 80 })),
  ]);
  t.is(hex(four.subarray(8, 32)), 'fffff000ffffffff0000ffffff000000' + '0000000000142005');
  const six = encodeShapes(6, [shapeOf(parseMatch({ in: 'eth0', dst: '2001:db8::/33' }))]);
  t.is(hex(six.subarray(8, 56)), `${'00'.repeat(16)}ffffffff80${'00'.repeat(11)}${'00'.repeat(8)}0000000000002108`);
});

test('shapes: a key is what its mask leaves of it, and in the last word what its shape fixes', (t) => {
  fc.assert(
    fc.property(matches, fc.nat(15), (match, zone) => {
      const key = encodeKey(match, zone);
      const { family } = shapeOf(match);
      const { each, first } = {
        4: { each: STRUCTS.shape4, first: STRUCTS.shapes4.shape },
        6: { each: STRUCTS.shape6, first: STRUCTS.shapes6.shape },
      }[family];
      const shape = encodeShapes(family, [{ ...shapeOf(match), in: zone !== 0 }]).subarray(first, first + each.size);
      const masked = key.map((byte, at) => byte & (shape[at] ?? 0));
      for (let at = 0; at < 8; at += 1)
        masked[key.length - 8 + at] = (masked[key.length - 8 + at] ?? 0) | (shape[each.zero + at] ?? 0);
      masked[key.length - 1] = (masked[key.length - 1] ?? 0) | (zone << KEY_FLAGS.KEY_ZONE_SHIFT);
      t.deepEqual(masked, key);
    }),
  );
});

test('shapes: the lists of both families lie one after the other', (t) => {
  const lists = ([4, 6] as const).flatMap((family) => ([0, 1] as const).map((which) => listAt(family, which)));
  t.deepEqual(
    lists.map(({ offset, length }) => [offset, length]),
    [
      [0, 200],
      [200, 200],
      [400, 392],
      [792, 392],
    ],
  );
  t.is(792 + 392, STRUCTS.shapes.size);
});

test('shapes: a count that nobody of ours wrote is as good as the largest', (t) => {
  const bytes = encodeShapes(4, []);
  bytes[STRUCTS.shapes4.count + 5] = 1;
  t.is(decodeShapes(4, bytes).length, LIMITS.SHAPES_MAX);
});

test('shapes: a ninth shape and a shape of the other family are refused', (t) => {
  const shape = shapeOf(parseMatch({ dst: '203.0.113.10' }));
  t.throws(
    () =>
      encodeShapes(
        4,
        Array.from({ length: 9 }, () => shape),
      ),
    { instanceOf: RangeError },
  );
  t.throws(() => encodeShapes(6, [shape]), { instanceOf: RangeError });
});

test('mark: decoding gives back what was encoded; all zero is none', (t) => {
  const mark = { epoch: 'é'.repeat(32), rev: 2 ** 53 - 1, seq: 7 };
  t.deepEqual(decodeMark(encodeMark(mark)), mark);
  t.is(decodeMark(new Uint8Array(STRUCTS.mark.size)), undefined);
  t.throws(() => encodeMark({ ...mark, epoch: 'x'.repeat(65) }), { instanceOf: RangeError });
  t.is(markOffset(1) + STRUCTS.mark.size, STRUCTS.control.size);
});

test('about: decoding gives back what was encoded', (t) => {
  const about: About = {
    layout: 2,
    hz: 250,
    slots: 16384,
    cpuRows: 2,
    netns: 4026531840n,
    maps: {
      redirect4: 1,
      redirect6: 2,
      stats: 3,
      ports: 4,
      shapes: 5,
      control: 7,
      verdicts: 8,
      losses: 10,
    },
    program: 9,
    zones: [0, 3, ...Array.from({ length: 14 }, () => 0)],
    instance: '000102030405060708090a0b0c0d0eff',
  };
  t.deepEqual(decodeAbout(encodeAbout(about)), about);
  t.is(hex(encodeConfig({ slots: 16384, cpuRows: 2, rowBits: 15 })), '00400000020000000f00000000000000');
});

test('stat: a row decodes to its counts', (t) => {
  const words = new BigUint64Array([2n ** 63n, 3n, 4n, 0n]);
  t.deepEqual(decodeStat(new Uint8Array(words.buffer)), { packets: 2n ** 63n, bytes: 3n, seen: 4n });
});

test('clock: cb holds the low word first', (t) => {
  const context = new Uint8Array(192);
  context.set([0, 0, 0, 0x80, 1, 0, 0, 0], 48);
  t.is(decodeClock(context), 0x180000000n);
});
