import test from 'ava';
import { KernelError } from '../../../../agent/model/kernel-error.ts';
import { StoreError } from '../../../../agent/model/store-error.ts';
import { EMPTY_DIGEST } from '../../../../protocol/digest.ts';
import type { Change } from '../../../../protocol/intent.ts';
import { digestOf } from '../follow/samples.ts';
import { Bench, del, put } from './bench.ts';
import { DIRECT, intentOf, stands } from './world.ts';

test('reconciler: memory may grow before and during bulk, is given back once after it, and not after a single change', async (t) => {
  await using bench = new Bench();
  await bench.start();
  await bench.reconciler.settle();
  t.is(bench.grown, 0);
  await bench.accept(
    10_000,
    Array.from({ length: 10_000 }, (_, n) => put(n + 1, n + 1)),
  );
  t.is(bench.grown, 1);
  await bench.reconciler.settle();
  t.is(bench.trims, 1);
  const grown = bench.grown;
  await bench.accept(10_001, [put(1, 10_001)]);
  await bench.reconciler.settle();
  t.deepEqual([bench.trims, bench.grown], [1, grown]);
});

test('reconciler: what stands of a large set is not taken for foreign while a part of the set is not known, nor said to be applied', async (t) => {
  const puts = Array.from({ length: 3_000 }, (_, n) => put(n + 1, n + 1));
  await using before = new Bench({ slots: 4_096 });
  await before.start();
  await before.accept(3_000, puts);
  await before.reconciler.settle();
  await using bench = new Bench({ slots: 4_096 });
  bench.kernel.apply(before.kernel.asked);
  bench.kernel.asked = [];
  await bench.start();
  const accepting = bench.accept(3_000, puts, 'empty');
  await Promise.resolve().then(() => bench.reconciler.settle());
  await accepting;
  await bench.reconciler.settle();
  t.deepEqual(bench.revs(), [3_000, 3_000, 3_000]);
  t.is(bench.kernel.asked.filter(({ op }) => op === 'delete').length, 0);
  t.is(bench.reconciler.progress().states.size, 3_000);
});

test('reconciler: a start on a kernel without a mark leaves one, so that a store which is set back after it is found out', async (t) => {
  await using bench = new Bench();
  await bench.start();
  await bench.accept(2, [put(1, 1), put(2, 2)]);
  await bench.reconciler.settle();
  bench.kernel.setMark({ epoch: '', rev: 0, seq: 0 });
  await bench.start();
  await bench.reconciler.settle();
  t.deepEqual(bench.kernel.mark(), { epoch: 'e1', rev: 2, seq: 1 });
});

test('reconciler: what is stored is installed at start, told, remembered and then said to be applied', async (t) => {
  await using bench = new Bench();
  await bench.start();
  await bench.reconciler.settle();
  t.true(bench.kernel.ready);
  await bench.accept(2, [put(1, 1), put(2, 2)]);
  t.deepEqual(bench.revs(), [2, 0, 0]);
  await bench.reconciler.settle();
  t.deepEqual(bench.revs(), [2, 2, 2]);
  t.deepEqual(bench.told(), ['applied 10.0.0.1/32:53', 'applied 10.0.0.2/32:53']);
  t.deepEqual(
    [...bench.store.rows.values()].map(({ key, state, rev }) => [key, state, rev]),
    [1, 2].map((n) => [intentOf(n).key, 'installed', n]),
  );
  t.deepEqual(bench.kernel.mark(), { epoch: 'e1', rev: 2, seq: 1 });
  await bench.start();
  t.deepEqual(bench.revs(), [2, 0, 0]);
  bench.kernel.asked = [];
  await bench.reconciler.settle();
  t.deepEqual(bench.kernel.asked, []);
  t.deepEqual(bench.revs(), [2, 2, 2]);
  t.deepEqual(bench.told(), []);
});

test('reconciler: applied is never ahead of what a pass has seen, also when revisions start again lower', async (t) => {
  await using bench = new Bench();
  await bench.start();
  await bench.accept(50, [put(1, 50)]);
  await bench.reconciler.settle();
  t.deepEqual(bench.revs(), [50, 50, 50]);
  await bench.accept(30, [put(1, 20, 'pass'), put(2, 30)], 'empty');
  const [stored, applied = 0, verified = 0] = bench.revs();
  t.is(stored, 30);
  t.true(applied < 30 && verified < 30);
  await bench.reconciler.settle();
  t.deepEqual(bench.revs(), [30, 30, 30]);
});

