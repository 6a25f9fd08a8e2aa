import test from 'ava';
import fc from 'fast-check';
import type { Code } from '../../../protocol/codes.ts';
import { compareSpecificity, keyOf, matchOfKey } from '../../../protocol/key.ts';
import { familyOf, parseMatch, protoNumber } from '../../../protocol/match.ts';
import { compareShapes, decidedBy, shapeOf, shapeText } from '../../../protocol/shape.ts';
import { match } from './arbitraries.ts';
import { expected, refusal } from './refusal.ts';

const KEYS: readonly [written: object, key: string][] = [
  [
    { src: '198.51.100.0/24', dst: '203.0.113.10', proto: 'udp', dport: 443 },
    'v4 udp 198.51.100.0/24:* > 203.0.113.10/32:443',
  ],
  [{ dst: '2001:DB8::1' }, 'v6 any [::/0]:* > [2001:db8::1/128]:*'],
  [{ in: 'eth0', src: '0.0.0.0/0', proto: 47 }, 'v4 47 0.0.0.0/0:* > 0.0.0.0/0:* in eth0'],
  [{ dst: '::1', proto: 58 }, 'v6 icmp6 [::/0]:* > [::1/128]:*'],
  [{ src: '10.0.0.0/8', proto: 6, sport: 1, dport: 65535 }, 'v4 tcp 10.0.0.0/8:1 > 0.0.0.0/0:65535'],
  [{ src: '10.0.0.1', proto: 0 }, 'v4 0 10.0.0.1/32:* > 0.0.0.0/0:*'],
];

for (const [written, key] of KEYS) {
  test(`key: ${key}`, (t) => t.is(keyOf(parseMatch(written)), key));
}

const REFUSED: readonly [title: string, written: unknown, code: Code, path: string][] = [
  ['a list', [], 'BAD_FIELD', 'match'],
  ['nothing given', {}, 'NO_ADDRESS', 'match'],
  ['no address', { proto: 'udp', dport: 1 }, 'NO_ADDRESS', 'match'],
  ['host bits', { src: '198.51.100.7/24' }, 'BAD_PREFIX', 'match.src'],
  ['a number as an address', { src: 10 }, 'BAD_PREFIX', 'match.src'],
  ['a mapped address', { dst: '::ffff:10.0.0.1' }, 'MAPPED_ADDRESS', 'match.dst'],
  ['two families', { src: '10.0.0.1', dst: '::1' }, 'MIXED_FAMILIES', 'match'],
  ['an unknown protocol', { src: '10.0.0.1', proto: 'sctp' }, 'BAD_PROTO', 'match.proto'],
  ['an inherited name as a protocol', { src: '10.0.0.1', proto: 'toString' }, 'BAD_PROTO', 'match.proto'],
  ['protocol 256', { src: '10.0.0.1', proto: 256 }, 'BAD_PROTO', 'match.proto'],
  ['icmp in IPv6', { src: '::1', proto: 'icmp' }, 'BAD_PROTO', 'match.proto'],
  ['icmp6 in IPv4', { src: '10.0.0.1', proto: 58 }, 'BAD_PROTO', 'match.proto'],
  ['port 0', { src: '10.0.0.1', proto: 'udp', sport: 0 }, 'BAD_PORT', 'match.sport'],
  ['port 65536', { src: '10.0.0.1', proto: 'udp', dport: 65536 }, 'BAD_PORT', 'match.dport'],
  ['a port as text', { src: '10.0.0.1', proto: 'udp', dport: '443' }, 'BAD_PORT', 'match.dport'],
  ['a port without a protocol', { src: '10.0.0.1', dport: 443 }, 'PORT_WITHOUT_PROTO', 'match.dport'],
  ['a port with icmp', { src: '10.0.0.1', proto: 'icmp', sport: 1 }, 'PORT_WITHOUT_PROTO', 'match.sport'],
  ['an unknown field', { src: '10.0.0.1', dports: 1 }, 'UNKNOWN_FIELD', 'match.dports'],
  ...['', '.', '..', 'a/b', 'a b', 'a:b', 'sixteen-letters-', 'é', 'a\n', 7].map(
    (name): [string, unknown, Code, string] => {
      return [`interface ${JSON.stringify(name)}`, { in: name, src: '10.0.0.1' }, 'BAD_INTERFACE', 'match.in'];
    },
  ),
];

