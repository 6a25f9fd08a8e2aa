import test from 'ava';
import fc from 'fast-check';
import {
  addressFault,
  formatAddress,
  formatPrefix,
  isPrefix,
  isUnicastTarget,
  maskPrefix,
  parseAddress,
  parsePrefix,
  prefixFault,
} from '../../../protocol/address.ts';
import { bytes, prefix } from './arbitraries.ts';

const CANONICAL: readonly [written: string, canonical: string][] = [
  ['0.0.0.0', '0.0.0.0'],
  ['255.255.255.255', '255.255.255.255'],
  ['::', '::'],
  ['::1', '::1'],
  ['1::', '1::'],
  ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'], // RFC 5952, 4.2.2: one group is not shortened
  ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'], // 4.2.3: the longest run
  ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'], // 4.2.3: the first of equal runs
  ['::192.0.2.1', '::c000:201'],
  ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
];

for (const [written, canonical] of CANONICAL) {
  test(`parse address: ${written} is ${canonical}`, (t) => {
    const address = parseAddress(written);
    t.is(address && formatAddress(address.bytes), canonical);
  });
}

const NOT_ADDRESSES = [
  '',
  '1.2.3',
  '1.2.3.4.5',
  '01.2.3.4',
  '1.2.3.256',
  '1..2.3',
  '1.2.3.4 ',
  ' 1.2.3.4',
  '1.2.3.4/8',
  '0x1.2.3.4',
  '1.2.3.',
  '-1.2.3.4',
  ':',
  ':::',
  '1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:8:9',
  '12345::',
  'fe80::1%eth0',
  '[::1]',
  'g::',
  '::ffff:0:0:0:0:0:0:0',
  'localhost',
];

for (const text of NOT_ADDRESSES) {
  test(`parse address: ${JSON.stringify(text)} is none`, (t) => {
    t.is(parseAddress(text), undefined);
    t.is(addressFault(text).code, 'BAD_ADDRESS');
  });
}

for (const text of ['::ffff:192.0.2.1', '::FFFF:c000:201', '0:0:0:0:0:ffff:1.2.3.4', '::ffff:0:0']) {
  test(`parse address: IPv4-mapped ${text} is refused, alone and as a prefix`, (t) => {
    t.is(parseAddress(text), undefined);
    t.is(parsePrefix(`${text}/128`), undefined);
    t.is(addressFault(text).code, 'MAPPED_ADDRESS');
    t.is(prefixFault(`${text}/128`).code, 'MAPPED_ADDRESS');
  });
}

test('parse address: every 4 and 16 bytes come back from their text', (t) => {
  for (const family of [4, 6] as const) {
    fc.assert(
      fc.property(bytes(family), (raw) => {
        const text = formatAddress(raw);
        const address = parseAddress(text);
        if (address === undefined) t.is(addressFault(text).code, 'MAPPED_ADDRESS');
        else t.deepEqual(address, { family, bytes: raw });
      }),
    );
  }
});

test('parse address: text agrees with how URL writes IPv6', (t) => {
  fc.assert(
    fc.property(bytes(6), (raw) =>
      t.is(`[${formatAddress(raw)}]`, new URL(`http://[${formatAddress(raw)}]/`).hostname),
    ),
  );
});

test('parse prefix: an address is a prefix of its full length', (t) => {
  t.is(parsePrefix('192.0.2.1')?.len, 32);
  t.is(parsePrefix('2001:db8::1')?.len, 128);
});

test('parse prefix: host bits are refused with the prefix that was meant', (t) => {
  t.is(parsePrefix('198.51.100.7/24'), undefined);
  t.regex(prefixFault('198.51.100.7/24').message, /did you mean 198\.51\.100\.0\/24\?/);
  t.regex(prefixFault('2001:db8::1/33').message, /did you mean 2001:db8::\/33\?/);
  t.regex(prefixFault('128.0.0.0/0').message, /did you mean 0\.0\.0\.0\/0\?/);
});

for (const text of [
  '10.0.0.0/33',
  '10.0.0.0/',
  '10.0.0.0/08',
  '10.0.0.0/-1',
  '10.0.0.0/8/8',
  '::/129',
  '::/1e1',
  '/8',
  '10/8',
]) {
  test(`parse prefix: ${text} is none`, (t) => {
    t.is(parsePrefix(text), undefined);
    t.is(prefixFault(text).code, 'BAD_PREFIX');
  });
}

test('parse prefix: canonical prefixes come back as they are', (t) => {
  for (const family of [4, 6] as const) {
    fc.assert(
      fc.property(prefix(family), (text) => {
        const parsed = parsePrefix(text);
        t.is(parsed && `${formatAddress(parsed.bytes)}/${parsed.len}`, text);
      }),
    );
  }
});

test('prefix: bytes are told to be one exactly where their text is read as one', (t) => {
  const zeros = fc.nat(128);
  for (const family of [4, 6] as const) {
    fc.assert(
      fc.property(bytes(family), zeros, fc.nat(255), (raw, kept, len) => {
        const masked = maskPrefix({ family, bytes: raw, len: kept });
        for (const it of [{ ...masked, len }, masked]) t.is(isPrefix(it), parsePrefix(formatPrefix(it)) !== undefined);
      }),
    );
  }
  const mapped = parsePrefix('::fffe:c000:201/128')?.bytes.with(11, 0xff) ?? new Uint8Array();
  t.false(isPrefix({ family: 6, bytes: mapped, len: 128 }));
});

test('parse prefix: of IPv4 nothing but the canonical text is read, where it has a length', (t) => {
  const digits = fc.constantFrom('0', '00', '1', '01', '10', '255', '256', '', ' 1');
  fc.assert(
    fc.property(digits, digits, fc.constantFrom('0', '8', '08', '24', '32', ' 8'), (a, b, len) => {
      const text = `${a}.${b}.0.0/${len}`;
      const read = parsePrefix(text);
      if (read !== undefined) t.is(formatPrefix(read), text);
    }),
  );
  t.pass();
});

test('target: only what frames can be addressed to', (t) => {
  const refused = [
    '0.0.0.0',
    '0.1.2.3',
    '127.0.0.1',
    '224.0.0.1',
    '239.255.255.255',
    '255.255.255.255',
    '::',
    '::1',
    'ff02::1',
  ];
  for (const text of refused) t.false(isUnicastTarget(parseAddress(text) ?? (t.fail(text) as never)), text);
  for (const text of ['10.0.0.7', '223.255.255.255', '2001:db8::1', 'fe80::1', '::2']) {
    t.true(isUnicastTarget(parseAddress(text) ?? (t.fail(text) as never)), text);
  }
});