test('reconciler: an entry that somebody removed before us is counted', async (t) => {
  await using bench = new Bench();
  await bench.start();
  await bench.accept(2, [put(1, 1), put(2, 2)]);
  await bench.reconciler.settle();
  bench.kernel.uproot(intentOf(1).key);
  await bench.accept(3, [del(1, 3)]);
  await bench.reconciler.settle();
  t.is(bench.reconciler.progress().deleteAbsent, 1n);
  t.deepEqual(bench.told().slice(2), ['removed 10.0.0.1/32:53']);
  t.deepEqual([...bench.store.rows.keys()], [intentOf(2).key]);
});

test('reconciler: a delete that is sent again is no second removal', async (t) => {
  await using bench = new Bench();
  await bench.start();
  await bench.accept(1, [put(1, 1)]);
  await bench.accept(2, [del(1, 2)]);
  await bench.reconciler.settle();
  bench.told();
  bench.reconciler.again([intentOf(1).key]);
  await bench.reconciler.settle();
  t.deepEqual(bench.told(), []);
  t.is(bench.reconciler.progress().deleteAbsent, 0n);
});

test('reconciler: drift is repaired and told by key, of foreign entries too', async (t) => {
  await using bench = new Bench();
  await bench.start();
  const inside: Change = { op: 'put', ...intentOf(3, 'drop', { rev: 3, of: { in: 'eth0' } }) };
  await bench.accept(3, [put(1, 1), put(2, 2), inside]);
  await bench.reconciler.settle();
  bench.told();
  bench.kernel.uproot(intentOf(1).key);
  bench.kernel.uproot(`${intentOf(3).key} zone 1`);
  bench.kernel.plant({ match: intentOf(2).match, zone: 0 }, { action: 'pass', slot: 1 });
  bench.kernel.plant({ match: intentOf(9).match, zone: 0 });
  await bench.clock.pass(60_000);
  t.deepEqual(bench.told().sort(), [
    ...['drift 10.0.0.1/32:53', 'drift 10.0.0.2/32:53', 'drift 10.0.0.3/32:53 in eth0', 'drift 10.0.0.9/32:53'],
  ]);
  t.deepEqual([...bench.kernel.peek().entries.keys()].sort(), [
    ...[intentOf(1).key, intentOf(2).key, `${intentOf(3).key} zone 1`],
  ]);
  t.is(stands(bench.kernel, intentOf(2).key)?.value.action, 'drop');
});

test('reconciler: what somebody else changed beside the entries is put right, told in words, and counted', async (t) => {
  await using bench = new Bench();
  await bench.start();
  await bench.accept(1, [put(1, 1, DIRECT)]);
  await bench.reconciler.settle();
  bench.told();
  const { kernel } = bench;
  const mark = kernel.mark();
  kernel.plug(3, 2);
  kernel.setShapes(4, undefined);
  kernel.plantStrays(6, 7);
  kernel.setMark({ epoch: 'e9', rev: 9, seq: 9 });
  kernel.ready = false;
  kernel.asked = [];
  await bench.clock.pass(60_000);
  t.deepEqual(
    bench.published.map(({ kind, key, detail }) => [kind, key, detail]),
    [
      ['drift', undefined, 'ports: 3 (eth1) led to 2 (eth0)'],
      ['drift', undefined, 'shapes4'],
      ['drift', undefined, 'redirect6: 7 entries with keys that no redirect has'],
      ['drift', undefined, 'control: the mark'],
      ['drift', undefined, 'control: ready'],
    ],
  );
  t.is(bench.reconciler.progress().drifted, 11n);
  t.deepEqual([kernel.mark(), kernel.ready, kernel.strays(6)], [mark, true, 0]);
  t.deepEqual([...kernel.network().ports], [[3, 3]]);
  t.is(kernel.peek().shapes[4]?.length, 1);
  t.deepEqual(
    kernel.asked.map(({ op }) => op),
    ['port', 'shapes'],
  );
  await bench.clock.pass(60_000);
  t.is(bench.reconciler.progress().drifted, 11n);
});

