import test from 'ava';
import fc from 'fast-check';
import type { Code } from '../../../protocol/codes.ts';
import { intentBody } from '../../../protocol/intent.ts';
import { Refused } from '../../../protocol/refused.ts';
import {
  faultOf,
  judgeSpec,
  parseSpec,
  parseStoredSpec,
  problemOf,
  type Spec,
  specToJson,
} from '../../../protocol/spec.ts';
import { intent } from './arbitraries.ts';
import { readFixture } from './messages.ts';
import { expected, refusal } from './refusal.ts';

const written = readFixture('spec');
const least = { name: 'a', hosts: 'all', match: { dst: '203.0.113.10' }, to: 'drop' };

test('spec: how long a silence may be is said as it is written', (t) => {
  const after = (value: unknown) => () => parseSpec({ ...least, idle: { after: value } });
  t.throws(after('500ms'), { message: /idle\.after: expected 1s to 366d, not "500ms"$/ });
  t.throws(after('400d'), { message: /expected 1s to 366d, not "400d"$/ });
  t.throws(after(10), { message: /expected 1s to 366d, not 10; a number is of milliseconds$/ });
});

test('parse spec: what an operator writes is normalised', (t) => {
  t.deepEqual(parseSpec(written), {
    name: 'drain-web-2',
    hosts: { role: 'edge' },
    enabled: true,
    match: { in: 'eth0', src: '198.51.100.0/24', dst: '203.0.113.10/32', proto: 'udp', dport: 443 },
    to: { nexthop: '10.0.0.7' },
    idle: { afterMs: 600_000, rearm: 'revision' },
    expires: Date.UTC(2026, 11, 31),
    priority: 0,
    description: 'until web-2 is back',
  });
});

test('parse spec: defaults are filled in and listed hosts sorted', (t) => {
  t.deepEqual(parseSpec(least), {
    ...least,
    enabled: true,
    match: { src: '0.0.0.0/0', dst: '203.0.113.10/32' },
    priority: 0,
  } as never);
  t.deepEqual(parseSpec({ ...least, hosts: ['b', 'a', 'b'] }).hosts, ['a', 'b']);
});

const REFUSED: readonly [title: string, change: object, code: Code, path: string][] = [
  ['no name', { name: undefined }, 'MISSING_FIELD', 'name'],
  ['a name in capitals', { name: 'Web' }, 'BAD_NAME', 'name'],
  ['a name of 64', { name: 'x'.repeat(64) }, 'BAD_NAME', 'name'],
  ['no hosts', { hosts: undefined }, 'MISSING_FIELD', 'hosts'],
  ['one host as a word', { hosts: 'edge-7' }, 'BAD_SELECTOR', 'hosts'],
  ['an empty list', { hosts: [] }, 'BAD_SELECTOR', 'hosts'],
  ['empty labels', { hosts: {} }, 'BAD_SELECTOR', 'hosts'],
  ['a bad host', { hosts: ['edge_7'] }, 'BAD_HOST', 'hosts[0]'],
  ['a number as label', { hosts: { rack: 12 } }, 'BAD_LABEL', 'hosts.rack'],
  ['a word for enabled', { enabled: 'yes' }, 'BAD_FIELD', 'enabled'],
  ['a fraction for priority', { priority: 1.5 }, 'BAD_FIELD', 'priority'],
  ['a bad match', { match: { dst: '203.0.113.10/24' } }, 'BAD_PREFIX', 'match.dst'],
  ['a next hop of the other family', { to: { nexthop: '2001:db8::1' } }, 'MIXED_FAMILIES', 'to.nexthop'],
  ['a tunnel', { to: { encap: 'ipip', remote: '10.0.0.7' } }, 'NOT_SUPPORTED', 'to'],
  ['a rewrite', { to: { rewrite: { dst: '10.0.0.7' }, reply: 'none' } }, 'NOT_SUPPORTED', 'to'],
  ['idle as a word', { idle: '10m' }, 'BAD_FIELD', 'idle'],
  ['a unit unknown', { idle: { after: '10w' } }, 'BAD_DURATION', 'idle.after'],
  ['no unit', { idle: { after: '10' } }, 'BAD_DURATION', 'idle.after'],
  ['less than a second', { idle: { after: '10ms' } }, 'BAD_DURATION', 'idle.after'],
  ['an age', { idle: { after: '99999d' } }, 'BAD_DURATION', 'idle.after'],
  ['half a millisecond', { idle: { after: 1000.5 } }, 'BAD_DURATION', 'idle.after'],
  ['rearm unknown', { idle: { after: '1d', rearm: 'always' } }, 'BAD_FIELD', 'idle.rearm'],
  ['a time without zone', { expires: '2026-12-31T00:00:00' }, 'BAD_TIME', 'expires'],
  ['a day that does not exist', { expires: '2026-02-30T00:00:00Z' }, 'BAD_TIME', 'expires'],
  ['an hour that does not exist', { expires: '2026-02-20T25:00:00Z' }, 'BAD_TIME', 'expires'],
  ['a time before 1970', { expires: -1 }, 'BAD_FIELD', 'expires'],
];

