import test from 'ava';
import { Questions } from '../../../../agent/answer/questions.ts';
import type { ObservedEntry } from '../../../../agent/ports.ts';
import type { Convergence } from '../../../../agent/reconcile/convergence.ts';
import { type Dump, encodeAskRequest, parseDumpReply } from '../../../../protocol/ask.ts';
import { type CountsReply, encodeCountsRequest, parseCountsReply } from '../../../../protocol/counts.ts';
import { type Event, type Events, parseEventsReply } from '../../../../protocol/event.ts';
import { type Explanation, encodeExplainRequest, parseExplainReply } from '../../../../protocol/explain.ts';
import { parseStatsReply, type Stats } from '../../../../protocol/stats.ts';
import type { HostProblem } from '../../../../protocol/status.ts';
import { ManualClock } from '../../../fakes/manual-clock.ts';
import type { MemoryKernel } from '../../../fakes/memory-kernel.ts';
import { HOST } from '../follow/samples.ts';
import { converge, DIRECT, intentOf, makeKernel, NEXT_HOP, NEXT_MAC, start, VIA } from '../reconcile/world.ts';

const WIDE = intentOf(1, 'pass', { name: 'wide', of: { dst: '10.0.0.0/24' } });
const NARROW = intentOf(1, VIA, { name: 'narrow' });
const APART = intentOf(1 << 16, DIRECT, { name: 'apart' });

function event(at: number, key = NARROW.key): Event {
  return { v: 1, host: HOST, at, kind: 'applied', key };
}

function questions(
  kernel: MemoryKernel,
  convergence: Convergence,
  events: readonly Event[] = [],
  stats: () => Stats = () => {
    throw new Error('not asked');
  },
  renewing: () => boolean = () => false,
  problems: readonly HostProblem[] = [],
): Questions {
  return new Questions({
    again: (key) => convergence.again([key]),
    arm: async () => {},
    resync: async () => ({ epoch: 'e1', stored: 5 }),
    release: async () => 3,
    host: HOST,
    boot: 'b1',
    view: {
      ...convergence.ledger,
      get renewing() {
        return renewing();
      },
      mapProblems: [],
      withheldOf: () => undefined,
      holders: convergence.slots,
      entryOf: (key) => convergence.entryOf(key),
      silenceOf: () => undefined,
      confirmationOf: () => undefined,
      judgementOf: () => ({ is: 'allowed' }),
    },
    kernel,
    clock: new ManualClock(),
    status: () => {
      throw new Error('not asked');
    },
    stats,
    problems: () => problems,
    recorder: {
      history: async (key) => events.filter((it) => it.key === key),
      recent: async (before, limit) => {
        const older = events.slice(0, before === Number.MAX_SAFE_INTEGER ? events.length : before - 1);
        const chosen = older.slice(-limit);
        return { events: chosen, first: older.length - chosen.length + 1 };
      },
    },
  });
}

async function explained(asked: Questions, name: string): Promise<Explanation> {
  const reply = parseExplainReply(await asked.answer('explain', encodeExplainRequest({ v: 1, name })), HOST);
  if ('error' in reply) throw new Error(reply.error.message);
  return reply;
}

test('questions: where the pins are lost, explain says what is known, and what the kernel would have to say is refused', async (t) => {
  const kernel = makeKernel();
  const view = start(kernel, [NARROW]);
  converge(view);
  kernel.pinsLost = true;
  view.ledger.block('NOT_ATTACHED', 1_700_000_000_001);
  const asked = questions(kernel, view, [event(5)]);
  const found = await explained(asked, 'narrow');
  t.like(found, { state: 'blocked', code: 'NOT_ATTACHED', seenMsAgo: null, entry: null, nexthop: null });
  t.deepEqual(found.events, [event(5)]);
  const reply = parseDumpReply(await asked.answer('dump', encodeAskRequest({ v: 1 })), HOST);
  t.like(reply, { error: { code: 'NOT_ATTACHED' } });
});

test('questions: while other maps take the place of those before, what the maps say waits for that', async (t) => {
  const kernel = makeKernel();
  const view = start(kernel, [NARROW]);
  converge(view);
  let turns = 5;
  const asked = questions(kernel, view, [], undefined, () => turns-- > 0);
  t.like(await explained(asked, 'narrow'), { state: 'installed' });
  t.is(turns, -1);
});