test('reconciler: a key that is sent again is looked at in the kernel first', async (t) => {
  await using bench = new Bench();
  await bench.start();
  await bench.accept(1, [put(1, 1)]);
  await bench.reconciler.settle();
  bench.told();
  bench.kernel.uproot(intentOf(1).key);
  bench.reconciler.again([intentOf(1).key]);
  await bench.reconciler.settle();
  t.truthy(stands(bench.kernel, intentOf(1).key));
  t.deepEqual(bench.told(), ['drift 10.0.0.1/32:53']);
});

test('reconciler: while it is holding it touches nothing, and a whole set ends that', async (t) => {
  await using bench = new Bench();
  bench.kernel.plant({ match: intentOf(1).match, zone: 0 }, { slot: 3, rev: 1 });
  bench.kernel.plant({ match: intentOf(9).match, zone: 0 }, { slot: 4 });
  await bench.store.accept({
    ...{ base: 'stored', changes: [put(2, 2)], cursor: { epoch: 'e1', rev: 2 } },
    digest: digestOf([intentOf(2, 'drop', { rev: 2 })]),
  });
  const before = bench.kernel.peek();
  const at = { epoch: 'e1', rev: 2 };
  await bench.start({ is: 'unproven', at, digest: '', have: { ...at, rev: 5 }, why: 'ADOPTING' });
  bench.reconciler.again([intentOf(2).key]);
  bench.kernel.notify();
  await bench.reconciler.settle();
  t.deepEqual(bench.kernel.asked, []);
  t.deepEqual(bench.kernel.peek(), before);
  t.deepEqual([bench.revs(), bench.kernel.ready, bench.store.saves], [[2, 0, 0], false, 0]);
  await bench.accept(5, [put(1, 1), put(2, 2)], 'empty');
  await bench.reconciler.settle();
  t.deepEqual([...bench.kernel.peek().entries.keys()].sort(), [intentOf(1).key, intentOf(2).key]);
  t.is(stands(bench.kernel, intentOf(1).key)?.value.slot, 3);
  t.deepEqual([bench.revs(), bench.kernel.ready], [[5, 5, 5], true]);
});

test('reconciler: beside a store of a newer agent it leaves entries and counts as they are, however long', async (t) => {
  await using bench = new Bench();
  const unread = intentOf(1);
  bench.kernel.plant({ match: unread.match, zone: 0 }, { slot: 3, rev: 1 });
  bench.kernel.count(5, { packets: 7n, bytes: 9n, seen: 1n }); // of a key that is idle, say
  bench.store.writeAsNewer({ ...unread, body: '{"of":"tomorrow"}' });
  const before = bench.kernel.peek();
  await bench.start();
  bench.reconciler.again([unread.key]);
  bench.kernel.notify();
  await bench.clock.pass(200_000);
  t.deepEqual(bench.kernel.peek(), before);
  t.deepEqual(bench.kernel.counters([5]), [{ packets: 7n, bytes: 9n, seen: 1n }]);
  t.deepEqual([bench.kernel.ready, bench.store.saves, bench.published], [false, 0, []]);
});

test('reconciler: with the first set of a new store what is foreign goes, not only at the next drift check', async (t) => {
  await using bench = new Bench();
  bench.kernel.plant({ match: intentOf(9).match, zone: 0 }, { slot: 4 });
  await bench.start();
  await bench.reconciler.settle();
  t.deepEqual([...bench.kernel.peek().entries.keys()], [intentOf(9).key]);
  await bench.accept(1, [put(1, 1)]);
  await bench.reconciler.settle();
  t.deepEqual([...bench.kernel.peek().entries.keys()], [intentOf(1).key]);
});

test('reconciler: a whole set ends what a damaged store had hidden, or made up', async (t) => {
  await using bench = new Bench();
  await bench.start();
  await bench.accept(3, [put(1, 1), put(2, 2), put(3, 3)]);
  await bench.reconciler.settle();
  // One row is lost on the disk, another one is wrong: what the reconciler holds is not what the store says.
  const rest = [...bench.store.set].filter(([key]) => key !== intentOf(1).key);
  bench.store.set = new Map(rest);
  await bench.accept(4, [put(2, 2), put(4, 4)], 'empty');
  await bench.reconciler.settle();
  t.deepEqual([...bench.kernel.peek().entries.keys()].sort(), [intentOf(2).key, intentOf(4).key]);
  t.is(bench.reconciler.progress().desired.size, 2);
});