for (const [title, change, code, path] of REFUSED) {
  test(`parse spec: ${title} is refused`, (t) =>
    t.is(
      refusal(() => parseSpec({ ...least, ...change })),
      expected(code, path),
    ));
}

test('parse spec: a description is one line of text for people, and no part of what a host is sent', (t) => {
  const description = (text: unknown) => parseSpec({ ...least, description: text }).description;
  t.is(description(' two\nlines,\tand \u001b[31mred\u202e '), 'two lines, and [31mred');
  t.is(description('ü'.repeat(256)), 'ü'.repeat(256));
  for (const wrong of ['x'.repeat(257), '', ' \n ', 7, null, ['a']])
    t.is(
      refusal(() => description(wrong)),
      expected('BAD_FIELD', 'description'),
    );
  t.is(intentBody(parseSpec({ ...least, description: 'why' })), intentBody(parseSpec(least)));
});

const SUGGESTED: readonly [path: string, value: object, meant: string][] = [
  ['prioritty', { ...least, prioritty: 1 }, 'priority'],
  ['host', { ...least, host: 'all' }, 'hosts'],
  ['match.dprot', { ...least, match: { ...least.match, dprot: 1 } }, 'dport'],
  ['match.SRC', { ...least, match: { ...least.match, SRC: '10.0.0.1' } }, 'src'],
  ['to.nexhop', { ...least, to: { nexhop: '10.0.0.1' } }, 'nexthop'],
  ['idle.afetr', { ...least, idle: { after: '1m', afetr: '1m' } }, 'after'],
];

for (const [path, value, meant] of SUGGESTED) {
  test(`parse spec: the unknown ${path} is answered with ${meant}`, (t) => {
    const error = t.throws(() => parseSpec(value), { instanceOf: Refused });
    t.is(error?.path, path);
    t.true(error?.message.includes(`did you mean ${meant}?`), error?.message);
  });
}

test('parse spec: a field like no other is answered with the known ones', (t) => {
  const error = t.throws(() => parseSpec({ ...least, colour: 'red' }), { instanceOf: Refused });
  t.regex(error?.message ?? '', /known here: name, hosts, enabled/);
});

test('parse spec: durations and times in each notation', (t) => {
  const idle = (after: unknown) => parseSpec({ ...least, idle: { after } }).idle?.afterMs;
  t.deepEqual(
    ['1500ms', '30s', '10m', '2h', '1d', 5000].map(idle),
    [1500, 30_000, 600_000, 7_200_000, 86_400_000, 5000],
  );
  const expires = (value: unknown) => parseSpec({ ...least, expires: value }).expires;
  const instant = Date.UTC(2026, 11, 31);
  for (const text of ['2026-12-31T00:00:00Z', '2026-12-31t02:00:00.000+02:00', '2026-12-30 22:00:00-02:00', instant]) {
    t.is(expires(text), instant);
  }
});

