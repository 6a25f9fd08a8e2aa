import test from 'ava';
import fc from 'fast-check';
import { KeyParts, type Placed, ShapeGroups } from '../../../../controller/compile/overlap.ts';
import { type GroupPreview, type Move, Preview } from '../../../../controller/compile/preview.ts';
import { PreviewReport } from '../../../../controller/compile/preview-report.ts';
import { Strangers } from '../../../../controller/compile/strangers.ts';
import { type Claim, claimOf, type HostFacts } from '../../../../controller/model/claim.ts';
import { Fleet } from '../../../../controller/model/fleet.ts';
import { parsePrefix } from '../../../../protocol/address.ts';
import { bytesOf } from '../../../../protocol/json.ts';
import { compareSpecificity, keyOf, matchOfKey } from '../../../../protocol/key.ts';
import { type Match, parseMatch } from '../../../../protocol/match.ts';
import type { PlanReply } from '../../../../protocol/plan.ts';
import { compareShapes, shapeOf } from '../../../../protocol/shape.ts';
import { parseSpec } from '../../../../protocol/spec.ts';
import { match } from '../../protocol/arbitraries.ts';
import { ALLOWED, AMPLE_BYTES, apply, Folder, openStore, report, spec, status } from '../fleet.ts';

const EDGE: HostFacts = { host: 'edge-1', labels: { role: 'edge' }, known: true, can: [] };
const CORE: HostFacts = { host: 'core-1', labels: { role: 'core' }, known: true, can: [] };
const FLEET = new Fleet([EDGE, CORE]);

function claim(name: string, more: object = {}) {
  const written = { name, hosts: 'all', match: { dst: '203.0.113.10' }, to: 'drop', ...more };
  return claimOf(parseSpec(written));
}

function create(name: string, more: object = {}): Move {
  return { before: undefined, after: claim(name, more), same: false };
}

function preview(moves: readonly Move[], stored: Move['after'][] = [], fleet = FLEET): GroupPreview[] {
  const claims = stored.flatMap((one) => one ?? []);
  return [...new Preview({ moves, claims, fleet }).groups(100)].flatMap((group) => group ?? []);
}

test('plan: a new redirect is added where its selector says, and nowhere else', (t) => {
  const [group, ...others] = preview([create('a', { hosts: { role: 'edge' } })]);
  t.deepEqual(others, []);
  t.like(group, {
    hosts: [EDGE],
    changes: [{ op: 'add', name: 'a', key: 'v4 any 0.0.0.0/0:* > 203.0.113.10/32:*', was: undefined }],
    redirects: 1,
    shapes: { 4: 1, 6: 0 },
  });
});

test('plan: hosts that the same selectors select are planned once', (t) => {
  const groups = preview([create('a')], [claim('other', { match: { dst: '10.0.0.1' }, hosts: ['core-1'] })]);
  t.deepEqual(
    groups.map(({ hosts, redirects }) => [hosts.map(({ host }) => host), redirects]),
    [
      [['core-1'], 2],
      [['edge-1'], 1],
    ],
  );
  t.is(preview([create('a')]).length, 1);
});

test('plan: what wins a key from another is a change, and the other is shadowed', (t) => {
  const [group] = preview([create('b', { priority: 1, to: 'pass' })], [claim('a')]);
  t.like(group?.changes[0], { op: 'change', name: 'b', was: 'a' });
  t.like(group?.shadows[0], { name: 'a', by: 'b' });
});

test('plan: what loses its key changes nothing and is shadowed', (t) => {
  const [group] = preview([create('b', { to: 'pass' })], [claim('a')]);
  t.deepEqual(group?.changes, []);
  t.like(group?.shadows[0], { name: 'b', by: 'a' });
});

test('plan: a deleted winner gives its key to the one that it shadowed', (t) => {
  const winner = claim('b', { priority: 1, to: 'pass' });
  const [group] = preview([{ before: winner, after: undefined, same: false }], [winner, claim('a')]);
  t.like(group?.changes[0], { op: 'change', name: 'a', was: 'b' });
  t.is(group?.redirects, 1);
});