test('reconciler: what another log says with revisions of old is not applied before it was looked at', async (t) => {
  await using bench = new Bench();
  await bench.start();
  await bench.accept(9, [put(1, 3), put(2, 9)]);
  await bench.reconciler.settle();
  t.is(bench.reconciler.progress().applied, 9);
  await bench.accept(10, [put(1, 3), put(2, 5)], 'empty');
  t.is(bench.reconciler.progress().applied, 4);
  await bench.reconciler.settle();
  t.is(bench.reconciler.progress().applied, 10);
});

test('reconciler: outcomes that a full disk did not take go with the next pass', async (t) => {
  await using bench = new Bench();
  await bench.start();
  await bench.reconciler.settle();
  await bench.accept(1, [put(1, 1)]);
  bench.store.failures.push(new StoreError('FULL', '/x', 'disk full'));
  await bench.reconciler.settle();
  t.deepEqual([bench.store.rows.size, bench.fatal], [0, []]);
  t.not(stands(bench.kernel, intentOf(1).key), undefined);
  await bench.accept(2, [put(2, 2)]);
  await bench.reconciler.settle();
  t.deepEqual([...bench.store.rows.keys()], [intentOf(1).key, intentOf(2).key]);
});

test('reconciler: a newer outcome replaces one that waits to be stored', async (t) => {
  await using bench = new Bench();
  await bench.start();
  await bench.reconciler.settle();
  await bench.accept(1, [put(1, 1)]);
  bench.store.failures.push(new StoreError('BUSY', '/x', 'locked'));
  await bench.reconciler.settle();
  await bench.accept(2, [del(1, 2)]);
  await bench.reconciler.settle();
  t.deepEqual([...bench.store.rows], []);
});

test('reconciler: a pass that changes nothing stores nothing', async (t) => {
  await using bench = new Bench();
  await bench.start();
  await bench.accept(1, [put(1, 1)]);
  await bench.reconciler.settle();
  const { saves } = bench.store;
  bench.reconciler.again([intentOf(1).key]);
  await bench.reconciler.settle();
  t.is(bench.store.saves, saves);
});

test('reconciler: a store that is lost ends it, once, and nothing more is claimed', async (t) => {
  await using bench = new Bench();
  await bench.start();
  await bench.reconciler.settle();
  const lost = new StoreError('IO', '/x', 'read error');
  await bench.accept(1, [put(1, 1)]);
  bench.store.failures.push(lost);
  await bench.reconciler.settle();
  bench.kernel.notify();
  bench.reconciler.again([intentOf(1).key]);
  await bench.running;
  t.deepEqual(bench.fatal, [lost]);
  t.deepEqual(bench.revs(), [1, 0, 0]);
});

const NOTHING = { at: { epoch: 'e1', rev: 0 }, digest: EMPTY_DIGEST };

for (const footing of [
  { is: 'follows', ...NOTHING },
  { is: 'unproven', why: 'ADOPTING', have: { epoch: 'e1', rev: 3 }, ...NOTHING },
] as const) {
  test(`reconciler: a store that is gone ends it within seconds, also while nothing is to be stored: ${footing.is}`, async (t) => {
    await using bench = new Bench();
    await bench.start(footing);
    await bench.reconciler.settle();
    bench.store.gone = new StoreError('REPLACED', '/x', 'was removed');
    await bench.clock.pass(5_000);
    await bench.running;
    t.deepEqual(bench.fatal, [bench.store.gone]);
  });
}

test('reconciler: a kernel that is lost ends it, once, and nothing more is claimed', async (t) => {
  await using bench = new Bench();
  await bench.start();
  await bench.reconciler.settle();
  bench.kernel.opsToLive = 0;
  await bench.accept(1, [put(1, 1)]);
  await bench.reconciler.settle();
  bench.kernel.opsToLive = 100;
  bench.reconciler.again([]);
  bench.kernel.notify();
  await bench.running;
  t.is(bench.fatal.length, 1);
  t.deepEqual(bench.revs(), [1, 0, 0]);
  t.is(bench.kernel.peek().entries.size, 0);
});

