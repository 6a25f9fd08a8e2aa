import test from 'ava';
import fc from 'fast-check';
import {
  type Claim,
  claimOf,
  compareClaims,
  contends,
  type HostFacts,
  selects,
} from '../../../../controller/model/claim.ts';
import { parseIntentBody } from '../../../../protocol/intent.ts';
import { parseSpec, type Selector } from '../../../../protocol/spec.ts';

const EDGE: HostFacts = { host: 'edge-1', labels: { role: 'edge', rack: '12' }, known: true, can: [] };
const UNHEARD: HostFacts = { host: 'edge-1', labels: {}, known: false, can: [] };

function claim(name: string, hosts: Selector = 'all', more: Partial<Claim> = {}): Claim {
  return { name, key: 'k', hosts, enabled: true, priority: 0, body: `body of ${name}`, needs: [], ...more };
}

const SELECTORS: readonly [string, Selector, HostFacts, boolean][] = [
  ['all takes a known host', 'all', EDGE, true],
  ['all leaves a host that never reported', 'all', UNHEARD, false],
  ['a list takes its host', ['edge-0', 'edge-1'], EDGE, true],
  ['a list takes its host before it reports', ['edge-1'], UNHEARD, true],
  ['a list leaves others', ['edge-2'], EDGE, false],
  ['a label that fits takes', { role: 'edge' }, EDGE, true],
  ['all labels must fit', { role: 'edge', rack: '13' }, EDGE, false],
  ['a label that the host lacks leaves', { zone: 'a' }, EDGE, false],
  ['a label named like a method is no label', { toString: 'x' }, EDGE, false],
  ['labels leave a host that never reported', { role: 'edge' }, UNHEARD, false],
];

for (const [title, selector, host, expected] of SELECTORS) {
  test(`select: ${title}`, (t) => t.is(selects(selector, host), expected));
}

test('claim: the order of claims is total', (t) => {
  const selector = fc.constantFrom<Selector>('all', ['edge-1'], { role: 'edge' });
  const any = fc.record({
    name: fc.constantFrom('a', 'b', 'c', 'd'),
    hosts: selector,
    priority: fc.integer({ min: -1, max: 1 }),
  });
  const claims = fc.uniqueArray(any, { selector: ({ name }) => name, minLength: 2, maxLength: 4 });
  fc.assert(
    fc.property(claims, fc.infiniteStream(fc.nat()), (given, noise) => {
      const made = given.map(({ name, hosts, priority }) => claim(name, hosts, { priority }));
      const shuffled = made
        .map((one) => ({ one, at: noise.next().value as number }))
        .sort((a, b) => a.at - b.at)
        .map(({ one }) => one);
      t.deepEqual([...shuffled].sort(compareClaims), [...made].sort(compareClaims));
    }),
  );
});

test('claim: equal matches have one key however they are written', (t) => {
  const to = { nexthop: '192.0.2.7' };
  const short = parseSpec({ name: 'a', hosts: 'all', match: { dst: '203.0.113.10', proto: 17, dport: 443 }, to });
  const long = parseSpec({ name: 'b', hosts: 'all', match: { dst: '203.0.113.10/32', proto: 'udp', dport: 443 }, to });
  t.is(claimOf(short).key, claimOf(long).key);
});

test('claim: a body reads back as the intent of its spec', (t) => {
  const spec = parseSpec({
    name: 'a',
    hosts: 'all',
    match: { dst: '203.0.113.10' },
    to: { nexthop: '192.0.2.7' },
    idle: { after: '10m' },
    expires: 1_800_000_000_000,
  });
  const { key, body } = claimOf(spec);
  const intent = parseIntentBody(key, 7, body);
  t.deepEqual(
    [intent.name, intent.match, intent.to, intent.idle, intent.expires],
    [spec.name, spec.match, spec.to, spec.idle, spec.expires],
  );
});

test('claim: what its options need of an agent is read off the body, whatever its texts say', (t) => {
  const plain = { name: 'a', hosts: 'all', match: { in: '"idle"', dst: '203.0.113.1' }, to: 'drop' };
  t.deepEqual(claimOf(parseSpec(plain)).needs, []);
  t.deepEqual(claimOf(parseSpec({ ...plain, idle: { after: '10m' } })).needs, ['idle']);
});

test('claim: it contends where it is for the host, and the agent can what it needs', (t) => {
  const idle = claim('a', 'all', { needs: ['idle'] });
  t.false(contends(idle, EDGE));
  t.true(contends(idle, { ...EDGE, can: ['confirm', 'idle'] }));
  t.false(contends({ ...idle, enabled: false }, { ...EDGE, can: ['idle'] }));
});