test('plan: a redirect that is disabled goes', (t) => {
  const before = claim('a');
  const [group] = preview([{ before, after: claim('a', { enabled: false }), same: false }], [before]);
  t.like(group?.changes[0], { op: 'delete', name: 'a' });
  t.is(group?.redirects, 0);
});

test('plan: a redirect that moves to another key and other hosts goes here and comes there', (t) => {
  const before = claim('a', { hosts: ['edge-1'] });
  const after = claim('a', { hosts: ['core-1', 'new-1'], match: { dst: '203.0.113.11' } });
  const groups = preview([{ before, after, same: false }], [before]);
  t.deepEqual(
    groups.map(({ hosts, changes }) => [hosts.map(({ host }) => host), changes.map(({ op }) => op)]),
    [
      [['core-1', 'new-1'], ['add']],
      [['edge-1'], ['delete']],
    ],
  );
});

test('plan: to a host whose agent cannot do it, a redirect is not sent, and another one stands there', (t) => {
  const fleet = new Fleet([EDGE, { ...CORE, can: ['idle'] }]);
  const wanted = create('b', { priority: 1, to: 'pass', idle: { after: '10m' } });
  const groups = preview([wanted], [claim('a')], fleet);
  t.deepEqual(
    groups.map(({ hosts, changes, notSent, redirects }) => [hosts[0]?.host, changes.length, notSent, redirects]),
    [
      ['core-1', 1, [], 1],
      ['edge-1', 0, [{ name: 'b', lacks: ['idle'] }], 1],
    ],
  );
});

test('plan: what is there already changes nothing', (t) => {
  const same = claim('a');
  const [group] = preview([{ before: same, after: same, same: true }], [same]);
  t.deepEqual(group?.changes, []);
});

function ways(groups: readonly GroupPreview[]): unknown {
  return groups.flatMap(({ changes }) => changes.map(({ name, from, to, marks }) => [name, from, to, ...marks]));
}

const WIDE = { match: { dst: '203.0.113.0/24' }, to: { nexthop: '10.0.0.9' } };
const BY_WIDE = { to: { nexthop: '10.0.0.9' }, by: 'wide' };
const ON = { to: 'pass' };

test('plan: where packets go is from one redirect to another, to a wider one, or on to B', (t) => {
  const narrow = { match: { dst: '203.0.113.10', proto: 'udp' }, to: { nexthop: '10.0.0.7' } };
  const byA = { to: { nexthop: '10.0.0.7' }, by: 'a' };
  t.deepEqual(ways(preview([create('a', narrow)])), [['a', ON, byA]]);
  t.deepEqual(ways(preview([create('a', narrow)], [claim('wide', WIDE)])), [['a', BY_WIDE, byA]]);
  const before = claim('a', narrow);
  const gone: Move = { before, after: undefined, same: false };
  t.deepEqual(ways(preview([gone], [before])), [['a', byA, ON, 'gone']]);
  t.deepEqual(ways(preview([gone], [before, claim('wide', WIDE)])), [['a', byA, BY_WIDE]]);
  const dropping = claim('a', { ...narrow, to: 'drop' });
  const drops: Move = { before, after: dropping, same: false };
  t.deepEqual(ways(preview([drops], [before])), [['a', byA, { to: 'drop', by: 'a' }, 'drop']]);
  const other = { match: { dst: '203.0.113.10', proto: 'tcp' } };
  t.deepEqual(ways(preview([create('a', narrow)], [claim('other', other)])), [['a', ON, byA]], 'no packet is of both');
});