test('reconciler: a notice of the network moves what it concerns', async (t) => {
  await using bench = new Bench();
  await bench.start();
  await bench.accept(1, [put(1, 1, { interface: 'eth1', mac: '02:00:00:00:02:02' })]);
  await bench.reconciler.settle();
  bench.told();
  bench.kernel.netdev('eth1', { up: false });
  bench.kernel.notify();
  await bench.reconciler.settle();
  t.deepEqual(bench.told(), ['blocked 10.0.0.1/32:53 NO_INTERFACE']);
  bench.kernel.netdev('eth1', { up: true, takesRedirects: false });
  bench.kernel.notify();
  await bench.reconciler.settle();
  t.deepEqual(bench.told(), ['blocked 10.0.0.1/32:53 NO_XDP_PATH']);
  bench.kernel.netdev('eth1', { takesRedirects: true });
  bench.kernel.notify();
  await bench.reconciler.settle();
  t.deepEqual(bench.told(), ['applied 10.0.0.1/32:53']);
});

test('reconciler: once closed it does nothing more', async (t) => {
  await using bench = new Bench();
  await bench.start();
  await bench.reconciler.settle();
  await bench.end();
  bench.kernel.asked = [];
  bench.reconciler.again([intentOf(1).key]);
  bench.kernel.notify();
  await bench.reconciler.settle();
  t.deepEqual(bench.kernel.asked, []);
});

test('reconciler: a change is in the kernel before its clock is read and losses are looked at, which are told of what had sent there', async (t) => {
  await using bench = new Bench();
  await bench.start();
  await bench.accept(1, [put(1, 1, DIRECT)]);
  await bench.reconciler.settle();
  bench.kernel.asked = [];
  const { counts, clock } = bench.kernel;
  const [losses, now] = [counts.losses.bind(counts), clock.now.bind(clock)];
  const early: string[] = [];
  const looked: string[] = [];
  const tell = <T>(what: string, answer: T): T => {
    (bench.kernel.asked.length === 0 ? early : looked).push(what);
    return answer;
  };
  Object.assign(counts, { losses: () => tell('losses', losses()) });
  Object.assign(clock, { now: () => tell('clock', now()) });
  bench.kernel.lose(3, 2n, 'EOPNOTSUPP');
  await bench.accept(2, [put(1, 2, 'pass')]);
  await bench.reconciler.settle();
  t.deepEqual(early, []);
  t.true(looked.includes('clock') && looked.includes('losses'));
  t.is(bench.reconciler.progress().undelivered?.[0]?.intents[0]?.name, 'r1');
});

test('reconciler: what was lost just before its redirect was blocked is said to be of that redirect', async (t) => {
  await using bench = new Bench();
  await bench.start();
  await bench.accept(1, [put(1, 1, DIRECT)]);
  await bench.reconciler.settle();
  bench.kernel.netdev('eth1', { takesRedirects: false });
  bench.kernel.notify();
  await bench.reconciler.settle();
  bench.kernel.lose(3, 2n, 'EOPNOTSUPP');
  await bench.reconciler.settle();
  const [lost] = bench.reconciler.progress().undelivered ?? [];
  t.is(bench.store.rows.get(intentOf(1).key)?.code, 'NO_XDP_PATH');
  t.is(lost?.intents[0]?.name, 'r1');
  t.deepEqual(bench.told().at(-1), 'undelivered 10.0.0.1/32:53 UNDELIVERED');
  bench.kernel.lose(3, 2n);
  await bench.reconciler.settle();
  t.deepEqual(bench.reconciler.progress().undelivered?.at(-1)?.intents, [], 'later ones are not');
});

test('reconciler: a redirect whose packets die stays installed, is told of once, and is listed', async (t) => {
  await using bench = new Bench();
  await bench.start();
  await bench.accept(2, [put(1, 1, DIRECT), put(2, 2)]);
  await bench.reconciler.settle();
  bench.told();
  const { changes } = bench;
  for (const packets of [5n, 7n]) {
    bench.kernel.lose(3, packets, 'ENXIO');
    await bench.reconciler.settle();
  }
  t.deepEqual(bench.told(), ['undelivered 10.0.0.1/32:53 UNDELIVERED']);
  t.is(bench.changes, changes + 1);
  const [lost, ...others] = bench.reconciler.progress().undelivered ?? [];
  t.like(lost, { interface: 'eth1', errno: 'ENXIO', packets: 12n });
  t.deepEqual(
    lost?.intents.map(({ name }) => name),
    ['r1'],
  );
  t.deepEqual(others, []);
  t.is(bench.store.rows.get(intentOf(1).key)?.state, 'installed');
});

