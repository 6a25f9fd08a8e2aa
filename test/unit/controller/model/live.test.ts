import test from 'ava';
import { hostNow, listen, type Stand, standOf, type Wanted } from '../../../../controller/model/live.ts';
import { isInForce, LIVE_STATES, type LiveState } from '../../../../protocol/live.ts';
import type { Standing } from '../../../../protocol/page.ts';
import { type Exception, SILENT_MS, type Status } from '../../../../protocol/status.ts';
import { status } from '../fleet.ts';

const NOW = 1_790_000_000_000;
const REV = 40;
const KEY = 'v4 udp 198.51.100.0/24:* > 203.0.113.10/32:443 in eth0';
const WANTED: Wanted = { name: 'web', key: KEY, idles: true, ingress: 'eth0', sends: true };
const ETH0 = { name: 'eth0', zone: 1, ifindex: 2, mode: 'native', up: true, attached: true } as const;
const COUNTS = { desired: 3, installed: 3, idle: 0, expired: 0, blocked: 0, denied: 0, failed: 0 };

/** A host with three redirects and nothing wrong. */
const WELL: Partial<Status> = {
  ...{ stored: 46, applied: 46, verified: 46, counts: COUNTS, exceptions: [], exceptionsTotal: 0 },
  ...{
    interfaces: [ETH0],
    problem: undefined,
    problems: undefined,
    undelivered: [],
    passed: [],
    idle: [],
    unconfirmed: [],
  },
} as unknown as Partial<Status>;

interface Case {
  readonly says: string;
  readonly wanted?: { readonly [Name in keyof Wanted]?: Wanted[Name] | undefined };
  /** Undefined: the host was never heard. */
  readonly status?: Partial<Status> | undefined;
  readonly rev?: number;
  readonly agoMs?: number;
  readonly standing?: Standing;
  readonly stands: Stand;
}

function well(more: Partial<Status> = {}): Partial<Status> {
  return { ...WELL, ...more };
}

function exception(state: Exception['state'], code: string, more: Partial<Exception> = {}): Exception {
  return { key: KEY, name: 'web', rev: REV, state, code, ...more };
}

function others(total: number): readonly Exception[] {
  return Array.from({ length: total }, (_, at) => exception('blocked', 'NO_ROUTE', { key: `v4 any 10.0.0.${at}` }));
}

function excepted(...exceptions: readonly Exception[]): Partial<Status> {
  return well({ exceptions, exceptionsTotal: exceptions.length, counts: { ...COUNTS, installed: 2 } });
}

const HELD_BACK = { name: 'web', key: KEY, rev: REV };
const LOSS = { interface: 'eth1', ifindex: 3, packets: '9', since: NOW };
const problem = (code: string): Partial<Status> => well({ problems: [{ code, since: NOW }] });
const unattached = (name: string): Partial<Status> =>
  well({ interfaces: [ETH0, { ...ETH0, name, attached: false }], problems: [{ code: 'NOT_ATTACHED', since: NOW }] });

