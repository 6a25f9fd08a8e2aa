import test from 'ava';
import type { EntryState } from '../../../../agent/model/state.ts';
import { Ingresses } from '../../../../agent/reconcile/ingresses.ts';
import { summarise } from '../../../../agent/reconcile/summarise.ts';
import { EMPTY_DIGEST } from '../../../../protocol/digest.ts';
import { MAX_MESSAGE_BYTES } from '../../../../protocol/json.ts';
import { MAX_IDLE } from '../../../../protocol/own-decisions.ts';
import { encodeStatus, MAX_EXCEPTIONS, parseStatus, type Status } from '../../../../protocol/status.ts';
import { AT_REST, converge, intentOf, makeKernel, NOW, start, TAKEN, TOLD, WHO } from './world.ts';

const CAPPED: readonly (readonly [stored: number, applied: number, verified: number, number, number])[] = [
  [7, 7, 7, 7, 7],
  [7, 5, 3, 5, 3],
  [7, 9, 9, 7, 7],
  [7, 5, 9, 5, 5],
  [0, 3, 3, 0, 0],
];

for (const [rev, applied, verified, saysApplied, saysVerified] of CAPPED) {
  test(`summarise: ${applied} applied and ${verified} verified of ${rev} stored is never overstated`, (t) => {
    const status = summarise(WHO, { ...AT_REST, cursor: { epoch: 'e1', rev }, applied, verified }, TAKEN, TOLD);
    t.deepEqual([status.stored, status.applied, status.verified], [rev, saysApplied, saysVerified]);
  });
}

test('summarise: bypass is said where it is on, and only there', (t) => {
  t.true(summarise(WHO, { ...AT_REST, bypass: true }, TAKEN, TOLD).bypass);
  t.false('bypass' in summarise(WHO, AT_REST, TAKEN, TOLD));
});

test('summarise: a wall clock is said to be wrong from five seconds on, either way', (t) => {
  const said = (clockAheadMs: number | undefined) =>
    summarise(WHO, { ...AT_REST, clockAheadMs }, TAKEN, TOLD).clockAhead;
  t.deepEqual([undefined, 0, 4_999, -4_999, 5_000, -5_000].map(said), [
    undefined,
    undefined,
    undefined,
    undefined,
    5_000,
    -5_000,
  ]);
  const status = summarise(WHO, { ...AT_REST, clockAheadMs: -34_560_000_000 }, TAKEN, TOLD);
  t.is(parseStatus(encodeStatus(status)).clockAhead, -34_560_000_000);
});

test('summarise: an interface that hides VLAN tags says so, and no other', (t) => {
  const kernel = makeKernel();
  kernel.netdev('eth0', { hidesTags: true });
  kernel.netdev('eth1', { attached: 'native', zone: 2 });
  const ingresses = new Ingresses([]);
  ingresses.look(kernel.network(), NOW);
  const { interfaces } = summarise(WHO, { ...AT_REST, ingresses: ingresses.list }, TAKEN, TOLD);
  t.true(interfaces.some(({ zone }) => zone === 1));
  for (const one of interfaces) t.is(one.hidesTags, one.zone === 1 ? true : undefined);
});

test('summarise: an interface that packets pass by says why, and it is the first of all problems', (t) => {
  const ingresses = new Ingresses(['nope']);
  ingresses.look(makeKernel().network(), NOW - 7);
  const { list, lostSinceMs: unattachedSinceMs } = ingresses;
  const taken = { ...TAKEN, problems: [{ code: 'HISTORY_LOST', since: NOW - 9 }] };
  const status = summarise(WHO, { ...AT_REST, ingresses: list, unattachedSinceMs }, taken, TOLD);
  t.deepEqual(parseStatus(encodeStatus(status)).interfaces, [
    { name: 'eth0', zone: 1, ifindex: 2, mode: 'native', up: true, attached: true },
    {
      ...{ name: 'nope', zone: 0, ifindex: 0, mode: 'none', up: false, attached: false },
      reason: 'it is not in this network namespace',
    },
  ]);
  t.is(status.problem, 'NOT_ATTACHED');
  t.deepEqual(status.problems, [{ code: 'NOT_ATTACHED', since: NOW - 7 }, ...taken.problems]);
});