/** What is wrong with a spec, as `CODE path`. */
function faultsOf(value: unknown): string[] {
  const { spec, faults } = judgeSpec(value);
  return spec === undefined ? faults.map(({ code, path }) => `${code} ${path}`) : [];
}

test('judge spec: all that is wrong with one is said at once, and nothing that only follows from it', (t) => {
  t.deepEqual(faultsOf(least), []);
  t.deepEqual(faultsOf(7), ['BAD_FIELD ']);
  const match = { in: 'a/b', src: '198.51.100.7/24', dst: '203.0.113.300', proto: 'sctp', dport: 0, ports: 1 };
  const to = { nexthop: '127.0.0.1', interface: 'a b', ttl: 'drop', lokal: 1 };
  const idle = { after: 'soon', rearm: 'always' };
  t.deepEqual(
    faultsOf({ name: 'Web', hosts: ['A', 'b', 'C'], enabled: 'yes', match, to, idle, expires: 'x', priority: 'y' }),
    [
      'BAD_NAME name',
      'BAD_HOST hosts[0]',
      'BAD_HOST hosts[2]',
      'BAD_FIELD enabled',
      'BAD_INTERFACE match.in',
      'BAD_PREFIX match.src',
      'BAD_PREFIX match.dst',
      'BAD_PROTO match.proto',
      'BAD_PORT match.dport',
      'UNKNOWN_FIELD match.ports',
      'BAD_DURATION idle.after',
      'BAD_FIELD idle.rearm',
      'BAD_TIME expires',
      'BAD_FIELD priority',
      'UNKNOWN_FIELD to.lokal',
      'BAD_TARGET to.nexthop',
      'BAD_INTERFACE to.interface',
      'BAD_FIELD to.ttl',
    ],
  );
});

test('judge spec: what fields are only together is judged though one of them is wrong', (t) => {
  const match = { src: '198.51.100.7/24', dst: '203.0.113.10', proto: 'icmp6', dport: 443 };
  t.deepEqual(faultsOf({ ...least, match, to: { encap: 'ipip', remote: '10.0.0.7' } }), [
    'BAD_PREFIX match.src',
    'BAD_PROTO match.proto',
    'PORT_WITHOUT_PROTO match.dport',
    'NOT_SUPPORTED to',
  ]);
  t.deepEqual(faultsOf({ ...least, hosts: { 'a b': 1, role: 2 }, to: { nexthop: '2001:db8::1' } }), [
    'BAD_LABEL hosts.a b',
    'BAD_LABEL hosts.role',
    'MIXED_FAMILIES to.nexthop',
  ]);
});

test('judge spec: a field under another name is one problem, not also a missing one', (t) => {
  const { name, hosts, match } = least;
  t.deepEqual(faultsOf({ name, host: hosts, match, action: 'drop' }), ['UNKNOWN_FIELD host', 'UNKNOWN_FIELD action']);
  t.deepEqual(faultsOf({ name, match, colour: 1 }), [
    'MISSING_FIELD hosts',
    'MISSING_FIELD to',
    'UNKNOWN_FIELD colour',
  ]);
});

test('judge spec: of very many unknown fields some are named and all are counted', (t) => {
  const many = Object.fromEntries(Array.from({ length: 5000 }, (_, at) => [`field-${at}`, at]));
  const { faults } = judgeSpec({ ...least, ...many });
  t.is(faults.length, 17);
  t.is(faults.at(-1)?.reason, 'and 4984 more unknown fields');
});