/** Every state that a host can be the reason of, by what brings it about. */
const CASES: Readonly<Record<Exclude<LiveState, 'shadowed' | 'unsent'>, readonly Case[]>> = {
  installed: [
    { says: 'all is well', status: well(), stands: { state: 'installed' } },
    { says: 'another one is blocked', status: excepted(...others(1)), stands: { state: 'installed' } },
    { says: 'it was heard just within time', status: well(), agoMs: SILENT_MS - 1, stands: { state: 'installed' } },
    {
      says: 'the controller gave no answer, and it has it',
      status: problem('CONTROLLER_SILENT'),
      stands: { state: 'installed' },
    },
    { says: 'another interface has no program', status: unattached('eth1'), stands: { state: 'installed' } },
    { says: 'it ends later', wanted: { expires: NOW + 1 }, status: well(), stands: { state: 'installed' } },
    {
      says: 'others are lost at an interface that it does not use',
      wanted: { egress: 'eth2' },
      status: well({ undelivered: [{ ...LOSS, redirects: ['a'], redirectsTotal: 9 }] }),
      stands: { state: 'installed' },
    },
    {
      says: 'it is never given up, and not all that are idle are named',
      wanted: { idles: false },
      status: well({ counts: { ...COUNTS, idle: 90 } }),
      stands: { state: 'installed' },
    },
  ],
  blocked: [
    {
      says: 'C is off the net',
      status: excepted(exception('blocked', 'NO_NEIGHBOUR')),
      stands: { state: 'blocked', code: 'NO_NEIGHBOUR' },
    },
    {
      says: 'the interface is wrong',
      status: excepted(...others(1), exception('blocked', 'NO_INTERFACE')),
      stands: { state: 'blocked', code: 'NO_INTERFACE' },
    },
    {
      says: 'it is blocked, and what is older waits',
      status: { ...excepted(exception('blocked', 'NO_ROUTE')), applied: REV - 1 },
      stands: { state: 'blocked', code: 'NO_ROUTE' },
    },
    {
      says: 'more are blocked than are listed, all of the host for one reason',
      status: well({
        exceptions: others(64),
        exceptionsTotal: 90,
        counts: { ...COUNTS, desired: 90, installed: 0, blocked: 90 },
      }),
      stands: { state: 'blocked', code: 'NO_ROUTE' },
    },
  ],
  failed: [
    {
      says: 'the kernel refused it',
      status: excepted(exception('failed', 'KERNEL_REFUSED', { errno: 'EPERM' })),
      stands: { state: 'failed', code: 'KERNEL_REFUSED' },
    },
  ],
  denied: [
    {
      says: 'the guard forbids it',
      status: excepted(exception('denied', 'GUARD_DENIED')),
      stands: { state: 'denied', code: 'GUARD_DENIED' },
    },
    {
      says: 'nobody confirmed it',
      status: excepted(exception('denied', 'REVERTED')),
      stands: { state: 'denied', code: 'REVERTED' },
    },
  ],
  undelivered: [
    {
      says: 'its packets die on their way out',
      status: well({ undelivered: [{ ...LOSS, redirects: ['web'], redirectsTotal: 1 }] }),
      stands: { state: 'undelivered', code: 'UNDELIVERED' },
    },
  ],
  bypass: [
    { says: 'everything passes', status: well({ bypass: true }), stands: { state: 'bypass' } },
    {
      says: 'everything passes, and it is blocked as well',
      status: { ...excepted(exception('blocked', 'NO_ROUTE')), bypass: true },
      stands: { state: 'bypass' },
    },
  ],
  unattached: [
    {
      says: 'its interface has no program',
      status: unattached('eth0'),
      stands: { state: 'unattached', code: 'NOT_ATTACHED' },
    },
    {
      says: 'one of the interfaces has no program, and it is for all',
      wanted: { ingress: undefined },
      status: unattached('eth1'),
      stands: { state: 'unattached', code: 'NOT_ATTACHED' },
    },
    {
      says: 'an older agent says how its interface is attached, and no more',
      status: well({ interfaces: [{ ...ETH0, mode: 'none', attached: undefined }] } as unknown as Partial<Status>),
      stands: { state: 'unattached', code: 'NOT_ATTACHED' },
    },
    {
      says: 'no interface is known that has a program',
      status: { ...problem('NOT_ATTACHED'), interfaces: [] },
      stands: { state: 'unattached', code: 'NOT_ATTACHED' },
    },
  ],
  held: [
    ...['HISTORY_LOST', 'FOREIGN_EPOCH', 'SUPERSEDED', 'STORE_NEWER', 'STORE_DAMAGED', 'BAD_DIGEST', 'ADOPTING'].map(
      (code): Case => ({ says: `it says ${code}`, status: problem(code), stands: { state: 'held', code } }),
    ),
    { says: 'it is past the log', status: well(), standing: 'lost', stands: { state: 'held', code: 'HISTORY_LOST' } },
    {
      says: 'it is of another log',
      status: well(),
      standing: 'unknown',
      stands: { state: 'held', code: 'FOREIGN_EPOCH' },
    },
    {
      says: 'its log was replaced',
      status: well(),
      standing: 'superseded',
      stands: { state: 'held', code: 'SUPERSEDED' },
    },
  ],
  silent: [
    {
      says: 'it said that all is well, too long ago',
      status: well(),
      agoMs: SILENT_MS,
      stands: { state: 'silent' },
    },
    {
      says: 'it was in bypass, too long ago',
      status: well({ bypass: true }),
      agoMs: 90_000,
      stands: { state: 'silent' },
    },
  ],
  ended: [{ says: 'its agent ended', status: well({ ended: true }), stands: { state: 'ended' } }],
  unheard: [{ says: 'it was never heard', status: undefined, stands: { state: 'unheard' } }],
  unknown: [
    {
      says: 'more are excepted than are listed',
      status: well({ exceptions: others(64), exceptionsTotal: 65, counts: { ...COUNTS, desired: 90, installed: 25 } }),
      stands: { state: 'unknown' },
    },
    {
      says: 'an older agent names none that are idle',
      status: well({ counts: { ...COUNTS, installed: 2, idle: 1 }, idle: undefined } as unknown as Partial<Status>),
      stands: { state: 'unknown' },
    },
    {
      says: 'packets are lost, and not all are named whose they are',
      status: well({ undelivered: [{ ...LOSS, redirects: ['a'], redirectsTotal: 9 }] }),
      stands: { state: 'unknown', code: 'UNDELIVERED' },
    },
    {
      says: 'somebody else writes to its maps',
      status: problem('FOREIGN_WRITER'),
      stands: { state: 'unknown', code: 'FOREIGN_WRITER' },
    },
    {
      says: 'something that a newer agent knows is wrong',
      status: problem('ON_FIRE'),
      stands: { state: 'unknown', code: 'ON_FIRE' },
    },
  ],
  pending: [
    { says: 'it is not as far', status: well(), rev: 47, stands: { state: 'pending' } },
    { says: 'it has stored it, and not yet applied', status: well({ applied: REV - 1 }), stands: { state: 'pending' } },
    {
      says: 'its disk is full',
      status: problem('STORE_UNWRITABLE'),
      rev: 47,
      stands: { state: 'pending', code: 'STORE_UNWRITABLE' },
    },
    {
      says: 'it is blocked as of an older revision',
      status: excepted(exception('blocked', 'NO_ROUTE')),
      rev: 47,
      stands: { state: 'pending' },
    },
  ],
  unconfirmed: [
    {
      says: 'the host takes it back in a while',
      status: well({ unconfirmed: [{ ...HELD_BACK, leftMs: 41_000 }] }),
      agoMs: 3000,
      stands: { state: 'unconfirmed', leftMs: 38_000 },
    },
    {
      says: 'it ought to have been taken back by now, and nobody heard',
      status: well({ unconfirmed: [{ ...HELD_BACK, leftMs: 1000 }] }),
      agoMs: 3000,
      stands: { state: 'unconfirmed', leftMs: 0 },
    },
  ],
  passed: [
    {
      says: 'some of its packets are too long',
      status: well({ passed: [{ name: 'web', reasons: { TOO_BIG: '3' }, since: NOW }], passedTotal: 1 }),
      stands: { state: 'passed', code: 'HITS_PASSED' },
    },
  ],
  expired: [
    { says: 'its time is over', wanted: { expires: NOW }, status: well(), stands: { state: 'expired' } },
    {
      says: 'its time is over, and the host is silent',
      wanted: { expires: NOW },
      status: well(),
      agoMs: 90_000,
      stands: { state: 'expired' },
    },
  ],
  idle: [
    {
      says: 'no packet came',
      status: well({ counts: { ...COUNTS, installed: 2, idle: 1 }, idle: [{ name: 'web', rev: REV }] }),
      stands: { state: 'idle' },
    },
  ],
};