test('reconciler: a redirect whose packets are passed stays installed, is told of once, and ends with its slot', async (t) => {
  await using bench = new Bench();
  await bench.start();
  await bench.accept(1, [put(1, 1, DIRECT)]);
  await bench.reconciler.settle();
  bench.told();
  const { changes } = bench;
  const slot = bench.store.rows.get(intentOf(1).key)?.slot ?? -1;
  for (const packets of [5n, 7n]) {
    bench.kernel.pass(slot, 'TOO_BIG', packets);
    await bench.clock.pass(1_000);
    await bench.reconciler.settle();
  }
  t.deepEqual(bench.told(), ['undelivered 10.0.0.1/32:53 HITS_PASSED']);
  t.is(bench.changes, changes + 1);
  const [passed, ...others] = bench.reconciler.progress().passed ?? [];
  t.like(passed, { reason: 'TOO_BIG', packets: 12n });
  t.is(passed?.intent.name, 'r1');
  t.deepEqual(others, []);
  t.is(bench.store.rows.get(intentOf(1).key)?.state, 'installed');

  await bench.accept(2, [{ op: 'delete', key: intentOf(1).key, rev: 2 }, put(3, 2, DIRECT)]);
  await bench.reconciler.settle();
  const next = bench.store.rows.get(intentOf(3).key)?.slot;
  await bench.accept(3, [put(4, 3, DIRECT)]);
  await bench.reconciler.settle();
  t.true([next, bench.store.rows.get(intentOf(4).key)?.slot].includes(slot), 'somebody else has the slot');
  await bench.clock.pass(1_000);
  await bench.reconciler.settle();
  t.deepEqual(bench.reconciler.progress().passed, []);
  t.deepEqual(
    [...(bench.kernel.passed() ?? [])].flatMap(([, bySlot]) => [...bySlot].filter((it) => it > 0n)),
    [],
  );
});

test('reconciler: an interface that lost the program is told within a second, and its redirects come back with it', async (t) => {
  await using bench = new Bench();
  await bench.start();
  await bench.accept(1, [put(1, 1)]);
  await bench.reconciler.settle();
  bench.told();
  bench.kernel.netdev('eth0', { attached: 'none' });
  await bench.clock.pass(1_000);
  t.deepEqual(bench.told(), ['blocked undefined NOT_ATTACHED', 'blocked 10.0.0.1/32:53 NOT_ATTACHED']);
  t.like(bench.reconciler.progress(), { ingresses: [{ name: 'eth0', lost: 'its program is gone' }] });
  const [problem] = bench.reconciler.view.mapProblems;
  t.like(problem, { code: 'NOT_ATTACHED', detail: 'eth0: its program is gone' });
  bench.kernel.netdev('eth0', { attached: 'native' });
  await bench.clock.pass(1_000);
  t.deepEqual(bench.told(), ['applied undefined', 'applied 10.0.0.1/32:53']);
  t.is(bench.reconciler.progress().unattachedSinceMs, undefined);
  t.deepEqual(bench.reconciler.view.mapProblems, []);
});

test('reconciler: an interface that lost the program is told by an agent that may touch nothing, too', async (t) => {
  await using bench = new Bench();
  await bench.start({
    ...{ is: 'unproven', at: { epoch: '', rev: 0 }, digest: '', have: { epoch: '', rev: 0 } },
    why: 'STORE_DAMAGED',
  });
  await bench.reconciler.settle();
  bench.kernel.removeNetdev('eth0');
  await bench.clock.pass(1_000);
  t.deepEqual(bench.told(), ['blocked undefined NOT_ATTACHED']);
});

test('reconciler: what no packet met when pins were lost, and meets none of other ones, is stored so', async (t) => {
  await using bench = new Bench();
  await bench.start();
  await bench.accept(1, [put(1, 1)]);
  bench.kernel.netdev('eth0', { attached: 'none' });
  await bench.clock.pass(1_000);
  bench.kernel.pinsLost = true;
  await bench.accept(2, [put(1, 2)]);
  await bench.clock.pass(1_000);
  bench.kernel.pinsLost = false;
  await bench.clock.pass(10_000);
  const { key } = intentOf(1);
  t.is(bench.reconciler.progress().applied, 2);
  t.like(bench.reconciler.view.states.get(key), { rev: 2, code: 'NOT_ATTACHED' });
  t.like(bench.store.rows.get(key), { rev: 2, code: 'NOT_ATTACHED' });
});

