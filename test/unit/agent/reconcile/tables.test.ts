import test from 'ava';
import type { Network, NextHop } from '../../../../agent/model/network.ts';
import type { EntryState } from '../../../../agent/model/state.ts';
import type { ObservedEntry } from '../../../../agent/ports.ts';
import { backoffMs, classify } from '../../../../agent/reconcile/backoff.ts';
import { EntryStates } from '../../../../agent/reconcile/entry-states.ts';
import { ObservedEntries } from '../../../../agent/reconcile/observed-entries.ts';
import { type OutcomeInput, sameState, stateAfter } from '../../../../agent/reconcile/outcome.ts';
import { Slots } from '../../../../agent/reconcile/slots.ts';
import { sameTarget, type Target, targetOf } from '../../../../agent/reconcile/target.ts';
import { atOnce } from '../../../../daemon/parts.ts';
import type { Action } from '../../../../protocol/action.ts';
import { drop, keyOf } from '../../../conformance/cases.ts';
import { installedRow, intentOf, makeKernel, NOW } from './world.ts';

const network = makeKernel().network();
const change = (more: object): Network => ({
  ...network,
  netdevs: network.netdevs.map((dev) => (dev.name === 'eth1' ? { ...dev, ...more } : dev)),
});
const down = change({ up: false });
const deaf = change({ takesRedirects: false });
const MAC = '02:00:00:00:01:01';
const SMAC = '02:00:00:00:00:03';
const via: Action = { nexthop: '192.0.2.1' };
const direct: Action = { interface: 'eth1', mac: MAC };
const resolved: NextHop = { state: 'resolved', ifindex: 3, gateway: '192.0.2.254', mac: MAC, mtu: 1400 };
const probe = { ifindex: 3, address: '192.0.2.254' };
const mixed: Network = {
  ...network,
  notEthernet: new Map([
    [1, 'lo'],
    [8, 'wg0'],
  ]),
};
const blocked = (code: string, more: object = {}) => ({ state: 'blocked', code, ...more }) as Target;

const TARGETS: readonly (readonly [what: string, Action, Network, NextHop, Target])[] = [
  ['drop needs no network', 'drop', down, { state: 'no-route' }, { state: 'local', action: 'drop' }],
  ['pass needs no network', 'pass', down, { state: 'no-route' }, { state: 'local', action: 'pass' }],
  [
    'a MAC on an interface is ready with that interface, its MAC and its MTU',
    ...([direct, network, { state: 'no-route' }] as const),
    { state: 'ready', ifindex: 3, dmac: MAC, smac: SMAC, mtu: 1500 },
  ],
  ['an interface that is not there', { interface: 'eth7', mac: MAC }, network, resolved, blocked('NO_INTERFACE')],
  ['an interface that is down', direct, down, resolved, blocked('NO_INTERFACE')],
  ['an interface that takes no redirects', direct, deaf, resolved, blocked('NO_XDP_PATH')],
  [
    'a next hop is ready with the MAC of its gateway and the MTU of its route',
    ...([via, network, resolved] as const),
    { state: 'ready', ifindex: 3, dmac: MAC, smac: SMAC, mtu: 1400, probe },
  ],
  ['a next hop without a route', via, network, { state: 'no-route' }, blocked('NO_ROUTE')],
  [
    'a next hop by an interface that is not there',
    { ...via, interface: 'eth7' },
    network,
    resolved,
    blocked('NO_INTERFACE'),
  ],
  ['a next hop behind a device that is not Ethernet', via, mixed, { ...resolved, ifindex: 1 }, blocked('NOT_ETHERNET')],
  ['a next hop behind a device that is gone', via, mixed, { ...resolved, ifindex: 9 }, blocked('NO_INTERFACE')],
  ['a MAC on a tunnel', { interface: 'wg0', mac: MAC }, mixed, resolved, blocked('NOT_ETHERNET')],
  ['a next hop by a tunnel', { ...via, interface: 'wg0' }, mixed, resolved, blocked('NOT_ETHERNET')],
  ['a MAC on an interface that is neither', { interface: 'wg1', mac: MAC }, mixed, resolved, blocked('NO_INTERFACE')],
  ['a next hop behind an interface that is down', via, down, resolved, blocked('NO_INTERFACE')],
  ['a next hop behind an interface that takes no redirects', via, deaf, resolved, blocked('NO_XDP_PATH')],
  [
    'a neighbour that is being asked',
    ...([via, network, { state: 'asking', ifindex: 3, gateway: '192.0.2.254' }] as const),
    { state: 'asking', ifindex: 3, probe },
  ],
  [
    'a neighbour that does not answer',
    ...([via, network, { state: 'failed', ifindex: 3, gateway: '192.0.2.254' }] as const),
    blocked('NO_NEIGHBOUR', { probe }),
  ],
  ['an encapsulation', { encap: 'ipip', remote: '192.0.2.1' }, network, resolved, blocked('UNSUPPORTED_ACTION')],
  ['a rewrite', { rewrite: { dport: 1 }, reply: 'none' }, network, resolved, blocked('UNSUPPORTED_ACTION')],
];