test('plan: of wider ones the most specific has the packets, as they stand before and after', (t) => {
  const wider = claim('wider', { match: { dst: '203.0.0.0/16' }, to: 'drop' });
  const wide = claim('wide', WIDE);
  const a = claim('a', { to: 'pass' });
  const both: Move[] = [wide, a].map((before) => ({ before, after: undefined, same: false }));
  t.deepEqual(ways(preview(both, [wider, wide, a])), [
    ['wide', BY_WIDE, { to: 'drop', by: 'wider' }, 'drop'],
    ['a', { to: 'pass', by: 'a' }, { to: 'drop', by: 'wider' }, 'drop', 'takes-all'],
  ]);
  t.deepEqual(ways(preview([create('wide', WIDE), create('a', { to: 'drop' })], [])), [
    ['wide', ON, BY_WIDE, 'takes-all'],
    ['a', ON, { to: 'drop', by: 'a' }, 'drop', 'takes-all'],
  ]);
});

test('plan: a redirect whose time is over has no packets, before and after', (t) => {
  const over = { expires: 4_000_000_000_000 };
  const byA = { to: 'pass', by: 'a' };
  const at = (moves: readonly Move[], ...claims: Claim[]) => {
    const proposal = { moves, claims, fleet: new Fleet([EDGE]), nowMs: 5_000_000_000_000 };
    return ways([...new Preview(proposal).groups(0)].flatMap((group) => group ?? []));
  };
  t.deepEqual(at([create('a', { to: 'pass' })], claim('wide', { ...WIDE, ...over })), [['a', ON, byA]]);
  t.deepEqual(at([create('a', { to: 'drop', ...over })], claim('wide', WIDE)), [['a', BY_WIDE, BY_WIDE]]);
  const before = claim('a', { to: 'pass', ...over });
  t.deepEqual(at([{ before, after: claim('a', { to: 'pass' }), same: false }], before), [['a', ON, byA]]);
});

test('plan: whoever is not named and has other packets then is collateral', (t) => {
  const effects = (moves: readonly Move[], stored: Move['after'][]) =>
    preview(moves, stored).flatMap(({ collateral }) =>
      collateral.map(({ name, effect, by }) => `${name} ${effect} ${by}`),
    );
  const a = claim('a');
  const wide = claim('wide', WIDE);
  const winner = claim('b', { priority: 1, to: 'pass' });
  const gone: Move = { before: winner, after: undefined, same: false };
  t.deepEqual(effects([create('b', { priority: 1, to: 'pass' })], [a]), ['a shadowed b']);
  t.deepEqual(effects([gone], [winner, a]), ['a wins b']);
  t.deepEqual(effects([create('a')], [wide]), ['wide loses a']);
  t.deepEqual(effects([{ before: a, after: undefined, same: false }], [a, wide]), ['wide gets a']);
  t.deepEqual(effects([create('a'), { before: wide, after: wide, same: true }], [wide]), [], 'it is named');
  t.deepEqual(effects([create('c', { to: 'pass' })], [a]), [], 'it loses to what stands');
});

test('plan: where only the name decides is a tie', (t) => {
  const ties = (more: object, stored: object) =>
    preview([create('b', more)], [claim('a', stored)]).flatMap(({ shadows }) => shadows.map(({ tie }) => tie));
  t.deepEqual(ties({}, {}), [true]);
  t.deepEqual(ties({ priority: 1 }, {}), [false]);
  t.deepEqual(ties({ hosts: ['edge-1'] }, { hosts: { role: 'edge' } }), [false]);
});

test('plan: a host says what the size gate would refuse', (t) => {
  const many = (count: number, more: object = {}) =>
    Array.from({ length: count }, (_, at) =>
      claim(`r${at}`, { match: { dst: `10.0.${at >> 8}.${at & 255}` }, ...more }),
    );
  const gates = (moves: readonly Move[], stored: Move['after'][]) => {
    const proposal = { moves, claims: stored.flatMap((one) => one ?? []), fleet: new Fleet([EDGE]) };
    const gathered = new PreviewReport(proposal, { upload: 'u', absent: [], capacities: new Map() });
    for (const group of new Preview(proposal).groups(10)) if (group !== undefined) gathered.add(group);
    return gathered.reply(AMPLE_BYTES).reply.hosts.map(({ retargeted = 0, gate }) => [retargeted, gate]);
  };
  const stored = many(20);
  const moved = many(6, { to: 'pass' }).map((after, at): Move => ({ before: stored[at], after, same: false }));
  t.deepEqual(gates(moved, stored), [[6, ['shrink']]]);
  t.deepEqual(gates(moved.slice(1), stored), [[5, undefined]]);
  const come = many(1001).map((after): Move => ({ before: undefined, after, same: false }));
  t.deepEqual(gates(come, []), [[0, ['growth']]]);
});