test('explain: what is desired, decided, held by the kernel, and resolved', async (t) => {
  const kernel = makeKernel();
  const view = start(kernel, [NARROW, WIDE, APART]);
  converge(view);
  const found = await explained(questions(kernel, view, [event(5)]), 'narrow');
  t.like(found, { key: NARROW.key, rev: 1, state: 'installed', since: 1_700_000_000_000, bypass: false });
  t.like(found.entry, { action: 'send', ifindex: 3, dmac: NEXT_MAC, rev: 1, sound: true });
  t.deepEqual(found.nexthop, {
    ...{ state: 'resolved', interface: 'eth1', ifindex: 3, up: true, takesRedirects: true },
    ...{ gateway: NEXT_HOP, mac: NEXT_MAC, mtu: 1500 },
  });
  t.deepEqual(found.overlaps, [{ name: 'wide', key: WIDE.key, state: 'installed', wins: false }]);
  t.like((await explained(questions(kernel, view), 'wide')).overlaps, [{ name: 'narrow', wins: true }]);
  t.deepEqual(found.events, [event(5)]);
});

test('explain: of the hits those that were passed are told by reason', async (t) => {
  const kernel = makeKernel();
  const view = start(kernel, [NARROW, WIDE]);
  converge(view);
  const asked = questions(kernel, view);
  t.deepEqual((await explained(asked, 'narrow')).passed, {});
  kernel.pass(view.ledger.states.get(NARROW.key)?.slot ?? -1, 'TOO_BIG', 7n);
  kernel.pass(view.ledger.states.get(WIDE.key)?.slot ?? -1, 'TTL', 1n);
  t.deepEqual((await explained(asked, 'narrow')).passed, { TOO_BIG: '7' });
});

test('explain: the kernel is read now, and not as it was last seen', async (t) => {
  const kernel = makeKernel();
  const view = start(kernel, [NARROW]);
  converge(view);
  const held = view.entryOf(NARROW.key) as ObservedEntry;
  kernel.apply([{ op: 'delete', id: NARROW.key, key: held.key }]);
  t.like(await explained(questions(kernel, view), 'narrow'), { state: 'installed', entry: null });
});

test('explain: what it finds otherwise than it was last seen is looked at again, and mended at once', async (t) => {
  const kernel = makeKernel();
  const inward = intentOf(4, 'drop', { name: 'inward', of: { in: 'eth0' } });
  const view = start(kernel, [NARROW, WIDE, inward]);
  converge(view);
  const asked = questions(kernel, view);
  const stands = async () => {
    const held: unknown[] = [];
    for (const name of ['narrow', 'wide', 'inward']) held.push((await explained(asked, name)).entry?.action);
    return held;
  };
  t.deepEqual(await stands(), ['send', 'pass', 'drop']);
  t.false(view.pending, 'all is as it was seen');
  kernel.uproot(NARROW.key);
  kernel.plant({ match: WIDE.match, zone: 0 }, { action: 'drop' });
  kernel.plant({ match: inward.match, zone: 1 }, { action: 'drop', rev: 1 }, false);
  t.deepEqual(await stands(), [undefined, 'drop', 'drop']);
  t.true(view.pending);
  const told = converge(view).flatMap(({ drifted, readBack }) => drifted.map(({ key }) => [key, readBack]));
  t.deepEqual(
    told,
    [NARROW, WIDE, inward].map(({ key }) => [key, false]),
    'without a full read-back',
  );
  t.deepEqual(await stands(), ['send', 'pass', 'drop']);
  t.false(view.pending);
});

test('explain: a next hop that does not answer, a route that is gone, an interface that is not there', async (t) => {
  const kernel = makeKernel();
  const view = start(kernel, [
    NARROW,
    intentOf(2, { nexthop: '198.51.100.1' }),
    intentOf(3, { interface: 'eth9', mac: NEXT_MAC }),
  ]);
  converge(view);
  kernel.neighbour('eth1', NEXT_HOP, 'failed');
  const asked = questions(kernel, view);
  t.like((await explained(asked, 'narrow')).nexthop, { state: 'failed', interface: 'eth1', gateway: NEXT_HOP });
  t.like(await explained(asked, 'r2'), {
    state: 'blocked',
    code: 'NO_ROUTE',
    entry: null,
    nexthop: { state: 'no-route' },
  });
  t.deepEqual((await explained(asked, 'r3')).nexthop, { state: 'no-interface', interface: 'eth9' });
});