test('summarise: says what it is told of a host, and travels', (t) => {
  const kernel = makeKernel();
  const intents = [
    ...[
      intentOf(1),
      intentOf(2, { interface: 'eth7', mac: '02:00:00:00:00:01' }),
      intentOf(3, 'drop', { expires: NOW }),
    ],
  ];
  const convergence = start(kernel, intents);
  converge(convergence);
  const { deleteAbsent, slots, shapes, network } = convergence;
  const ingresses = new Ingresses([]);
  ingresses.look(network, NOW);
  const { desired, states } = convergence.ledger;
  const progress = {
    ...AT_REST,
    desired,
    states,
    deleteAbsent,
    slotsUsed: slots.used,
    shapes,
    network,
    ingresses: ingresses.list,
  };
  const problems = [
    { code: 'STORE_UNWRITABLE', since: NOW - 5 },
    { code: 'ADOPTING', since: NOW - 9 },
  ];
  const status = summarise(WHO, progress, { ...TAKEN, problems }, TOLD);
  t.deepEqual(status, {
    ...{
      v: 1,
      host: 'h1',
      boot: 'b1',
      agent: '0.1.0',
      at: NOW,
      seq: 3,
      can: ['idle'],
      epoch: 'e1',
      stored: 7,
      applied: 7,
      verified: 7,
    },
    digest: EMPTY_DIGEST,
    counts: { desired: 3, installed: 1, idle: 0, expired: 1, blocked: 1, denied: 0, failed: 0 },
    deleteAbsent: '0',
    exceptions: [{ key: intentOf(2).key, name: 'r2', rev: 1, state: 'blocked', code: 'NO_INTERFACE' }],
    exceptionsTotal: 1,
    capacity: { used: 1, max: 8, shapes: 1, shapesMax: 8 },
    interfaces: [{ name: 'eth0', zone: 1, ifindex: 2, mode: 'native', up: true, attached: true }],
    ...{ labels: { site: 'x' }, guard: null, refused: { total: 0, byCode: {} } },
    ...{ problem: 'STORE_UNWRITABLE', problems },
  });
  t.deepEqual(parseStatus(encodeStatus(status)), status);
});

test('summarise: exceptions are listed up to the limit and all counted', (t) => {
  const count = MAX_EXCEPTIONS + 3;
  const states = new Map<string, EntryState>();
  for (let n = 0; n < count; n += 1) {
    const { key } = intentOf(n);
    states.set(key, { key, slot: null, rev: 1, state: 'denied', code: 'GUARD_DENIED', sinceMs: NOW });
  }
  const { exceptions, exceptionsTotal, counts } = summarise(WHO, { ...AT_REST, states }, TAKEN, TOLD);
  t.deepEqual([exceptions.length, exceptionsTotal, counts.denied], [MAX_EXCEPTIONS, count, count]);
});

test('summarise: of exceptions as many are listed as the bus takes, and all are counted', (t) => {
  const states = new Map<string, EntryState>();
  for (let n = 0; n < MAX_EXCEPTIONS; n += 1) {
    const { key } = intentOf(n);
    states.set(key, { key, slot: null, rev: 1, state: 'denied', code: 'GUARD_DENIED', sinceMs: NOW });
  }
  const within = (maxBytes: number): Status =>
    summarise(WHO, { ...AT_REST, states }, TAKEN, { nowMs: NOW, seq: 3, maxBytes });
  const whole = within(MAX_MESSAGE_BYTES);
  for (const maxBytes of [encodeStatus(whole).length - 1, 4096]) {
    const status = within(maxBytes);
    t.true(encodeStatus(status).length <= maxBytes);
    t.true(status.exceptions.length > 0 && status.exceptions.length < MAX_EXCEPTIONS);
    t.deepEqual(status, { ...whole, exceptions: status.exceptions });
  }
  t.is(within(encodeStatus(whole).length).exceptions.length, MAX_EXCEPTIONS);
  t.deepEqual(within(1).exceptions, []);
});