const HINTS: readonly [change: object, hint: string][] = [
  [{ hosts: 'edge-1' }, 'write [edge-1]'],
  [{ hosts: 'edge-1, edge-2' }, 'write [edge-1, edge-2]'],
  [{ hosts: 'role=edge' }, 'write { role: edge }'],
  [{ hosts: 'role=edge,rack:a1' }, 'write { role: edge, rack: a1 }'],
  [{ hosts: '*' }, 'write all'],
  [{ hosts: 'All' }, 'write all'],
  [{ hosts: ['Edge_7'] }, 'did you mean edge-7?'],
  [{ hosts: { rack: 12 } }, 'write "12"'],
  [{ name: 'Web_1 ' }, 'did you mean web-1?'],
  [{ name: 7 }, 'write "7"'],
  [{ enabled: 'yes' }, 'write true'],
  [{ enabled: 'off' }, 'write false'],
  [{ priority: '5' }, 'write 5'],
  [{ idle: '10m' }, 'write { after: 10m }'],
  [{ idle: { after: '1m', rearm: 'nver' } }, 'did you mean never?'],
  [{ match: '203.0.113.10' }, 'write { dst: 203.0.113.10 }'],
  [{ match: { ...least.match, src: ['10.0.0.1'] } }, 'write a redirect for each'],
  [{ match: { ...least.match, proto: 'UDP' } }, 'did you mean udp?'],
  [{ match: { ...least.match, proto: 'icmpv6' } }, 'did you mean icmp6?'],
  [{ match: { ...least.match, proto: '47' } }, 'write 47'],
  [{ match: { ...least.match, proto: 'tcp', dport: '443' } }, 'write 443'],
  [{ match: { ...least.match, proto: 'tcp', dport: '80-90' } }, 'write a redirect for each'],
  [{ match: { ...least.match, proto: 'tcp', dport: [80, 443] } }, 'write a redirect for each'],
  [{ expires: '2026-12-31' }, 'write 2026-12-31T00:00:00Z, if UTC is meant'],
  [{ expires: '2026-12-31 08:30:00' }, 'write 2026-12-31T08:30:00Z, if UTC is meant'],
  [{ comment: 'x' }, 'did you mean description?'],
  [{ to: 'deny' }, 'did you mean drop?'],
  [{ to: 'ACCEPT' }, 'did you mean pass?'],
  [{ to: 'drp' }, 'did you mean drop?'],
  [{ to: '10.0.0.7' }, 'write { nexthop: 10.0.0.7 }'],
  [{ to: { via: '10.0.0.7' } }, 'did you mean nexthop?'],
  [{ match: { source: '10.0.0.1' } }, 'did you mean src?'],
  [{ match: { ...least.match, 'dst-port': 1 } }, 'did you mean dport?'],
];

for (const [change, hint] of HINTS) {
  test(`judge spec: of ${JSON.stringify(change)} it is said what to write`, (t) => {
    const { faults } = judgeSpec({ ...least, ...change });
    t.true(
      faults.some(({ reason }) => reason.endsWith(hint)),
      faults.map(({ message }) => message).join('\n'),
    );
  });
}

test('judge spec: a problem says the path once', (t) => {
  const value = { ...least, match: { dst: '198.51.100.7/24' } };
  t.deepEqual(
    judgeSpec(value).faults.map((fault) => problemOf(fault, 0, value)),
    [
      {
        index: 0,
        name: 'a',
        code: 'BAD_PREFIX',
        path: 'match.dst',
        message: '"198.51.100.7/24" has host bits set; did you mean 198.51.100.0/24?',
      },
    ],
  );
});

