import test from 'ava';
import fc from 'fast-check';
import { actionKind, manyActions, parseAction } from '../../../protocol/action.ts';
import type { Code } from '../../../protocol/codes.ts';
import { addDigest, EMPTY_DIGEST, elementDigest, removeDigest } from '../../../protocol/digest.ts';
import { intentBody, parseChange, parseIntentBody } from '../../../protocol/intent.ts';
import { parseMatch } from '../../../protocol/match.ts';
import { changes, intent } from './arbitraries.ts';
import { readFixture } from './messages.ts';
import { expected, refusal } from './refusal.ts';

const four = parseMatch({ dst: '203.0.113.10', proto: 'udp' });
const six = parseMatch({ dst: '2001:db8::1' });

const REFUSED: readonly [title: string, match: typeof four, to: unknown, code: Code, path: string][] = [
  ['an unknown word', four, 'reject', 'BAD_ACTION', 'to'],
  ['nothing', four, {}, 'BAD_ACTION', 'to'],
  ['null', four, null, 'BAD_FIELD', 'to'],
  ['an interface alone', four, { interface: 'eth0' }, 'BAD_ACTION', 'to'],
  ['a MAC alone', four, { mac: '02:00:00:00:00:01' }, 'MISSING_FIELD', 'to.interface'],
  ['next hop and MAC', four, { nexthop: '10.0.0.7', mac: '02:00:00:00:00:01' }, 'BAD_ACTION', 'to'],
  ['a misspelt field', four, { nexthopp: '10.0.0.7' }, 'UNKNOWN_FIELD', 'to.nexthopp'],
  ['a group MAC', four, { interface: 'eth0', mac: '01:00:5e:00:00:01' }, 'BAD_MAC', 'to.mac'],
  ['broadcast', four, { interface: 'eth0', mac: 'ff:ff:ff:ff:ff:ff' }, 'BAD_MAC', 'to.mac'],
  ['the zero MAC', four, { interface: 'eth0', mac: '00:00:00:00:00:00' }, 'BAD_MAC', 'to.mac'],
  ['a short MAC', four, { interface: 'eth0', mac: '2:0:0:0:0:1' }, 'BAD_MAC', 'to.mac'],
  ['an impossible interface', four, { interface: 'a/b', mac: '02:00:00:00:00:01' }, 'BAD_INTERFACE', 'to.interface'],
  ['a prefix as next hop', four, { nexthop: '10.0.0.0/8' }, 'BAD_ADDRESS', 'to.nexthop'],
  ['a mapped next hop', six, { nexthop: '::ffff:10.0.0.1' }, 'MAPPED_ADDRESS', 'to.nexthop'],
  ['a next hop of the other family', six, { nexthop: '10.0.0.7' }, 'MIXED_FAMILIES', 'to.nexthop'],
  ['multicast', four, { nexthop: '224.0.0.1' }, 'BAD_TARGET', 'to.nexthop'],
  ['loopback', six, { nexthop: '::1' }, 'BAD_TARGET', 'to.nexthop'],
  ['unspecified', four, { nexthop: '0.0.0.0' }, 'BAD_TARGET', 'to.nexthop'],
  ['link-local without a link', six, { nexthop: 'fe80::1' }, 'BAD_TARGET', 'to.nexthop'],
  ['ttl of another kind', four, { nexthop: '10.0.0.7', ttl: 'drop' }, 'BAD_FIELD', 'to.ttl'],
  ['an unknown encapsulation', four, { encap: 'gre', remote: '10.0.0.7' }, 'BAD_FIELD', 'to.encap'],
  ['a tunnel through the other family', four, { encap: 'ipip', remote: '2001:db8::2' }, 'MIXED_FAMILIES', 'to.remote'],
  ['an empty rewrite', four, { rewrite: {}, reply: 'none' }, 'BAD_ACTION', 'to.rewrite'],
  ['a rewrite without reply', four, { rewrite: { dport: 1 } }, 'MISSING_FIELD', 'to.reply'],
  [
    'a port where there is none',
    six,
    { rewrite: { dport: 1 }, reply: 'none' },
    'PORT_WITHOUT_PROTO',
    'to.rewrite.dport',
  ],
  ['encap and next hop', four, { encap: 'ipip', remote: '10.0.0.7', nexthop: '10.0.0.8' }, 'BAD_ACTION', 'to'],
];

for (const [title, match, to, code, path] of REFUSED) {
  test(`parse action: ${title} is refused`, (t) =>
    t.is(
      refusal(() => parseAction(to, match)),
      expected(code, path),
    ));
}

test('parse action: addresses and MACs come out canonical', (t) => {
  t.deepEqual(parseAction({ mac: '02:AB:00:00:00:01', interface: 'eth0' }, four), {
    interface: 'eth0',
    mac: '02:ab:00:00:00:01',
  });
  t.deepEqual(parseAction({ nexthop: '2001:DB8:0::7' }, six), { nexthop: '2001:db8::7' });
  t.deepEqual(parseAction({ nexthop: 'FE80::1', interface: 'eth0' }, six), { nexthop: 'fe80::1', interface: 'eth0' });
});