for (const [state, cases] of Object.entries(CASES)) {
  for (const { says, wanted, status: said, rev = REV, agoMs = 0, standing = 'ok', stands } of cases) {
    test(`live: a redirect is ${state} where ${says}`, (t) => {
      const last = said && { said: listen({ ...status('edge-1'), ...said }), seenAtMs: NOW - agoMs };
      t.deepEqual(standOf({ ...WANTED, ...wanted } as Wanted, rev, hostNow(last, standing, NOW), NOW), stands);
      t.is(stands.state, state as LiveState);
    });
  }
}

test('live: a redirect is in force where it is installed, also if some packets are passed or it may be taken back, and nowhere else', (t) => {
  t.deepEqual(
    LIVE_STATES.filter((state) => isInForce({ state })),
    ['unconfirmed', 'passed', 'installed'],
  );
});

test('live: whatever is wrong, a host that was not heard for a minute is never well', (t) => {
  for (const { status: said, wanted, rev = REV } of Object.values(CASES).flat()) {
    if (said === undefined || wanted?.expires !== undefined) continue;
    const last = { said: listen({ ...status('edge-1'), ...said }), seenAtMs: NOW - SILENT_MS };
    const { state } = standOf({ ...WANTED, ...wanted } as Wanted, rev, hostNow(last, 'ok', NOW), NOW);
    t.true(state === 'silent' || state === 'ended', state);
  }
});
