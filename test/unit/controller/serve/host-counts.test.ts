import test from 'ava';
import { HostCounts } from '../../../../controller/serve/host-counts.ts';
import type { Count, CountsReply } from '../../../../protocol/counts.ts';

const [A, B] = ['v4 any 192.0.2.1/32:* > 0.0.0.0/0:*', 'v4 any 192.0.2.2/32:* > 0.0.0.0/0:*'];
const KEYS = new Map([
  [A, 5],
  [B, 6],
]);

function count(key: string, more: Partial<Count> = {}): Count {
  const rev = KEYS.get(key) ?? 1;
  return {
    ...{ key, name: 'web', rev, state: 'installed', counting: '3.0', packets: '0', bytes: '0', seenMsAgo: 0 },
    ...{ passed: {}, ...more },
  };
}

function reply(items: readonly Count[], more: Partial<CountsReply> = {}): CountsReply {
  const host = { v: 1, host: 'h', boot: 'b', counterEpoch: 'e', at: 0, monotonicMs: 0 } as const;
  return { ...host, items, absent: [], verdicts: {}, losses: [], lost: '0', unwatched: [], ...more };
}

/** What is known after answers that came a second after one another. */
function after(replies: readonly CountsReply[], keys = KEYS) {
  const counts = new HostCounts(0);
  for (const [at, one] of replies.entries()) counts.take(one, keys, at * 1000);
  return counts.at(replies.length * 1000, keys);
}
const packets = (...totals: readonly number[]) => totals.map((total) => reply([count(A, { packets: String(total) })]));

test('counts: packets before the first answer are nobody knows whose', (t) => {
  t.like(after(packets(100)), { hits: 0, windows: null, answeredMsAgo: 1000 });
  t.is(after(packets(100, 103, 110)).hits, 10);
});

test('counts: packets that met what stood there before do not count', (t) => {
  const old = reply([count(A, { rev: 4, packets: '10' })]);
  t.is(after([old, reply([count(A, { packets: '50' })]), reply([count(A, { packets: '51' })])]).hits, 1);
  t.is(after([old, old, reply([count(A, { rev: 4, packets: '60' })])]).hits, 0);
});

test('counts: what was passed for a reason did not meet it, and is not counted twice when it is read late', (t) => {
  const told = (total: number, passed: number) =>
    reply([count(A, { packets: String(total), passed: { TTL: String(passed) } })]);
  t.is(after([told(0, 0), told(100, 100), told(200, 200)]).hits, 0);
  t.is(after([told(0, 0), told(100, 90), told(200, 195), told(300, 290)]).hits, 10);
});

test('counts: a redirect that counts elsewhere begins anew, and nothing else does', (t) => {
  const moved = reply([count(A, { counting: '4.0', packets: '2' })]);
  const got = after([...packets(0, 30), moved, reply([count(A, { counting: '4.0', packets: '5' })])]);
  t.is(got.hits, 33);
  t.is(got.unusable, undefined);
});

test('counts: what went back is no evidence until the next answer', (t) => {
  const back = after(packets(0, 30, 7));
  t.like(back, { hits: 30, windows: null, unusable: 'counts from the beginning' });
  t.is(after(packets(0, 30, 7, 9)).unusable, undefined);
  t.is(after(packets(0, 30, 7, 9)).hits, 32);
});

test('counts: another boot and another epoch of the counters begin anew', (t) => {
  for (const other of [{ boot: 'c' }, { counterEpoch: 'f' }]) {
    const told = [...packets(0, 30), reply([count(A, { packets: '90' })], other)];
    t.like(after(told), { hits: 30, windows: null, unusable: 'counts from the beginning' });
    const went = after([...told, reply([count(A, { packets: '91' })], other)]);
    t.like(went, { hits: 31, unusable: undefined, windows: { whole: { spanMs: 1000 } } });
  }
});

test('counts: verdicts and losses are of the host, between the first answer and the last', (t) => {
  const told = (sent: number, back: number, dropped: number, passed: number, lost: number) => {
    const verdicts = { SENT: `${sent}`, SENT_BACK: `${back}`, DROPPED: `${dropped}`, NO_MATCH: `${passed}` };
    return reply([count(A)], { verdicts, lost: `${lost}` });
  };
  const { windows } = after([told(1, 1, 1, 1, 0), told(5, 5, 5, 5, 1), told(11, 11, 8, 21, 2)]);
  t.deepEqual(windows?.whole, { spanMs: 2000, packets: 47, redirected: 20, dropped: 7, lost: 2 });
  t.like(after([told(9, 9, 9, 9, 9), told(9, 9, 9, 9, 8)]), { windows: null, unusable: 'counts from the beginning' });
});

test('counts: what is not watched is not known', (t) => {
  const blind = reply([count(A)], { unwatched: ['xdp_exception'] });
  t.is(after([blind, blind]).windows?.whole.lost, null);
  t.is(after([blind, reply([count(A)])]).windows?.whole.lost, null);
});

test('counts: the last minutes are five, and all is all, in bounded memory', (t) => {
  const counts = new HostCounts(0);
  for (let second = 0; second <= 3600; second += 5)
    counts.take(reply([count(A)], { verdicts: { SENT: String(second) } }), KEYS, second * 1000);
  const { windows } = counts.at(3_600_000, KEYS);
  t.is(windows?.whole.redirected, 3600);
  t.true(
    (windows?.recent.spanMs ?? 0) >= 300_000 && (windows?.recent.spanMs ?? 0) < 360_000,
    `${windows?.recent.spanMs}`,
  );
});

test('counts: how many do not stand is known once each was told of', (t) => {
  const blocked = count(B, { state: 'blocked' });
  t.is(after([reply([count(A)])]).undone, null);
  t.is(after([reply([count(A)]), reply([blocked])]).undone, 1);
  t.is(after([reply([count(A), blocked]), reply([count(B)])]).undone, 0);
  t.is(after([reply([count(A)], { absent: [B] })]).undone, 0);
});

test('counts: one that cannot tell answered all the same', (t) => {
  const counts = new HostCounts(0);
  counts.answered('has an agent that does not tell counts', 5000);
  t.like(counts.at(6000, KEYS), {
    answeredMsAgo: 1000,
    unusable: 'has an agent that does not tell counts',
    windows: null,
  });
});