test('action kind: each kind is told from the others', (t) => {
  const rewrite = { rewrite: { dport: 1 }, reply: 'none', nexthop: '10.0.0.7' } as const;
  t.deepEqual(
    [
      'drop',
      'pass',
      { interface: 'a', mac: 'b' },
      { nexthop: 'a', interface: 'b' },
      { encap: 'ipip', remote: 'a' },
      rewrite,
    ].map((action) => actionKind(action as never)),
    ['drop', 'pass', 'interface', 'nexthop', 'encap', 'rewrite'],
  );
});

test('parse change: an intent comes back as it was, in canonical field order', (t) => {
  fc.assert(
    fc.property(changes, (list) => {
      for (const change of list) {
        const parsed = parseChange(change);
        t.deepEqual(parsed, change);
        t.deepEqual(parseChange(Object.fromEntries(Object.entries(change).reverse())), change);
      }
    }),
  );
});

test('parse change: the key must be that of the match', (t) => {
  const put = (readFixture('update').changes as object[])[0];
  t.is(
    refusal(() => parseChange({ ...put, key: 'v4 any 0.0.0.0/0:* > 1.2.3.4/32:*' })),
    expected('KEY_MISMATCH', 'key'),
  );
  t.is(
    refusal(() => parseChange({ ...put, op: 'merge' })),
    expected('BAD_FIELD', 'op'),
  );
  t.is(
    refusal(() => parseChange({ ...put, op: undefined })),
    expected('MISSING_FIELD', 'op'),
  );
});

test('intent body: it reads back, and does not depend on the order of fields', (t) => {
  fc.assert(
    fc.property(intent, (value) => {
      const body = intentBody(value);
      t.deepEqual(parseIntentBody(value.key, value.rev, body), value);
      const shuffled = { ...value, match: Object.fromEntries(Object.entries(value.match).reverse()) as never };
      t.is(intentBody(shuffled), body);
    }),
  );
});

test('intent body: actions that are read as many are those that are read alone, and equal ones are one', (t) => {
  const readTo = manyActions();
  fc.assert(
    fc.property(intent, (value) => {
      const body = intentBody(value);
      const read = parseIntentBody(value.key, value.rev, body, readTo);
      t.deepEqual(read, value);
      t.is(read.to, parseIntentBody(value.key, value.rev, body, readTo).to);
    }),
  );
});

test('intent body: an action that was read for one match is judged beside another one anew', (t) => {
  const readTo = manyActions();
  const to = { nexthop: '192.0.2.7' };
  t.deepEqual(readTo({ ...to }, four), to);
  t.is(
    refusal(() => readTo({ ...to }, six)),
    expected('MIXED_FAMILIES', 'to.nexthop'),
  );
});

test('intent body: what is damaged is refused', (t) => {
  const [put] = readFixture('update').changes as [never];
  const body = intentBody(put);
  t.is(
    refusal(() => parseIntentBody('v4 any', 1, body)),
    expected('KEY_MISMATCH', 'key'),
  );
  t.is(
    refusal(() => parseIntentBody('v4 any', 1, body.slice(1))),
    expected('BAD_JSON', ''),
  );
  t.is(
    refusal(() => parseIntentBody('v4 any', 1, '{}')),
    expected('MISSING_FIELD', 'name'),
  );
});

test('digest: the vectors hold', (t) => {
  const { empty, elements, sums } = readFixture('digest') as unknown as {
    empty: string;
    elements: { key: string; rev: number; body: string; element: string }[];
    sums: string[];
  };
  t.is(EMPTY_DIGEST, empty);
  let sum = empty;
  for (const [index, { key, rev, body, element }] of elements.entries()) {
    t.is(elementDigest(key, rev, body), BigInt(`0x${element}`));
    t.is(intentBody(parseIntentBody(key, rev, body)), body);
    sum = addDigest(sum, BigInt(`0x${element}`));
    t.is<string | undefined, string | undefined>(sum, sums[index]);
  }
});

test('digest: order does not matter, and removing undoes adding', (t) => {
  const element = fc.bigInt({ min: 0n, max: 2n ** 128n - 1n });
  fc.assert(
    fc.property(fc.array(element), element, (list, more) => {
      const sum = list.reduce(addDigest, EMPTY_DIGEST);
      t.is([...list].reverse().reduce(addDigest, EMPTY_DIGEST), sum);
      t.is(removeDigest(addDigest(sum, more), more), sum);
      t.is(addDigest(removeDigest(sum, more), more), sum);
      t.regex(sum, /^[0-9a-f]{32}$/);
    }),
  );
});