test('explain: a redirect of one interface is found where its zone puts it', async (t) => {
  const kernel = makeKernel();
  const inward = intentOf(4, 'drop', { name: 'inward', of: { in: 'eth0' } });
  const view = start(kernel, [inward]);
  converge(view);
  t.like(await explained(questions(kernel, view), 'inward'), { entry: { action: 'drop' }, nexthop: null });
});

test('explain: a redirect that is not here is said so in one sentence, with the last that is known of its key', async (t) => {
  const kernel = makeKernel();
  const asked = questions(kernel, start(kernel), [{ ...event(0), kind: 'removed' }]);
  const reply = async (request: Parameters<typeof encodeExplainRequest>[0]) =>
    parseExplainReply(await asked.answer('explain', encodeExplainRequest(request)), HOST);
  t.like(await reply({ v: 1, name: 'narrow' }), {
    error: { code: 'UNKNOWN_REDIRECT', message: 'there is no redirect narrow on this host' },
  });
  const gone = `there is no redirect with the key ${NARROW.key} on this host; the last that happened to it: removed at 1970-01-01T00:00:00.000Z`;
  t.like(await reply({ v: 1, key: NARROW.key }), { error: { message: gone } });
});

const SILENT = { code: 'CONTROLLER_SILENT', since: 9 };

for (const code of ['ADOPTING', 'STORE_DAMAGED', 'STORE_NEWER']) {
  test(`questions: a host whose set is not proven does not say that it has nothing else: ${code}`, async (t) => {
    const kernel = makeKernel();
    const view = start(kernel, [WIDE]);
    converge(view);
    const problems = [{ code: 'HISTORY_LOST', since: 7 }, { code, since: 8 }, SILENT];
    const asked = questions(kernel, view, [], undefined, undefined, problems);
    const dumped = parseDumpReply(await asked.answer('dump', encodeAskRequest({ v: 1 })), HOST);
    t.like(dumped, { problems, items: [{ name: 'wide' }], next: null });
    t.deepEqual((await explained(asked, 'wide')).problems, problems);
    const refused = parseExplainReply(
      await asked.answer('explain', encodeExplainRequest({ v: 1, name: 'narrow' })),
      HOST,
    );
    const message = `whether there is a redirect narrow on this host is not known, and what stands in its kernel is kept (HISTORY_LOST, ${code}, CONTROLLER_SILENT)`;
    t.like(refused, { error: { code, message } });
  });
}

test('questions: a host whose controller is silent says of its set what it did', async (t) => {
  const kernel = makeKernel();
  const asked = questions(kernel, start(kernel), [], undefined, undefined, [SILENT]);
  const dumped = parseDumpReply(await asked.answer('dump', encodeAskRequest({ v: 1 })), HOST);
  t.deepEqual(dumped, { v: 1, host: HOST, items: [], next: null });
  const refused = parseExplainReply(
    await asked.answer('explain', encodeExplainRequest({ v: 1, name: 'narrow' })),
    HOST,
  );
  t.like(refused, { error: { code: 'UNKNOWN_REDIRECT' } });
});

test('events: the newest page first, each page oldest first, until there are none', async (t) => {
  const kernel = makeKernel();
  const asked = questions(
    kernel,
    start(kernel),
    [1, 2, 3, 4, 5].map((at) => event(at)),
  );
  const page = async (after?: string) =>
    parseEventsReply(
      await asked.answer('events', encodeAskRequest({ v: 1, limit: 2, ...(after && { after }) })),
    ) as Events;
  const pages: number[][] = [];
  for (let next: string | null | undefined; next !== null; ) {
    const { items, next: before } = await page(next);
    pages.push(items.map(({ at }) => at));
    next = before;
  }
  t.deepEqual(pages, [[4, 5], [2, 3], [1]]);
});

test('questions: what is not understood is answered, with what is', async (t) => {
  const kernel = makeKernel();
  const asked = questions(kernel, start(kernel));
  const request = encodeAskRequest({ v: 1 });
  t.regex(JSON.stringify(parseDumpReply(await asked.answer('trace', request))), /UNKNOWN_VERB.*explain.*not trace/);
  t.regex(JSON.stringify(parseDumpReply(await asked.answer('explain', request))), /BAD_REQUEST.*either name or key/);
  const misplaced = encodeAskRequest({ v: 1, after: 'v4 x' });
  t.regex(JSON.stringify(parseDumpReply(await asked.answer('events', misplaced))), /BAD_FIELD/);
});