test('strangers: selectors that find nobody, and hosts that nobody heard of', (t) => {
  const strangers = new Strangers(FLEET);
  for (const one of [
    claim('labels', { hosts: { role: 'db' } }),
    claim('nowhere', { hosts: ['new-2', 'new-1'] }),
    claim('half', { hosts: ['edge-1', 'new-1'] }),
    claim('fine'),
    claim('off', { hosts: ['new-3'], enabled: false }),
  ]) {
    strangers.add(one);
  }
  t.deepEqual(strangers.unmatched, ['labels', 'nowhere']);
  t.deepEqual(strangers.unheard, ['new-1', 'new-2']);
});

/** Whether some packet matches both, field by field. */
function meet(a: Match, b: Match): boolean {
  const free = (x: unknown, y: unknown): boolean => x === undefined || y === undefined || x === y;
  return (
    prefixesMeet(a.src, b.src) &&
    prefixesMeet(a.dst, b.dst) &&
    free(a.proto, b.proto) &&
    free(a.sport, b.sport) &&
    free(a.dport, b.dport) &&
    free(a.in, b.in)
  );
}

function prefixesMeet(a: string, b: string): boolean {
  const [left, right] = [parsePrefix(a), parsePrefix(b)];
  if (left === undefined || right === undefined || left.family !== right.family) return false;
  const len = Math.min(left.len, right.len);
  const bits = (bytes: Uint8Array) => [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return bits(left.bytes).slice(0, len) === bits(right.bytes).slice(0, len);
}

/** Few addresses and fields, so that many redirects meet. */
const crowded = fc
  .record(
    {
      in: fc.constantFrom('eth0', 'eth1'),
      src: fc.constantFrom('10.0.0.0/8', '10.1.0.0/16', '10.1.2.3', '10.1.2.0/25'),
      dst: fc.constantFrom('10.0.0.0/9', '10.1.2.3', '10.128.0.0/9', '0.0.0.0/0'),
      proto: fc.constantFrom('udp', 'tcp'),
      dport: fc.constantFrom(1, 2),
    },
    { requiredKeys: ['dst', 'proto'] },
  )
  .map((value) => parseMatch(value));

/** Whether each packet of one match is of another, field by field. */
function covers(wide: Match, match: Match): boolean {
  const fixed = (x: unknown, y: unknown): boolean => x === undefined || x === y;
  const within = (a: string, b: string): boolean =>
    prefixesMeet(a, b) && (parsePrefix(a)?.len ?? 0) <= (parsePrefix(b)?.len ?? 0);
  return (
    within(wide.src, match.src) &&
    within(wide.dst, match.dst) &&
    (['proto', 'sport', 'dport', 'in'] as const).every((field) => fixed(wide[field], match[field]))
  );
}

/** The redirect that has the packets of a match: the most specific of those that match all of them. */
function whose(claims: readonly Claim[], match: Match): string | undefined {
  const found = claims.filter(({ key }) => covers(matchOfKey(key), match));
  return found.sort((a, b) => compareSpecificity(matchOfKey(a.key), matchOfKey(b.key)))[0]?.name;
}

test('plan: where packets go today and then is what one who looks at every redirect finds', (t) => {
  const some = fc.uniqueArray(crowded, { selector: keyOf, maxLength: 10 });
  fc.assert(
    fc.property(some, some, fc.array(fc.nat(9), { maxLength: 4 }), (stored, come, go) => {
      const claims = stored.map((one, at) =>
        claimOf(parseSpec({ name: `s${at}`, hosts: 'all', match: one, to: 'pass' })),
      );
      const after = come.map((one, at) =>
        claimOf(parseSpec({ name: `c${at}`, hosts: 'all', match: one, to: 'drop', priority: 1 })),
      );
      const gone = claims.filter((_, at) => go.includes(at));
      const moves = [
        ...after.map((one) => ({ before: undefined, after: one, same: false })),
        ...gone.map((before) => ({ before, after: undefined, same: false })),
      ];
      const taken = new Set(after.map(({ key }) => key));
      const left = claims.filter((one) => !gone.includes(one) && !taken.has(one.key));
      for (const { changes } of preview(moves, claims))
        for (const { key, from, to } of changes) {
          t.is(from.by, whose(claims, matchOfKey(key)), key);
          t.is(to.by, whose([...left, ...after], matchOfKey(key)), key);
        }
    }),
    { numRuns: 300 },
  );
  t.pass();
});

test('overlaps: exactly the pairs that a packet can match both, the more specific first', (t) => {
  const set = fc.array(fc.tuple(fc.oneof(crowded, match), fc.boolean()), { maxLength: 24 });
  fc.assert(
    fc.property(set, (drawn) => {
      const byKey = new Map(drawn.map(([one, asked]) => [keyOf(one), { match: one, asked }]));
      const placed = [...byKey].map(([key, { asked }], at): Placed => ({ key, name: `r-${at}`, asked }));
      const groups = new ShapeGroups(placed, new KeyParts());
      const found = groups.overlaps(10_000);
      const expected: string[] = [];
      for (const a of placed) {
        for (const b of placed) {
          const [left, right] = [byKey.get(a.key)?.match, byKey.get(b.key)?.match] as [Match, Match];
          const specific = compareShapes(shapeOf(left), shapeOf(right)) < 0;
          if (specific && (a.asked || b.asked) && meet(left, right)) expected.push(`${a.key} | ${b.key}`);
        }
      }
      t.deepEqual(found.pairs.map(({ winner, loser }) => `${winner.key} | ${loser.key}`).sort(), expected.sort());
      t.is(found.total, expected.length);
      t.like(groups.overlaps(1), { total: expected.length });
    }),
    { numRuns: 100 },
  );
});

const change = fc.record({
  name: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
  number: fc.constantFrom(1, 2, 3),
  hosts: fc.constantFrom<object | string>('all', ['edge-1'], ['edge-1', 'new-1'], { role: 'edge' }, { role: 'db' }),
  enabled: fc.boolean(),
  priority: fc.constantFrom(0, 1),
  to: fc.constantFrom('drop', 'pass'),
  idle: fc.option(fc.constant({ after: '10m' }), { nil: undefined }),
});

test('plan: says of an apply and a delete what they then do, and changes nothing itself', async (t) => {
  const uploads = fc.array(fc.uniqueArray(change, { selector: ({ name }) => name, minLength: 1, maxLength: 4 }), {
    maxLength: 4,
  });
  const property = fc.asyncProperty(uploads, fc.subarray(['a', 'b', 'x'], { minLength: 1 }), async (drawn, names) => {
    using folder = new Folder();
    await using store = await openStore(folder.file());
    await report(store, 'edge-1', { role: 'edge' });
    await store.roster.report([{ status: status('core-1', { labels: {}, can: ['idle'] }), seenAtMs: 5 }]);
    for (const changes of drawn) {
      const specs = changes.map(({ name, number, ...more }) => spec(name, number, more));
      const asked = { v: 1, upload: 'test', part: 0, parts: 1, specs } as const;
      const planned = await store.desk.plan(asked, AMPLE_BYTES);
      const { rev } = await store.logs.movedAfter(0);
      t.deepEqual(await store.desk.plan(asked, AMPLE_BYTES), planned);
      const done = await apply(store, ...specs);
      t.like(planned, { created: done.created, changed: done.changed, unchanged: done.unchanged });
      t.is(planned.changesTotal, done.rev - rev, JSON.stringify({ specs, planned }));
    }
    const request = { v: 1, upload: 'test', part: 0, parts: 1, specs: [], delete: names } as const;
    const planned = await store.desk.plan(request, AMPLE_BYTES);
    const { rev } = await store.logs.movedAfter(0);
    const done = await store.desk.delete(names, undefined, ALLOWED);
    t.is(planned.changesTotal, done.rev - rev);
    t.deepEqual([planned.deleted, planned.absent], [done.deleted.length, done.absent]);
  });
  await fc.assert(property, { numRuns: 20 });
});

test('plan: an upload in parts is read whole, and refused like an apply', async (t) => {
  using folder = new Folder();
  await using store = await openStore(folder.file());
  const parts = { v: 1, upload: 'u', parts: 2 } as const;
  await store.desk.stage({ ...parts, part: 0, specs: [spec('a', 1)] });
  t.like(await store.desk.plan({ ...parts, part: 1, specs: [spec('b', 2)] }, AMPLE_BYTES), {
    created: 2,
    changesTotal: 2,
  });
  await t.throwsAsync(store.desk.plan({ ...parts, part: 1, specs: [] }, AMPLE_BYTES), {
    message: /send the whole upload/,
  });
  const one = { v: 1, upload: 'u', part: 0, parts: 1 } as const;
  const wrong = store.desk.plan({ ...one, specs: [spec('a', 1), spec('a', 2)] }, AMPLE_BYTES);
  t.like(await t.throwsAsync(wrong), { code: 'DUPLICATE_NAME', problems: [{ index: 1 }] });
  const both = store.desk.plan({ ...one, specs: [spec('a', 1)], delete: ['a'] }, AMPLE_BYTES);
  t.like(await t.throwsAsync(both), { code: 'BAD_REQUEST' });
  t.deepEqual((await store.desk.get({ v: 1 }, AMPLE_BYTES)).items, []);
});

test('plan: a host over its limits comes first, and a reply has the lines that fit', (t) => {
  const moves = Array.from({ length: 300 }, (_, index) =>
    create(`r-${index}`, { match: { dst: `10.0.${index >> 8}.${index & 255}` } }),
  );
  const proposal = { moves, claims: [], fleet: FLEET };
  const capacities = new Map([
    ['core-1', { used: 0, max: 1000, shapes: 0, shapesMax: 8 }],
    ['edge-1', { used: 0, max: 299, shapes: 0, shapesMax: 0 }],
  ]);
  const gathered = new PreviewReport(proposal, { upload: 'u', absent: [], capacities });
  for (const group of new Preview(proposal).groups(10)) if (group !== undefined) gathered.add(group);
  const { reply, pages } = gathered.reply(AMPLE_BYTES);
  t.like(reply.hosts, [
    { host: 'edge-1', over: ['redirects', 'shapes4'], added: 300, redirects: 300, redirectsMax: 299 },
    { host: 'core-1', over: [] },
  ]);
  t.is(reply.changes.length, 200);
  t.is(reply.changesTotal, 600);
  t.like(reply.changes[0], { name: 'r-0', hosts: ['core-1', 'edge-1'], hostsTotal: 2 });
  const all = moves.map(({ after }) => after?.name);
  const named = (lists: Pick<PlanReply, 'changes'>, more: typeof pages) =>
    [lists, ...more].flatMap(({ changes = [] }) => changes.map(({ name }) => name));
  t.deepEqual(named(reply, pages), all);
  t.is(reply.pages, 1);
  const small = gathered.reply(4000);
  t.true(small.reply.changes.length > 0 && small.reply.changes.length < 30);
  t.like(small.reply, { changesTotal: 600, pages: small.pages.length });
  t.deepEqual(named(small.reply, small.pages), all);
  for (const page of small.pages) t.true(bytesOf(page) < 4200);
});
