import test from 'ava';
import {
  actionText,
  ageText,
  bytesText,
  clockText,
  countText,
  matchText,
  someText,
} from '../../../../cli/show/format.ts';

test('bytes: one decimal from KiB up, and no 1024.0', (t) => {
  const cases: [bigint | number, string][] = [
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [1536, '1.5 KiB'],
    [1024 * 1024 - 1, '1.0 MiB'],
    [2n ** 64n - 1n, '16.0 EiB'],
  ];
  for (const [bytes, text] of cases) t.is(bytesText(bytes), text);
});

test('age: the two largest units', (t) => {
  const cases: [number, string][] = [
    [-5, '0ms'],
    [340, '340ms'],
    [12_999, '12s'],
    [60_000, '1m'],
    [200_000, '3m20s'],
    [3_600_000, '1h'],
    [86_400_000 * 2 + 4 * 3_600_000, '2d4h'],
  ];
  for (const [ageMs, text] of cases) t.is(ageText(ageMs), text);
});

test('clock: how far it is off, and which way', (t) => {
  t.is(clockText(86_400_000 * 400), "400d ahead of the controller's");
  t.is(clockText(-5_000), "5s behind the controller's");
});

test('action: each kind in a few words, and what is unknown as it came', (t) => {
  const cases: [unknown, string][] = [
    ['drop', 'drop'],
    [{ nexthop: '10.0.0.7' }, '10.0.0.7'],
    [{ nexthop: '10.0.0.7', interface: 'eth1', ttl: 'keep' }, '10.0.0.7 on eth1 ttl keep'],
    [{ interface: 'eth0', mac: '02:00:00:00:00:0c' }, 'eth0 02:00:00:00:00:0c'],
    [{ encap: 'ipip', remote: '192.0.2.2' }, 'ipip 192.0.2.2'],
    [{ rewrite: { dst: '192.0.2.2', dport: 53 }, reply: 'none' }, 'rewrite 192.0.2.2 port 53'],
    [{ mirror: true }, '{"mirror":true}'],
  ];
  for (const [action, text] of cases) t.is(actionText(action), text);
});

test('match: its key, and what is unknown as it came', (t) => {
  t.is(matchText({ dst: '203.0.113.10' }), 'v4 any 0.0.0.0/0:* > 203.0.113.10/32:*');
  t.is(matchText({ vlan: 3 }), '{"vlan":3}');
});

test('lists and counts: short', (t) => {
  t.is(someText(['a', 'b', 'c']), 'a,b,c');
  t.is(someText(['a', 'b', 'c', 'd', 'e']), 'a,b,c +2');
  t.is(countText(1, 'problem'), '1 problem');
  t.is(countText(2, 'problem'), '2 problems');
});