/** As long as they come. */
function longNamed(at: number) {
  return intentOf(at, VIA, { name: `r${at}-`.padEnd(63, 'x') });
}

for (const maxBytes of [4096, 6000, 16_384, 524_288]) {
  test(`dump: in ${maxBytes} bytes it gets to its end, and no page is longer`, async (t) => {
    const kernel = makeKernel();
    const intents = Array.from({ length: 40 }, (_, at) => longNamed(at + 1));
    const view = start(kernel, intents);
    converge(view);
    const asked = questions(kernel, view);
    const keys: string[] = [];
    for (let after: string | null | undefined; after !== null; ) {
      const request = encodeAskRequest({ v: 1, ...(after !== undefined && { after }) });
      const bytes = await asked.answer('dump', request, maxBytes);
      t.true(bytes.length <= maxBytes);
      const page = parseDumpReply(bytes, HOST) as Dump;
      keys.push(...page.items.map(({ key }) => key));
      after = page.next;
    }
    t.deepEqual(keys, intents.map(({ key }) => key).sort());
  });

  test(`events: in ${maxBytes} bytes every one is told, and no page is longer`, async (t) => {
    const kernel = makeKernel();
    const events = Array.from({ length: 90 }, (_, at) => ({ ...event(at + 1), detail: 'é'.repeat(at * 10) }));
    const asked = questions(kernel, start(kernel, []), events);
    const told: Event[] = [];
    for (let after: string | null | undefined; after !== null; ) {
      const request = encodeAskRequest({ v: 1, ...(after !== undefined && { after }), limit: 1000 });
      const bytes = await asked.answer('events', request, maxBytes);
      t.true(bytes.length <= maxBytes);
      const page = parseEventsReply(bytes, HOST) as Events;
      told.unshift(...page.items);
      after = page.next;
    }
    t.deepEqual(told, events);
  });

  test(`explain: in ${maxBytes} bytes the newest events and the most specific overlaps are told`, async (t) => {
    const kernel = makeKernel();
    const wide = Array.from({ length: 20 }, (_, at) =>
      intentOf(1, 'pass', {
        name: `wide-${at}-`.padEnd(63, 'x'),
        of: { dst: `10.0.0.0/${8 + (at % 16)}`, dport: at + 1 },
      }),
    );
    const view = start(kernel, [NARROW, ...wide]);
    converge(view);
    const events = Array.from({ length: 32 }, (_, at) => ({ ...event(at + 1), detail: 'x'.repeat(100 * (at % 10)) }));
    const bytes = await questions(kernel, view, events).answer(
      'explain',
      encodeExplainRequest({ v: 1, name: 'narrow' }),
      maxBytes,
    );
    t.true(bytes.length <= maxBytes);
    const found = parseExplainReply(bytes, HOST) as Explanation;
    t.deepEqual(found.events, events.slice(32 - found.events.length));
    t.true(found.events.length > 0);
    t.is(found.overlaps.length > 0, found.overlapsTotal > 0);
  });
}

test('stats: losses that a small message does not hold are left out, and what died in all is said', async (t) => {
  const kernel = makeKernel();
  const losses = Array.from({ length: 200 }, (_, ifindex) => ({
    ...{ interface: null, ifindex, tracepoint: 'xdp_devmap_xmit', errno: 'ENOBUFS', packets: '1' },
  }));
  const all: Stats = {
    ...{ v: 1, host: HOST, at: 5, packets: '900', redirected: '300', lost: '200', verdicts: {}, losses, unwatched: [] },
  };
  const asked = questions(kernel, start(kernel, []), [], () => all);
  const bytes = await asked.answer('stats', encodeAskRequest({ v: 1 }), 4096);
  t.true(bytes.length <= 4096);
  const told = parseStatsReply(bytes, HOST) as Stats;
  t.is(told.lost, '200');
  t.deepEqual(told.losses, losses.slice(0, told.losses.length));
  t.true(told.losses.length > 10);
  t.deepEqual(parseStatsReply(await asked.answer('stats', encodeAskRequest({ v: 1 })), HOST), all);
});

const STATS: Stats = {
  ...{ v: 1, host: HOST, at: 1_700_000_000_000, packets: '10', redirected: '9', lost: '2', verdicts: { SENT: '9' } },
  losses: [{ interface: 'eth1', ifindex: 3, tracepoint: 'xdp_devmap_xmit', packets: '2' }],
  unwatched: ['xdp_bulk_tx'],
};

