import test from 'ava';
import fc from 'fast-check';
import type { Action } from '../../../protocol/action.ts';
import {
  type Guard,
  guardOf,
  guardStatus,
  type Judgement,
  makeJudge,
  type Protected,
  readGuard,
  ruleText,
  subjectOf,
  toCompare,
} from '../../../protocol/guard.ts';
import { parseMatch } from '../../../protocol/match.ts';

const AWAY: Action = { nexthop: '10.0.0.7' };
const BUS: Protected = { name: 'bus', match: parseMatch({ src: '192.0.2.10', proto: 'tcp', sport: 4222 }) };
const SSH6: Protected = { name: 'ssh', match: parseMatch({ dst: '2001:db8::5', proto: 'tcp', dport: 22 }) };

function judge(guard: Partial<Guard>, match: unknown, to: Action = AWAY): Judgement {
  return makeJudge({ protect: [], ...guard })(subjectOf(parseMatch(match), to));
}

function says(judgement: Judgement): string {
  if (judgement.is === 'denied') return `denied: ${ruleText(judgement.by)}`;
  return judgement.is === 'overlaps' ? `overlaps ${judgement.with.map(({ name }) => name).join()}` : judgement.is;
}

const MATCHES: readonly (readonly [match: unknown, says: string])[] = [
  [
    { src: '192.0.2.10', proto: 'tcp', sport: 4222 },
    'denied: it protects bus: v4 tcp 192.0.2.10/32:4222 > 0.0.0.0/0:*',
  ],
  [
    { src: '192.0.2.10', dst: '198.51.100.1', proto: 'tcp', sport: 4222, dport: 5000 },
    'denied: it protects bus: v4 tcp 192.0.2.10/32:4222 > 0.0.0.0/0:*',
  ],
  [
    { in: 'eth0', src: '192.0.2.10', proto: 'tcp', sport: 4222 },
    'denied: it protects bus: v4 tcp 192.0.2.10/32:4222 > 0.0.0.0/0:*',
  ],
  [{ src: '192.0.2.10' }, 'overlaps bus'],
  [{ src: '192.0.2.10', proto: 'tcp' }, 'overlaps bus'],
  [{ src: '192.0.0.0/16' }, 'overlaps bus'],
  [{ dst: '198.51.100.1' }, 'overlaps bus'],
  [{ src: '192.0.2.10', proto: 'udp' }, 'allowed'],
  [{ src: '192.0.2.10', proto: 'tcp', sport: 4223 }, 'allowed'],
  [{ src: '192.0.2.11' }, 'allowed'],
  [{ dst: '2001:db8::5', proto: 'tcp', dport: 22 }, 'denied: it protects ssh: v6 tcp [::/0]:* > [2001:db8::5/128]:22'],
  [{ dst: '2001:db8::/32' }, 'overlaps ssh'],
  [{ dst: '2001:db8::6' }, 'allowed'],
];

test('guard: what lies inside the protected set is denied, what overlaps it is said to', (t) => {
  const protect = [BUS, SSH6];
  for (const [match, expected] of MATCHES) t.is(says(judge({ protect }, match)), expected, JSON.stringify(match));
  for (const [match] of MATCHES) t.is(says(judge({ protect }, match, 'pass')), 'allowed', 'to pass takes nothing');
  t.true(says(judge({ protect }, { src: '192.0.2.10', proto: 'tcp', sport: 4222 }, 'drop')).startsWith('denied'));
  for (const [match] of MATCHES) t.is(says(judge({}, match)), 'allowed', 'an open guard');
});

test('guard: source, destination and target have to lie within what is allowed, of their family', (t) => {
  const guard: Partial<Guard> = { src: ['198.51.100.0/24'], dst: ['203.0.113.0/25', '2001:db8::/32'] };
  const match = { src: '198.51.100.0/25', dst: '203.0.113.10' };
  t.is(says(judge(guard, match)), 'allowed');
  t.is(says(judge(guard, match, 'pass')), 'allowed');
  t.regex(says(judge(guard, { ...match, src: '198.51.100.0/23' })), /^denied: its src /);
  t.regex(says(judge(guard, { ...match, src: '0.0.0.0/0' }, 'pass')), /^denied: its src /);
  t.regex(says(judge(guard, { ...match, dst: '203.0.113.128' })), /^denied: its dst /);
  t.regex(says(judge(guard, { dst: '2001:db8::1' })), /^denied: its src /, 'no source of IPv6 is allowed');
  const targets = ['10.0.0.0/8'];
  t.is(says(judge({ targets }, match)), 'allowed');
  t.is(says(judge({ targets }, match, 'drop')), 'allowed', 'sent nowhere');
  t.is(says(judge({ targets }, match, { encap: 'ipip', remote: '10.1.1.1' })), 'allowed');
  for (const to of [
    { nexthop: '11.0.0.1' },
    { encap: 'ipip', remote: '11.0.0.1' },
    { rewrite: { dst: '10.0.0.1' }, reply: 'none', nexthop: '11.0.0.1' },
    { rewrite: { dport: 80 }, reply: 'none' },
    { interface: 'eth1', mac: '02:00:00:00:00:01' },
  ] as const)
    t.regex(says(judge({ targets }, match, to)), /^denied: its targets /, JSON.stringify(to));
});

