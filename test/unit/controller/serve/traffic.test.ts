import test from 'ava';
import { Traffic } from '../../../../controller/serve/traffic.ts';
import { UNPROVEN } from '../../../../protocol/codes.ts';
import type { Rates } from '../../../../protocol/rates.ts';
import type { Status } from '../../../../protocol/status.ts';
import { encodeTopReply, SERIES_POINTS, type TopReply, type TopRequest } from '../../../../protocol/top.ts';
import { ManualClock } from '../../../fakes/manual-clock.ts';
import { status } from '../fleet.ts';

const SPAN = 15_000;
const ROOM = 500_000;
const MINUTES_MS = 300_000;

/** A controller's memory, and hosts that tell it, by redirect, how many packets a second they had since they told last. */
class Fleet {
  readonly clock = new ManualClock();
  readonly traffic = new Traffic(this.clock);
  readonly #seq = new Map<string, number>();

  tell(host: string, perSecond: Readonly<Record<string, number>>, more: Partial<Rates> = {}, boot = 'b1'): void {
    const spanMs = more.spanMs ?? SPAN;
    const busiest = Object.entries(perSecond).map(([name, rate]) => {
      const packets = (rate * spanMs) / 1000;
      return { name, packets, bytes: packets * 100 };
    });
    this.say(host, { rates: { spanMs, busiest, verdicts: { SENT: 1_500 }, lost: 0, ...more }, boot });
  }