test('summarise: what is idle is named up to the limit and all counted; on a small bus it gives way to exceptions', (t) => {
  const intents = Array.from({ length: MAX_IDLE + 6 }, (_, at) => intentOf(at));
  const desired = new Map(intents.map((intent) => [intent.key, intent]));
  const states = new Map(
    intents.map(({ key, rev }, at): [string, EntryState] => {
      const blocked = { state: 'blocked', code: 'NO_ROUTE' } as const;
      return [key, { key, slot: null, rev, sinceMs: 0, ...(at < 3 ? blocked : { state: 'idle' }) }];
    }),
  );
  const within = (maxBytes: number): Status =>
    summarise(WHO, { ...AT_REST, desired, states }, TAKEN, { nowMs: NOW, seq: 3, maxBytes });
  const whole = within(MAX_MESSAGE_BYTES);
  t.is(whole.counts.idle, MAX_IDLE + 3);
  t.is(whole.idle?.length, MAX_IDLE);
  t.deepEqual(whole.idle?.[0], { name: intents[3]?.name, rev: intents[3]?.rev });
  t.deepEqual(parseStatus(encodeStatus(whole)), whole);
  const small = within(encodeStatus(whole).length - 1);
  t.deepEqual(small, { ...whole, idle: whole.idle?.slice(0, MAX_IDLE / 2) });
  t.false('idle' in summarise(WHO, AT_REST, TAKEN, TOLD));
});

test('summarise: on a small bus a host with many interfaces is heard, and first of those that packets pass by', (t) => {
  const ingresses = Array.from({ length: 200 }, (_, at) => ({
    ...{ name: `eth${at}`, zone: at, ifindex: at + 1, mode: 'native' as const, up: true },
    ...(at === 150 && { lost: 'the program is not attached' }),
  }));
  const undelivered = Array.from({ length: 40 }, (_, ifindex) => ({
    ...{ interface: `eth${ifindex}`, ifindex, errno: 'ENOBUFS', packets: 7n, sinceMs: NOW, intents: [] },
  }));
  const within = (maxBytes: number): Status =>
    summarise(WHO, { ...AT_REST, ingresses, undelivered }, TAKEN, { nowMs: NOW, seq: 3, maxBytes });
  const whole = within(MAX_MESSAGE_BYTES);
  t.deepEqual([whole.interfaces.length, whole.undelivered?.length], [200, 40]);
  for (const maxBytes of [4096, 16_384]) {
    const status = within(maxBytes);
    t.true(encodeStatus(status).length <= maxBytes);
    t.is(status.interfaces[0]?.name, 'eth150');
    t.true(status.interfaces.length > 5);
    t.deepEqual(parseStatus(encodeStatus(status)), status);
  }
  t.deepEqual(within(1).interfaces, []);
});

test('summarise: an entry that could not be removed is an exception that travels, too', (t) => {
  const kernel = makeKernel();
  const convergence = start(kernel, [intentOf(1)]);
  converge(convergence);
  convergence.ledger.remove([intentOf(1).key]);
  kernel.failNext('delete', 'EPERM');
  converge(convergence);
  const { desired, states } = convergence.ledger;
  const status = summarise(WHO, { ...AT_REST, desired, states }, TAKEN, TOLD);
  t.is(status.counts.failed, 1);
  t.like(status.exceptions[0], { key: intentOf(1).key, state: 'failed', code: 'KERNEL_REFUSED', errno: 'EPERM' });
  t.deepEqual(parseStatus(encodeStatus(status)), status);
});

test('summarise: what waits for its first pass is neither installed nor an exception', (t) => {
  const { key } = intentOf(1);
  const states = new Map([[key, { key, slot: null, rev: 0, state: 'pending', sinceMs: 0 } as const]]);
  const status = summarise(
    WHO,
    { ...AT_REST, applied: 3, desired: new Map([[key, intentOf(1)]]), states },
    TAKEN,
    TOLD,
  );
  t.deepEqual([status.counts.desired, status.counts.installed, status.exceptionsTotal], [1, 0, 0]);
});