for (const [title, written, code, path] of REFUSED) {
  test(`parse match: ${title} is refused`, (t) =>
    t.is(
      refusal(() => parseMatch(written)),
      expected(code, path),
    ));
}

test('parse match: the normal form is its own normal form', (t) => {
  fc.assert(fc.property(match, (value) => t.deepEqual(parseMatch(value), value)));
});

test('key: two matches have one key exactly when they are equal', (t) => {
  fc.assert(
    fc.property(match, match, (a, b) => t.is(keyOf(a) === keyOf(b), JSON.stringify(a) === JSON.stringify(b))),
    { numRuns: 500 },
  );
});

test('key: a match comes back out of its key as it was', (t) => {
  fc.assert(fc.property(match, (one) => t.deepEqual(matchOfKey(keyOf(one)), { ...one })));
  t.throws(() => matchOfKey('v4 udp 198.51.100.0/24'), { instanceOf: TypeError });
});

test('precedence: what decides is named', (t) => {
  const shape = (value: object) => shapeOf(parseMatch(value));
  t.is(decidedBy(shape({ dst: '10.0.0.2' }), shape({ dst: '10.0.0.0/24' })), 'bits');
  t.is(decidedBy(shape({ dst: '10.0.0.2' }), shape({ src: '10.0.0.2' })), 'dst');
  t.is(
    decidedBy(shape({ dst: '10.0.0.2', proto: 'udp', dport: 1 }), shape({ dst: '10.0.0.2', proto: 'udp', sport: 1 })),
    'dport',
  );
  t.is(decidedBy(shape({ dst: '10.0.0.2', proto: 47 }), shape({ dst: '10.0.0.2', in: 'eth0' })), 'proto');
  t.is(decidedBy(shape({ dst: '10.0.0.2' }), shape({ dst: '10.0.0.3' })), undefined);
});

test('precedence: fixed bits first, then dst, src, dport, sport, proto', (t) => {
  const ordered = [
    { src: '10.0.0.1', dst: '10.0.0.2', proto: 'udp', sport: 1, dport: 1 },
    { src: '10.0.0.1', dst: '10.0.0.2', proto: 'udp' },
    { in: 'eth0', src: '10.0.0.1', dst: '10.0.0.2' },
    { src: '10.0.0.0/24', dst: '10.0.0.2', proto: 'udp' },
    { src: '10.0.0.1', dst: '10.0.0.0/24', proto: 'udp' },
    { src: '10.0.0.0/24', proto: 'udp', dport: 1 },
    { src: '10.0.0.0/24', proto: 'udp', sport: 1 },
    { dst: '10.0.0.2' },
    { src: '10.0.0.2' },
    { src: '10.0.0.0/8', proto: 47 },
    { in: 'eth0', src: '10.0.0.0/8' },
  ].map((value) => parseMatch(value));
  t.deepEqual([...ordered].reverse().sort(compareSpecificity), ordered);
});

test('shape: text and order agree on which shapes are equal', (t) => {
  fc.assert(
    fc.property(match, match, (a, b) => {
      const [left, right] = [shapeOf(a), shapeOf(b)];
      t.is(shapeText(left) === shapeText(right), compareShapes(left, right) === 0);
      t.is(Math.sign(compareShapes(left, right)), -Math.sign(compareShapes(right, left)) + 0);
    }),
  );
});

test('shape: text names what is fixed', (t) => {
  const shape = shapeOf(parseMatch({ in: 'eth0', src: '10.0.0.0/24', dst: '10.0.0.1', proto: 'udp', dport: 1 }));
  t.is(shapeText(shape), 'v4 /24 > /32 proto dport in');
});

test('protocol: names have their numbers in the IP header', (t) => {
  t.deepEqual((['icmp', 'tcp', 'udp', 'icmp6', 47] as const).map(protoNumber), [1, 6, 17, 58, 47]);
  t.is(familyOf(parseMatch({ dst: '::1' })), 6);
});