  /** A status as it comes; without rates, unless they are given. */
  say(host: string, said: Partial<Status>): void {
    const seq = said.seq ?? (this.#seq.get(host) ?? 0) + 1;
    this.#seq.set(host, seq);
    const {
      rates: _,
      passed: _passed,
      undelivered: _lost,
      ...plain
    } = status(host, { exceptions: [], exceptionsTotal: 0 });
    this.traffic.take({ ...plain, boot: 'b1', seq, ...said });
  }

  rate(name: string, ...hosts: readonly string[]): readonly number[] | undefined {
    const now = this.traffic.now();
    const complete = hosts.filter((host) => now.isComplete(host)).length;
    const found = now.of(name, { total: hosts.length, complete });
    return found && [found.packets, found.hosts];
  }

  top(request: Partial<TopRequest> = {}): TopReply {
    const reply = this.traffic.top({ v: 1, ...request }, ROOM);
    encodeTopReply(reply);
    return reply;
  }

  /** Name, host where there is one, and packets a second. */
  rows(request: Partial<TopRequest> = {}): readonly string[] {
    return this.top(request).items.map(({ name, host, packets }) =>
      [name, host, packets].filter((it) => it !== undefined).join(' '),
    );
  }

  series(name: string): string {
    const item = this.top({ filter: name }).items.find((one) => one.name === name);
    return (item?.series ?? []).map((rate) => rate ?? '-').join(' ');
  }
}

function last(count: number, ...points: readonly (number | string)[]): string {
  return [...Array(SERIES_POINTS - count).fill('-'), ...points].join(' ');
}

test('traffic: the rate of a redirect is the sum over its hosts, and of how many it is known', (t) => {
  const fleet = new Fleet();
  t.is(fleet.rate('r1', 'a', 'b'), undefined);
  fleet.tell('a', { r1: 10, r2: 5 });
  t.deepEqual(fleet.rate('r1', 'a', 'b'), [10, 1]);
  fleet.tell('b', { r1: 2 });
  t.deepEqual(fleet.rate('r1', 'a', 'b'), [12, 2]);
  t.deepEqual(fleet.rate('r2', 'a'), [5, 1]);
  t.deepEqual(fleet.rate('r3', 'a', 'b'), [0, 2], 'both tell all that had packets');
  t.is(fleet.rate('r3', 'c'), undefined, 'nothing is known of c');
});

test('traffic: who is not listed by a host that does not list all had an unknown rate, and not 0', (t) => {
  const fleet = new Fleet();
  fleet.tell('a', { r1: 10 }, { others: { redirects: 1, packets: 1, bytes: 1 } });
  t.is(fleet.rate('r2', 'a'), undefined);
  t.deepEqual(fleet.rate('r1', 'a'), [10, 1]);
  fleet.tell('b', { r1: 1 });
  t.deepEqual(fleet.rate('r2', 'a', 'b'), [0, 1]);
  t.deepEqual(fleet.rate('r1', 'a', 'b'), [11, 2]);
});

test('traffic: who is not listed by a host that has no set to name its redirects by had an unknown rate, and not 0', (t) => {
  const fleet = new Fleet();
  fleet.tell('b', { r1: 1 });
  for (const code of UNPROVEN) {
    const rates = { spanMs: SPAN, busiest: [], verdicts: { SENT: 1_500 }, lost: 0 };
    fleet.say('a', { rates, problems: [{ code, since: 0 }] });
    t.is(fleet.rate('r1', 'a'), undefined, code);
    t.deepEqual(fleet.rate('r1', 'a', 'b'), [1, 1], code);
  }
  fleet.tell('a', {});
  t.deepEqual(fleet.rate('r1', 'a', 'b'), [1, 2]);
});

test('traffic: a rate counts on over a status that is lost, or that tells none, and no longer', async (t) => {
  const fleet = new Fleet();
  fleet.tell('a', { r1: 10 });
  await fleet.clock.pass(SPAN);
  fleet.say('a', {});
  await fleet.clock.pass(2 * SPAN);
  t.deepEqual(fleet.rate('r1', 'a'), [10, 1]);
  await fleet.clock.pass(1);
  t.is(fleet.rate('r1', 'a'), undefined);
  t.like(fleet.top().items[0], { name: 'r1', packets: null, bytes: null, passed: null });
  fleet.tell('a', { r1: 4 });
  t.deepEqual(fleet.rate('r1', 'a'), [4, 1]);
});

test('traffic: a host that tells far too often is remembered as far as one that does not', (t) => {
  const fleet = new Fleet();
  fleet.tell('a', { first: 1 });
  for (let n = 0; n < 64; n += 1) {
    t.true(fleet.rows().includes('first 0') || n === 0);
    fleet.tell('a', { last: 1 });
  }
  t.deepEqual(fleet.rows(), ['last 1']);
});

test('traffic: a status that is repeated, late, or of a start that is over tells nothing', (t) => {
  const fleet = new Fleet();
  const rates = { spanMs: SPAN, busiest: [{ name: 'r1', packets: 150, bytes: 0 }], verdicts: {}, lost: 0 };
  fleet.say('a', { seq: 7, rates });
  const more = { ...rates, busiest: [{ name: 'r1', packets: 9_000, bytes: 0 }] };
  fleet.say('a', { seq: 7, rates: more });
  fleet.say('a', { seq: 6, rates: more });
  t.deepEqual(fleet.rate('r1', 'a'), [10, 1]);
  fleet.say('a', { boot: 'b2', seq: 1, rates: { ...rates, busiest: [] } });
  t.deepEqual(fleet.rate('r1', 'a'), [0, 1]);
  fleet.say('a', { boot: 'b1', seq: 8, rates: more });
  t.deepEqual(fleet.rate('r1', 'a'), [0, 1]);
});

test('traffic: a series has what was known at each point; before it, in a long gap and of others nothing', async (t) => {
  const fleet = new Fleet();
  const step = async (tell: () => void) => {
    await fleet.clock.pass(SPAN);
    tell();
  };
  await step(() => fleet.tell('a', { r1: 1 }));
  await step(() => fleet.tell('a', { r1: 2, r2: 9 }));
  await step(() => {}); // lost
  await step(() => fleet.tell('a', { r1: 4 }));
  t.is(fleet.series('r1'), last(4, 1, 2, 2, 4));
  t.is(fleet.series('r2'), last(4, 0, 9, 9, 0));
  for (let missed = 0; missed < 5; missed += 1) await step(() => {});
  await step(() => fleet.tell('a', { r1: 7 }, {}, 'b2'));
  t.is(fleet.series('r1'), last(10, 1, 2, 2, 4, 4, 4, 4, '-', '-', 7));
  fleet.tell('b', { r3: 1 });
  t.is(fleet.series('r1'), last(10, 1, 2, 2, 4, 4, 4, 4, '-', '-', 7), 'b does not have it');
});

test('traffic: points of several hosts are added up, as far as each is known', async (t) => {
  const fleet = new Fleet();
  fleet.tell('a', { r1: 10 });
  await fleet.clock.pass(7_000);
  fleet.tell('b', { r1: 1 });
  await fleet.clock.pass(8_000);
  fleet.tell('a', { r1: 20 });
  t.is(fleet.series('r1'), last(2, 11, 21));
});

test('traffic: five minutes are kept, then a host is forgotten, and its names with it', async (t) => {
  const fleet = new Fleet();
  for (let ms = 0; ms < 2 * MINUTES_MS; ms += SPAN) {
    fleet.tell('a', { r1: ms / SPAN });
    await fleet.clock.pass(SPAN);
  }
  t.is(fleet.series('r1'), [...Array.from({ length: SERIES_POINTS - 1 }, (_, at) => 21 + at), 39].join(' '));
  await fleet.clock.pass(MINUTES_MS);
  t.like(fleet.top(), { items: [], total: 0, hosts: 0, hostsKnown: 0, verdicts: {}, lost: null });
  fleet.tell('b', { r2: 3 });
  t.deepEqual(fleet.rows(), ['r2 3']);
});

test('traffic: what was wrong is forgotten with the status that said it, and a redirect that nobody tells of any more', async (t) => {
  const fleet = new Fleet();
  const exception = {
    key: 'v4 udp 0.0.0.0/0:* > 10.0.0.1/32:53',
    name: 'r9',
    rev: 1,
    state: 'blocked',
    code: 'NO_ROUTE',
  } as const;
  fleet.tell('a', { r1: 1 });
  fleet.say('a', { exceptions: [exception, { ...exception, name: 'r1' }], exceptionsTotal: 2 });
  fleet.say('a', { exceptions: [exception], exceptionsTotal: 1 });
  t.deepEqual(
    fleet.top().items.map(({ name, packets, state }) => [name, packets, state]),
    [
      ['r1', 1, undefined],
      ['r9', 0, 'blocked'],
    ],
  );
  fleet.say('a', {});
  t.deepEqual(fleet.rows(), ['r1 1']);
});

test('top: the most packets first; or bytes, passed, or names; those that match alone, so many, and how many there are', (t) => {
  const fleet = new Fleet();
  const busiest = [
    { name: 'web-1', packets: 150, bytes: 90_000 },
    { name: 'web-2', packets: 300, bytes: 15_000, passed: 15 },
    { name: 'dns', packets: 30, bytes: 3_000, passed: 30 },
  ];
  fleet.say('a', { rates: { spanMs: SPAN, busiest, verdicts: { SENT: 435, TTL: 45 }, lost: 15 } });
  t.deepEqual(fleet.rows(), ['web-2 20', 'web-1 10', 'dns 2']);
  t.deepEqual(fleet.rows({ sort: 'bytes' }), ['web-1 10', 'web-2 20', 'dns 2']);
  t.deepEqual(fleet.rows({ sort: 'passed' }), ['dns 2', 'web-2 20', 'web-1 10']);
  t.deepEqual(fleet.rows({ sort: 'name' }), ['dns 2', 'web-1 10', 'web-2 20']);
  t.deepEqual(fleet.rows({ filter: 'web' }), ['web-2 20', 'web-1 10']);
  t.like(fleet.top({ limit: 1 }), {
    items: { length: 1 },
    total: 3,
    hosts: 1,
    hostsKnown: 1,
    verdicts: { SENT: 29, TTL: 3 },
    lost: 1,
  });
  t.like(fleet.top().items[0], { name: 'web-2', packets: 20, bytes: 1_000, passed: 1 });
});

test('top: of one host, and a row for each host', (t) => {
  const fleet = new Fleet();
  fleet.tell('edge-1', { r1: 10, r2: 1 });
  fleet.tell('edge-2', { r1: 30 });
  t.deepEqual(fleet.rows(), ['r1 40', 'r2 1']);
  t.deepEqual(fleet.rows({ host: 'edge-1' }), ['r1 10', 'r2 1']);
  t.deepEqual(fleet.rows({ split: true }), ['r1 edge-2 30', 'r1 edge-1 10', 'r2 edge-1 1']);
  t.deepEqual(fleet.rows({ split: true, filter: 'edge-2' }), ['r1 edge-2 30']);
  t.like(fleet.top({ host: 'nobody' }), { items: [], total: 0, hosts: 0 });
});

test('top: what is wrong is told with its code, the worst of it, and on how many hosts', async (t) => {
  const fleet = new Fleet();
  const blocked = { key: 'v4 udp 0.0.0.0/0:* > 10.0.0.1/32:53', rev: 1, state: 'blocked', code: 'NO_ROUTE' } as const;
  const exceptions = [
    { ...blocked, name: 'r2' },
    { ...blocked, name: 'r3' },
  ];
  const rates = { spanMs: SPAN, busiest: [{ name: 'r1', packets: 15, bytes: 1 }], verdicts: {}, lost: null };
  const passed = [{ name: 'r1', reasons: { TTL: '1' }, since: 1 }];
  fleet.say('a', { rates, exceptions, exceptionsTotal: 2, passed });
  fleet.say('b', { exceptions: exceptions.slice(0, 1), exceptionsTotal: 1 });
  const told = () =>
    fleet
      .top({ sort: 'name' })
      .items.map(({ name, packets, state, code, stateHosts }) => [name, packets, state, code, stateHosts]);
  t.deepEqual(told(), [
    ['r1', 1, 'passed', 'HITS_PASSED', 1],
    ['r2', 0, 'blocked', 'NO_ROUTE', 2],
    ['r3', 0, 'blocked', 'NO_ROUTE', 1],
  ]);
  t.is(fleet.top().lost, null);
  fleet.say('b', { ended: true });
  await fleet.clock.pass(61_000);
  t.deepEqual(told()[0], ['r1', null, 'silent', undefined, 1]);
});

test('top: what does not fit is left out, and counted', (t) => {
  const fleet = new Fleet();
  fleet.tell('a', Object.fromEntries(Array.from({ length: 64 }, (_, at) => [`r${at}`, at + 1])));
  const reply = fleet.traffic.top({ v: 1 }, 3_072);
  t.true(encodeTopReply(reply).length <= 3_072);
  t.true(reply.items.length > 5 && reply.items.length < 64);
  t.is(reply.total, 64);
});