async function counted(asked: Questions, keys: readonly string[], maxBytes?: number): Promise<CountsReply> {
  const reply = parseCountsReply(await asked.answer('counts', encodeCountsRequest({ v: 1, keys }), maxBytes), HOST);
  if ('error' in reply) throw new Error(`${reply.error.code} ${reply.error.message}`);
  return reply;
}

test('counts: what some redirects counted, and the host, at one moment', async (t) => {
  const kernel = makeKernel();
  const view = start(kernel, [NARROW, WIDE]);
  converge(view);
  const slot = view.ledger.states.get(NARROW.key)?.slot ?? -1;
  kernel.count(slot, { packets: 2n ** 63n, bytes: 700n, seen: kernel.jiffies - 250n });
  kernel.pass(slot, 'TTL', 3n);
  const asked = questions(kernel, view, [], () => STATS);
  const { items, ...host } = await counted(asked, [NARROW.key, APART.key, WIDE.key, NARROW.key]);
  const { verdicts, losses, lost, unwatched, at } = STATS;
  t.deepEqual(host, {
    ...{ v: 1, host: HOST, boot: 'b1', counterEpoch: 'memory.0', at, monotonicMs: 0, absent: [APART.key] },
    ...{ verdicts, losses, lost, unwatched },
  });
  t.deepEqual(items, [
    {
      ...{ key: NARROW.key, name: 'narrow', rev: 1, state: 'installed', counting: `${slot}.0` },
      ...{ packets: (2n ** 63n).toString(), bytes: '700', seenMsAgo: 1_000, passed: { TTL: '3' } },
    },
    {
      ...{ key: WIDE.key, name: 'wide', rev: 1, state: 'installed', counting: `${1 - slot}.0` },
      ...{ packets: '0', bytes: '0', seenMsAgo: null, passed: {} },
    },
  ]);
});

test('counts: one that counts from zero, or in other maps, is of another counting', async (t) => {
  const kernel = makeKernel({ slots: 1 });
  const view = start(kernel, [NARROW]);
  converge(view);
  const asked = questions(kernel, view, [], () => STATS);
  const countings = async () => (await counted(asked, [NARROW.key])).items.map(({ counting }) => counting);
  t.deepEqual(await countings(), ['0.0']);
  view.ledger.put([{ ...NARROW, rev: 2, to: 'drop' }]);
  converge(view);
  t.deepEqual(await countings(), ['0.0'], 'a change of the redirect counts on');
  view.ledger.remove([NARROW.key]);
  converge(view);
  view.ledger.put([{ ...NARROW, rev: 4 }]);
  converge(view);
  t.deepEqual(await countings(), ['0.1']);
  kernel.openAnew();
  t.is((await counted(asked, [NARROW.key])).counterEpoch, 'memory.1');
});

test('counts: no keys are not all, and no more are taken than an answer names', async (t) => {
  const kernel = makeKernel();
  const asked = questions(kernel, start(kernel, [NARROW]), [], () => STATS);
  const refusal = async (keys: readonly string[]) => {
    const reply = parseCountsReply(await asked.answer('counts', Buffer.from(JSON.stringify({ v: 1, keys }))), HOST);
    return 'error' in reply && `${reply.error.code} ${reply.error.message}`;
  };
  t.is(await refusal([]), 'BAD_FIELD keys: is empty: name the keys whose counts are asked for');
  t.regex(String(await refusal(Array(201).fill(NARROW.key))), /^TOO_MANY keys: /);
});

test('counts: losses give way where not all fits, and nothing else that was asked for', async (t) => {
  const kernel = makeKernel();
  const view = start(kernel, [NARROW]);
  converge(view);
  const losses = Array(100).fill(STATS.losses[0]);
  const asked = questions(kernel, view, [], () => ({ ...STATS, losses }));
  t.is((await counted(asked, [NARROW.key])).losses.length, 100);
  const some = await counted(asked, [NARROW.key], 2_000);
  t.true(some.losses.length > 0 && some.losses.length < 20);
  t.like(some, { items: [{ key: NARROW.key }], lost: '2' });
  await t.throwsAsync(counted(asked, [NARROW.key], 300), { message: /^TOO_LARGE .*ask for fewer keys at once$/ });
});