for (const [what, action, net, hop, expected] of TARGETS) {
  test(`target: ${what}`, (t) => {
    const target = targetOf(action, net, () => hop);
    t.deepEqual(target, expected);
    t.true(sameTarget(target, expected));
  });
}

test('target: a next hop is asked for by the ifindex of the interface that is named', (t) => {
  const asked: unknown[] = [];
  for (const to of [via, { ...via, interface: 'eth1' }]) {
    targetOf(to, network, (query) => {
      asked.push(query);
      return resolved;
    });
  }
  t.deepEqual(asked, [{ address: '192.0.2.1' }, { address: '192.0.2.1', ifindex: 3 }]);
});

test('classify: every errno that we know of has its class, and an unknown one is terminal', (t) => {
  const classes = { retry: ['EAGAIN', 'EBUSY', 'EINTR', 'ENOMEM', 'ENOBUFS', 'ENODEV'], blocked: ['E2BIG', 'ENOSPC'] };
  for (const [kind, errnos] of Object.entries(classes))
    for (const errno of errnos) t.is(classify(errno), kind as 'retry');
  for (const errno of ['EINVAL', 'EPERM', 'EACCES', 'ENOTSUPP', 'E12345']) t.is(classify(errno), 'terminal');
});

test('backoff: doubles from 200 ms to 30 s, half of it jitter', (t) => {
  t.deepEqual(
    [1, 2, 3, 8, 9, 40, 10_000].map((tries) => [backoffMs(tries, 0), backoffMs(tries, 1)]),
    [
      [100, 200],
      [200, 400],
      [400, 800],
      [12_800, 25_600],
      [15_000, 30_000],
      [15_000, 30_000],
      [15_000, 30_000],
    ],
  );
});

test('backoff: a crowd is tried 5,000 times a second at most, whatever chance says', (t) => {
  t.deepEqual([backoffMs(1, 0, 100), backoffMs(1, 1, 100)], [100, 200]);
  for (const crowd of [10_000, 100_000, 131_072]) {
    t.true(crowd / (backoffMs(1, 0, crowd) / 1_000) <= 5_000);
    t.true(backoffMs(40, 0.999, crowd) <= 60_000, 'and none waits for long');
  }
});

const seenWith = (slot: number, sound = true): ObservedEntry => ({ key: keyOf(1), value: drop(slot), sound });
const row = (key: string, slot: number | null): EntryState => ({ ...installedRow(intentOf(1), 0), key, slot });

const RECOVERED: readonly (readonly [
  what: string,
  rows: Readonly<Record<string, number | null>>,
  observed: Readonly<Record<string, ObservedEntry>>,
  held: Readonly<Record<string, number>>,
  free: readonly number[],
])[] = [
  ['nothing known is all free, the lowest given out first', {}, {}, {}, [3, 2, 1, 0]],
  ['a row keeps its slot', { a: 2 }, {}, { a: 2 }, [3, 1, 0]],
  ["the kernel's word beats the row's", { a: 2 }, { a: seenWith(1) }, { a: 1 }, [3, 2, 0]],
  ['an unsound entry proves nothing, and blocks its slot', { a: 2 }, { a: seenWith(1, false) }, { a: 2 }, [3, 0]],
  ['a row of what nobody desires keeps its slot until that is gone', { x: 2 }, {}, { x: 2 }, [3, 1, 0]],
  ['of two rows with one slot the first keeps it', { a: 2, b: 2 }, {}, { a: 2 }, [3, 1, 0]],
  ['an entry that stands beats the row of another', { a: 1, b: 3 }, { b: seenWith(1) }, { b: 1 }, [3, 2, 0]],
  ["a slot that does not exist is nobody's", { a: 9 }, { b: seenWith(77) }, {}, [3, 2, 1, 0]],
  ['a slot under a foreign entry is not free', { a: null }, { x: seenWith(0) }, {}, [3, 2, 1]],
];