const addresses = (count: number): Protected[] =>
  Array.from({ length: count }, (_, at) => ({
    name: 'ssh',
    match: parseMatch({ dst: `10.0.0.${at + 1}`, proto: 'tcp', dport: 22 }),
  }));

test('guard: what is too much for the program is compared as one that holds it all, and denied exactly', (t) => {
  const protect = [BUS, ...addresses(20)];
  t.deepEqual(toCompare(protect, 16), [
    BUS,
    { name: 'ssh', match: parseMatch({ dst: '10.0.0.0/27', proto: 'tcp', dport: 22 }) },
  ]);
  t.deepEqual(toCompare(protect, 21), protect);
  t.regex(says(judge({ protect }, { dst: '10.0.0.7', proto: 'tcp', dport: 22 })), /^denied/);
  t.is(says(judge({ protect }, { dst: '10.0.0.30', proto: 'tcp', dport: 22 })), 'overlaps bus');
  t.is(says(judge({ protect }, { dst: '10.0.0.7' })), 'overlaps bus,ssh');
});

test('guard: overlapping what has no room in the program even so is denied', (t) => {
  const protect = Array.from({ length: 17 }, (_, at) => ({
    name: `own-${at}`,
    match: parseMatch({ src: '192.0.2.1', proto: 'tcp', sport: 1000 + at }),
  }));
  t.is(says(judge({ protect }, { src: '192.0.2.1', proto: 'tcp', sport: 2000 })), 'allowed');
  t.is(
    says(judge({ protect }, { src: '192.0.2.1' })),
    'denied: it protects own-16: v4 tcp 192.0.2.1/32:1016 > 0.0.0.0/0:*',
  );
});

const prefix = fc.tuple(fc.nat(3), fc.integer({ min: 30, max: 32 })).map(([last, len]) => {
  return `10.0.0.${last & (0xff << (32 - len))}/${len}`;
});
const fields = fc.record(
  {
    src: prefix,
    dst: prefix,
    proto: fc.constantFrom('tcp', 'udp'),
    sport: fc.constantFrom(1, 2),
    dport: fc.constantFrom(1, 2),
  },
  { requiredKeys: ['src', 'dst', 'proto'] },
);

test('guard: no packet that is protected goes where a redirect says, however the two lie', (t) => {
  const packets = [0, 1, 2, 3].flatMap((src) =>
    [0, 1, 2, 3].flatMap((dst) =>
      ['tcp', 'udp'].flatMap((proto) =>
        [1, 2, 3].flatMap((sport) => [1, 2, 3].map((dport) => ({ src, dst, proto, sport, dport }))),
      ),
    ),
  );
  type Packet = (typeof packets)[number];
  const within = (text: string, last: number): boolean => {
    const [address = '', len = ''] = text.split('/');
    const size = 2 ** (32 - Number(len));
    const first = Number(address.split('.')[3]);
    return last >= first && last < first + size;
  };
  const has = ({ match }: Pick<Protected, 'match'>, it: Packet): boolean =>
    within(match.src, it.src) &&
    within(match.dst, it.dst) &&
    (match.proto ?? it.proto) === it.proto &&
    (match.sport ?? it.sport) === it.sport &&
    (match.dport ?? it.dport) === it.dport;
  fc.assert(
    fc.property(
      fields,
      fc.array(fields, { maxLength: 20 }),
      fc.integer({ min: 0, max: 4 }),
      (written, others, names) => {
        const match = parseMatch(written);
        const protect = others.map((it, at) => ({ name: `n${at % (names + 1)}`, match: parseMatch(it) }));
        const judgement = makeJudge({ protect })(subjectOf(match, AWAY));
        const mine = packets.filter((packet) => has({ match }, packet));
        const caught = mine.filter((packet) => protect.some((one) => has(one, packet)));
        if (judgement.is === 'allowed') return caught.length === 0;
        const checked = toCompare(protect, 16);
        if (judgement.is === 'overlaps') return caught.every((packet) => checked.some((one) => has(one, packet)));
        return caught.length > 0;
      },
    ),
  );
  t.pass();
});

test('guard: as it is reported it judges alike; what is not understood is no guard, and costs nothing else', (t) => {
  const guard: Guard = { src: ['198.51.100.0/24'], maxRedirects: 7, protect: [BUS, SSH6] };
  t.deepEqual(guardOf(guardStatus(guard, { fault: 'broken' })), guard);
  t.deepEqual(readGuard(JSON.parse(JSON.stringify(guardStatus(guard))), 'guard'), guardStatus(guard));
  t.is(guardStatus({ protect: addresses(100) }).protect.length, 64);
  for (const other of [
    1,
    {},
    { protect: [{ name: 'bus', key: 'v4 tcp nonsense' }] },
    { protect: [], src: ['10.0.0.1/8'] },
  ])
    t.is(readGuard(other, 'guard'), null, JSON.stringify(other));
});
