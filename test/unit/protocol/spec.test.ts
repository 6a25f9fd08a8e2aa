import test from 'ava';
import fc from 'fast-check';
import type { Code } from '../../../protocol/codes.ts';
import { Refused } from '../../../protocol/refused.ts';
import { parseSpec, parseSpecs, type Spec, specToJson } from '../../../protocol/spec.ts';
import { intent } from './arbitraries.ts';
import { readFixture } from './messages.ts';
import { expected, refusal } from './refusal.ts';

const written = readFixture('spec');
const least = { name: 'a', hosts: 'all', match: { dst: '203.0.113.10' }, to: 'drop' };

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
    t.true(error?.message.includes(`did you mean \`${meant}\`?`), error?.message);
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

test('parse specs: the problems of a whole upload are collected', (t) => {
  const { specs, problems } = parseSpecs([
    least,
    { ...least, name: 'b', to: 'dorp' },
    7,
    least,
    { ...least, name: 'c' },
  ]);
  t.deepEqual(
    specs.map(({ name }) => name),
    ['a', 'c'],
  );
  t.deepEqual(
    problems.map(({ index, name, code, path }) => [index, name, code, path]),
    [
      [1, 'b', 'BAD_ACTION', 'to'],
      [2, undefined, 'BAD_FIELD', ''],
      [3, 'a', 'DUPLICATE_NAME', 'name'],
    ],
  );
});

test('parse specs: a problem says the path once', (t) => {
  const [problem] = parseSpecs([{ ...least, match: { dst: '198.51.100.7/24' } }]).problems;
  t.deepEqual(problem, {
    index: 0,
    name: 'a',
    code: 'BAD_PREFIX',
    path: 'match.dst',
    message: '"198.51.100.7/24" has host bits set; did you mean 198.51.100.0/24?',
  });
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
      const spec: Spec = parseSpec(JSON.parse(JSON.stringify(json)));
      t.deepEqual(parseSpec(specToJson(spec)), spec);
      const reversed = Object.fromEntries(Object.entries(json).reverse());
      t.is(JSON.stringify(specToJson(parseSpec(reversed))), JSON.stringify(specToJson(spec)));
    }),
  );
});

test('spec: a time beyond the calendar is refused, for nobody could show it', (t) => {
  const written = { name: 'a', hosts: 'all', match: { dst: '203.0.113.10' }, to: 'drop' };
  t.is(parseSpec({ ...written, expires: 8.64e15 }).expires, 8.64e15);
  const error = t.throws(() => parseSpec({ ...written, expires: 8.64e15 + 1 }));
  t.like(error, { name: 'Refused', path: 'expires' });
});