for (const [what, rows, observed, held, free] of RECOVERED) {
  test(`slots at start: ${what}`, (t) => {
    const states = new EntryStates();
    for (const [key, slot] of Object.entries(rows)) states.set(key, row(key, slot));
    const entries = new ObservedEntries();
    for (const [id, entry] of Object.entries(observed)) entries.set(id, entry);
    const desired = new Map(['a', 'b'].map((key) => [key, intentOf(1)]));
    const undesired = Object.keys(rows).filter((key) => !desired.has(key));
    const slots = new Slots(4);
    atOnce(slots.recover({ desired, undesired, states, observed: entries, idOf: (key) => key }));
    const stated = Array.from(states, ([key, { slot }]) => [key, slot]);
    t.deepEqual(Object.fromEntries(stated), { a: null, b: null, ...held });
    const holders = [0, 1, 2, 3].flatMap((slot) => slots.holderOf(slot) ?? []);
    t.deepEqual([holders.sort(), slots.free], [Object.keys(held).sort(), free]);
  });
}

const intent = intentOf(1);
const want = { id: intent.key, key: { match: intent.match, zone: 0 }, value: drop(4) };
const decided: OutcomeInput['decision'] = { key: intent.key, intent, state: 'installed', slot: 4, want, ops: [0] };
const stood: ObservedEntry = { key: want.key, value: want.value, sound: true };
const input = (more: Partial<OutcomeInput> = {}): OutcomeInput => ({
  ...{
    decision: decided,
    results: [{ done: true }],
    before: undefined,
    seen: stood,
    tries: 0,
    crowd: 0,
    fought: false,
    nowMs: NOW,
    random: 0,
    jiffies: 1n,
    givenUp: false,
  },
  ...more,
});
const base = { key: intent.key, slot: 4, rev: 1, sinceMs: NOW };
const { want: _, ...unplaced } = decided;

const OUTCOMES: readonly (readonly [what: string, OutcomeInput, EntryState])[] = [
  ['written and seen is installed', input(), { ...base, state: 'installed', installedAtMs: NOW }],
  [
    'installed before, since then, also at a new revision',
    input({ before: { ...base, rev: 0, state: 'installed', sinceMs: 5, installedAtMs: 6 } }),
    { ...base, state: 'installed', sinceMs: 5, installedAtMs: 6 },
  ],
  [
    'written and not seen is no installation',
    input({ seen: undefined }),
    { ...base, state: 'failed', code: 'READ_BACK', retryAtMs: NOW + 100 },
  ],
  [
    'something else seen is no installation',
    input({ seen: { ...stood, value: drop(4, 2) }, tries: 2 }),
    { ...base, state: 'failed', code: 'READ_BACK', retryAtMs: NOW + 400 },
  ],
  [
    'an unsound entry is no installation',
    input({ seen: { ...stood, sound: false } }),
    { ...base, state: 'failed', code: 'READ_BACK', retryAtMs: NOW + 100 },
  ],
  [
    'a full map blocks and is tried again',
    input({ results: [{ done: false, errno: 'E2BIG' }], seen: undefined }),
    { ...base, state: 'blocked', code: 'MAP_FULL', errno: 'E2BIG', retryAtMs: NOW + 100 },
  ],
  [
    'an errno that may pass fails and is tried again',
    input({ results: [{ done: true }, { done: false, errno: 'EBUSY' }] }),
    { ...base, state: 'failed', code: 'KERNEL_REFUSED', errno: 'EBUSY', retryAtMs: NOW + 100 },
  ],
  [
    'an errno that will not pass fails',
    input({ results: [{ done: false, errno: 'EINVAL' }] }),
    { ...base, state: 'failed', code: 'KERNEL_REFUSED', errno: 'EINVAL' },
  ],
  [
    'blocked is blocked, since it was first',
    input({
      decision: { ...unplaced, state: 'blocked', code: 'NO_ROUTE' },
      before: { ...base, state: 'blocked', code: 'NO_ROUTE', sinceMs: 7 },
    }),
    { ...base, state: 'blocked', code: 'NO_ROUTE', sinceMs: 7 },
  ],
  [
    'blocked for another reason is since now',
    input({
      decision: { ...unplaced, state: 'blocked', code: 'NO_ROUTE' },
      before: { ...base, state: 'blocked', code: 'NO_INTERFACE', sinceMs: 7 },
    }),
    { ...base, state: 'blocked', code: 'NO_ROUTE' },
  ],
];

for (const [what, given, expected] of OUTCOMES) {
  test(`outcome: ${what}`, (t) => {
    const state = stateAfter(given);
    t.deepEqual(state, expected);
    t.true(sameState(state, expected));
  });
}

test('outcome: whatever differs and matters is another state', (t) => {
  const state: EntryState = { ...base, state: 'installed', installedAtMs: NOW };
  t.true(sameState(state, { ...state, sinceMs: 1 }));
  t.false(sameState(undefined, state));
  const others: Partial<EntryState>[] = [
    { slot: 1 },
    { rev: 2 },
    { state: 'failed' },
    { code: 'NO_ROUTE' },
    { retryAtMs: 1 },
  ];
  for (const other of others) t.false(sameState(state, { ...state, ...other }));
});