test('reconciler: pins that are lost are waited for, and other ones are filled with what is desired by then', async (t) => {
  await using bench = new Bench();
  await bench.start();
  await bench.accept(2, [put(1, 1), put(2, 2)]);
  await bench.reconciler.settle();
  bench.told();
  bench.kernel.pinsLost = true;
  await bench.clock.pass(1_000);
  t.deepEqual(bench.told(), ['blocked undefined NOT_ATTACHED']);
  const { states, unattachedSinceMs } = bench.reconciler.progress();
  t.deepEqual(
    [...states.values()].map(({ state, code }) => `${state} ${code}`),
    ['blocked NOT_ATTACHED', 'blocked NOT_ATTACHED'],
  );
  await bench.accept(3, [put(3, 3), del(1, 3)]);
  await bench.clock.pass(10_000);
  t.deepEqual(bench.revs(), [3, 2, 2]);
  t.is(bench.reconciler.progress().unattachedSinceMs, unattachedSinceMs);
  t.is(bench.reconciler.view.states.get(intentOf(3).key)?.code, 'NOT_ATTACHED');
  for (const id of bench.kernel.peek().entries.keys()) bench.kernel.uproot(id);
  bench.kernel.setMark({ epoch: '', rev: 0, seq: 0 });
  bench.kernel.pinsLost = false;
  await bench.clock.pass(1_000);
  t.deepEqual(bench.revs(), [3, 3, 3]);
  t.deepEqual(bench.told().sort(), [
    ...['applied 10.0.0.2/32:53', 'applied 10.0.0.3/32:53', 'applied undefined', 'removed 10.0.0.1/32:53'],
  ]);
  t.deepEqual([...bench.kernel.peek().entries.keys()].sort(), [intentOf(2).key, intentOf(3).key]);
  t.deepEqual(bench.kernel.mark(), { epoch: 'e1', rev: 3, seq: 2 });
  t.deepEqual([...bench.reconciler.view.states.keys()].sort(), [intentOf(2).key, intentOf(3).key]);
});

test('reconciler: maps that take the place of others are filled without a word, and nothing is applied before packets meet them', async (t) => {
  await using bench = new Bench();
  await bench.start();
  await bench.accept(2, [put(1, 1), put(2, 2)]);
  await bench.reconciler.settle();
  bench.told();
  bench.kernel.remake();
  bench.kernel.openAnew();
  bench.kernel.coming = true;
  bench.followed.push('other');
  await bench.clock.pass(1_000);
  t.deepEqual([...bench.kernel.peek().entries.keys()].sort(), [intentOf(1).key, intentOf(2).key]);
  t.true(bench.kernel.isReady());
  t.deepEqual(bench.kernel.mark(), { epoch: 'e1', rev: 2, seq: 1 });
  await bench.accept(3, [put(3, 3)]);
  await bench.clock.pass(10_000);
  t.deepEqual(bench.revs(), [3, 2, 2]);
  t.is(bench.reconciler.progress().unattachedSinceMs, undefined);
  bench.kernel.coming = false;
  bench.followed.push('arrived');
  await bench.clock.pass(1_000);
  t.deepEqual(bench.revs(), [3, 3, 3]);
  t.deepEqual(bench.told(), ['applied 10.0.0.3/32:53']);
});

test('reconciler: maps that come and cannot be had are said, and those that stand are worked on', async (t) => {
  await using bench = new Bench();
  await bench.start();
  await bench.accept(1, [put(1, 1)]);
  await bench.reconciler.settle();
  bench.reopen = () => {
    throw new KernelError('open map', 'next/redirect4', 'ENOENT', 'it went');
  };
  bench.followed.push('other');
  await bench.clock.pass(1_000);
  await bench.accept(2, [put(2, 2)]);
  await bench.reconciler.settle();
  t.deepEqual(bench.revs(), [2, 2, 2]);
  t.true(bench.lines.some((line) => line.startsWith('maps that are to take the place of these cannot be had yet')));
});