test('spec to JSON: it reads back equal, whatever the order of fields', (t) => {
  const selector = fc.oneof(
    fc.constant('all' as const),
    fc.constant(['edge-1', 'edge-2']),
    fc.dictionary(
      fc.stringMatching(/^[A-Za-z0-9._-]{1,20}$/).filter((key) => key !== '__proto__'),
      fc.constantFrom('a', 'b.c'),
      { minKeys: 1 },
    ),
  );
  const offered = intent.filter(({ to }) => typeof to === 'string' || !('encap' in to || 'rewrite' in to));
  fc.assert(
    fc.property(offered, selector, fc.boolean(), fc.integer({ min: -9, max: 9 }), (from, hosts, enabled, priority) => {
      const { name, match, to, idle, expires } = from;
      const json = specToJson({
        name,
        hosts,
        enabled,
        match,
        to,
        priority,
        ...(idle && { idle }),
        ...(expires !== undefined && { expires }),
      });
      const spec: Spec = parseStoredSpec(JSON.parse(JSON.stringify(json)));
      t.deepEqual(parseStoredSpec(specToJson(spec)), spec);
      const reversed = Object.fromEntries(Object.entries(json).reverse());
      t.is(JSON.stringify(specToJson(parseStoredSpec(reversed))), JSON.stringify(specToJson(spec)));
    }),
  );
});

test('spec: a time beyond the calendar is refused, for nobody could show it', (t) => {
  const written = { name: 'a', hosts: 'all', match: { dst: '203.0.113.10' }, to: 'drop' };
  t.is(parseSpec({ ...written, expires: 8.64e15 }).expires, 8.64e15);
  const error = t.throws(() => parseSpec({ ...written, expires: 8.64e15 + 1 }));
  t.like(error, { name: 'Refused', path: 'expires' });
});

const OLD: readonly [match: object, to: unknown, path: string, reason: string][] = [
  [
    { dst: '2001:db8::1', proto: 51 },
    'drop',
    'match.proto',
    '51 is no protocol in IPv6 but a header before it (Authentication), which is looked through: name the protocol behind it, or none',
  ],
  [{ dst: 'ff02::/16' }, 'drop', 'match.dst', 'frames to ff02::/16 have a group MAC, and such frames always pass'],
  [
    { src: '127.0.0.0/8' },
    { nexthop: '10.0.0.7' },
    'match.src',
    '127.0.0.0/8 is unspecified or loopback: what comes from it is forged and must not be sent on; it can be dropped or passed',
  ],
  [
    { src: '2001:db8::1', dst: '::1' },
    { nexthop: '2001:db8::7' },
    'match.dst',
    '::1/128 is unspecified or loopback: what comes to it is forged and must not be sent on; it can be dropped or passed',
  ],
  [
    { src: '224.0.0.1', dst: '10.0.0.1' },
    { nexthop: '10.0.0.7' },
    'match.src',
    '224.0.0.1/32 is a group: what comes from it is forged and must not be sent on; it can be dropped or passed',
  ],
];

test('spec: a match that no packet can have is refused with the reason, and read where it is stored', (t) => {
  for (const [match, to, path, message] of OLD) {
    const spec = { ...least, match, to };
    t.like(judgeSpec(spec).faults, [{ code: 'NEVER_MATCHES', path, reason: message }]);
    const stored = specToJson(parseStoredSpec(spec));
    t.deepEqual(faultOf(stored), { code: 'NEVER_MATCHES', path, message });
  }
  t.is(faultOf(specToJson(parseSpec(least))), undefined);
});

test('judge spec: what no packet can have is said at once with all else that is wrong', (t) => {
  const match = { src: '::1', dst: 'ff02::1', proto: 44 };
  t.deepEqual(faultsOf({ ...least, name: 'Web', match, to: { interface: 'eth1', mac: '02:00:00:00:00:07' } }), [
    'BAD_NAME name',
    'NEVER_MATCHES match.proto',
    'NEVER_MATCHES match.src',
    'NEVER_MATCHES match.dst',
  ]);
  t.deepEqual(faultsOf({ ...least, match, to: 'reject' }), [
    'BAD_ACTION to',
    'NEVER_MATCHES match.proto',
    'NEVER_MATCHES match.dst',
  ]);
});
