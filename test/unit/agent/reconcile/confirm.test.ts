import test from 'ava';
import { StoreError } from '../../../../agent/model/store-error.ts';
import type { ObservedEntry } from '../../../../agent/ports.ts';
import { summarise } from '../../../../agent/reconcile/summarise.ts';
import type { Change, Intent } from '../../../../protocol/intent.ts';
import type { Status } from '../../../../protocol/status.ts';
import { Bench, del, put } from './bench.ts';
import { intentOf, NEXT_HOP, NEXT_MAC, stands, TAKEN, TOLD, VIA, WHO } from './world.ts';

const WITHIN_MS = 60_000;
const KEY = intentOf(1).key;
const wanting = (change: Change, withinMs = WITHIN_MS): Change => ({ ...change, confirm: { withinMs } });

function entryOf(bench: Bench, n = 1): ObservedEntry['value'] | undefined {
  return stands(bench.kernel, intentOf(n).key)?.value;
}

/** What packets of the n-th redirect meet now: an action, or `pass` where the kernel has ended it. */
function does(bench: Bench, n = 1): string | undefined {
  return bench.kernel.acts(intentOf(n).key) ? entryOf(bench, n)?.action : undefined;
}

function statusOf(bench: Bench): Status {
  return summarise(WHO, bench.reconciler.progress(), TAKEN, TOLD);
}

function exceptionsOf(bench: Bench): string[] {
  return statusOf(bench).exceptions.map(({ name, rev, state, code }) => `${name} ${rev} ${state} ${code}`);
}

/** A redirect that drops stands since revision 1, and one that passes is to take its place, if it is confirmed. */
async function changed(options: { within?: number } = {}): Promise<Bench> {
  const bench = new Bench();
  await bench.start();
  await bench.accept(1, [put(1, 1)]);
  await bench.reconciler.settle();
  await bench.accept(2, [wanting(put(1, 2, 'pass'), options.within)]);
  await bench.reconciler.settle();
  bench.told();
  return bench;
}

/** As `kill -9` does. */
async function restart(bench: Bench): Promise<void> {
  await bench.start();
  await bench.reconciler.settle();
}

/** Another boot: its clock begins at 0, and its kernel is empty. */
async function reboot(bench: Bench): Promise<void> {
  await bench.end();
  bench.boot = `${bench.boot}'`;
  bench.bootedMs = bench.clock.monotonicMs();
  for (const id of [...bench.kernel.peek().entries].map(([id]) => id)) bench.kernel.uproot(id);
  await restart(bench);
}

test('confirm: it stands, its time runs, the kernel knows it, and status says so', async (t) => {
  await using bench = await changed();
  t.is(does(bench), 'pass');
  t.true((entryOf(bench)?.until ?? 0n) > 0n);
  const { unconfirmed, unconfirmedTotal, unarmed, applied } = statusOf(bench);
  t.deepEqual(unconfirmed, [{ name: 'r1', key: KEY, rev: 2, leftMs: WITHIN_MS }]);
  t.deepEqual([unconfirmedTotal, unarmed, applied], [1, undefined, 2]);
  t.true(bench.reconciler.awaits);
});

for (const [when, ms, stays] of [
  ['1 ms before', WITHIN_MS - 1, true],
  ['at', WITHIN_MS, false],
  ['1 ms after', WITHIN_MS + 1, false],
] as const) {
  test(`confirm: a mark that is stored ${when} its deadline ${stays ? 'lets it stand' : 'comes too late'}`, async (t) => {
    await using bench = await changed();
    await bench.clock.pass(ms);
    await bench.reconciler.marked({ confirmed: 2 });
    await bench.reconciler.settle();
    t.is(does(bench), stays ? 'pass' : 'drop');
    t.deepEqual(exceptionsOf(bench), stays ? [] : ['r1 2 denied REVERTED']);
    await bench.clock.pass(2 * WITHIN_MS);
    await bench.reconciler.marked({ confirmed: 2 });
    await bench.reconciler.settle();
    t.is(does(bench), stays ? 'pass' : 'drop', 'twice');
    t.is(entryOf(bench)?.until, 0n);
    t.false(bench.reconciler.awaits);
    t.is(statusOf(bench).confirmed, 2);
  });
}

test('confirm: what is taken back while very many changes are laid does not come to stand with them', async (t) => {
  await using bench = await changed();
  const { clock, store } = bench;
  const laying = Promise.withResolvers<void>();
  const [move, turn] = [store.move.bind(store), clock.turn];
  store.move = async (...asked) => {
    await laying.promise;
    return await move(...asked);
  };
  await clock.pass(WITHIN_MS); // the store is asked, and is about something else
  const others = Array.from({ length: 1_500 }, (_, n) => put(n + 2, 3));
  const first = async (): Promise<void> => {
    laying.resolve();
    await turn();
  };
  Object.assign(clock, { turn: first });
  await bench.accept(3, [...others, wanting(put(1, 2, 'pass'))], 'empty');
  await bench.reconciler.settle();
  t.is(does(bench), 'drop');
  t.is(bench.reconciler.progress().desired.size, 1_501);
});

test('confirm: what nobody confirms is taken back, told, and quarantined until a newer one of the key', async (t) => {
  await using bench = await changed();
  await bench.clock.pass(WITHIN_MS);
  t.is(does(bench), 'drop');
  t.deepEqual(bench.told(), ['reverted 10.0.0.1/32:53 REVERTED', 'applied 10.0.0.1/32:53']);
  t.deepEqual(exceptionsOf(bench), ['r1 2 denied REVERTED']);
  t.like(statusOf(bench), { counts: { desired: 1, installed: 0, denied: 1 }, applied: 2, verified: 2 });
  t.deepEqual(bench.store.set.get(KEY)?.rev, 2, 'the log is followed all the same');
  bench.reconciler.again([KEY]);
  await bench.accept(2, [{ op: 'put', ...(bench.store.set.get(KEY) as Intent) }], 'empty');
  await bench.reconciler.settle();
  t.is(does(bench), 'drop');
  await bench.accept(3, [put(2, 3)]);
  await bench.reconciler.settle();
  t.is(does(bench), 'drop');
  await bench.accept(4, [put(1, 4, 'pass')]);
  await bench.reconciler.settle();
  t.is(does(bench), 'pass');
  t.deepEqual(exceptionsOf(bench), []);
  t.is(entryOf(bench)?.until, 0n);
});

test('confirm: a mark of another revision confirms what it reaches, and no more', async (t) => {
  await using bench = await changed();
  await bench.accept(3, [wanting(put(2, 3))]);
  await bench.reconciler.settle();
  await bench.reconciler.marked({ confirmed: 2 });
  await bench.reconciler.marked({ confirmed: 1 });
  await bench.clock.pass(WITHIN_MS);
  t.deepEqual([does(bench, 1), does(bench, 2)], ['pass', undefined]);
  t.deepEqual(exceptionsOf(bench), ['r2 3 denied REVERTED']);
  t.is(bench.reconciler.progress().slotsUsed, 1);
});

test('confirm: what came to nothing leaves nothing', async (t) => {
  await using bench = new Bench();
  await bench.start();
  await bench.accept(1, [wanting(put(1, 1))]);
  await bench.reconciler.settle();
  t.is(does(bench), 'drop');
  await bench.clock.pass(WITHIN_MS);
  t.is(entryOf(bench), undefined);
  t.deepEqual(exceptionsOf(bench), ['r1 1 denied REVERTED']);
  t.like(statusOf(bench).counts, { desired: 1, denied: 1, installed: 0 });
  t.like(bench.reconciler.view.desired.get(KEY), { rev: 1 });
  t.like(bench.reconciler.view.confirmationOf(KEY), { state: 'reverted', previous: null });
});

test('confirm: a delete keeps its slot while it may come back, comes back with it, and else is gone for good', async (t) => {
  for (const confirmed of [true, false]) {
    await using bench = new Bench({ slots: 2 });
    await bench.start();
    await bench.accept(2, [put(2, 1), put(1, 2)]);
    await bench.reconciler.settle();
    const slot = entryOf(bench)?.slot;
    bench.kernel.count(slot ?? -1, { packets: 7n, bytes: 700n, seen: 5n });
    await bench.accept(3, [wanting(del(1, 3))]);
    await bench.reconciler.settle();
    t.is(entryOf(bench), undefined);
    t.like(statusOf(bench), { unconfirmed: [{ name: 'r1', rev: 3 }], counts: { desired: 1, installed: 1 } });
    await bench.accept(4, [put(3, 4)]);
    await bench.reconciler.settle();
    t.deepEqual(exceptionsOf(bench), ['r3 4 blocked MAP_FULL']);
    bench.told();
    if (confirmed) await bench.reconciler.marked({ confirmed: 3 });
    await bench.clock.pass(WITHIN_MS);
    if (confirmed) {
      t.deepEqual([entryOf(bench), entryOf(bench, 3)?.slot], [undefined, slot]);
      t.deepEqual(bench.told(), ['removed 10.0.0.1/32:53', 'applied 10.0.0.3/32:53']);
      t.false(bench.store.rows.has(KEY));
    } else {
      t.is(entryOf(bench)?.slot, slot);
      t.like(bench.kernel.counters([slot ?? -1]), [{ packets: 7n }]);
      t.deepEqual(exceptionsOf(bench).sort(), ['r1 3 denied REVERTED', 'r3 4 blocked MAP_FULL']);
      t.like(statusOf(bench), { counts: { desired: 2, denied: 1, installed: 1, blocked: 1 } });
      t.deepEqual(bench.told(), ['reverted 10.0.0.1/32:53 REVERTED', 'applied 10.0.0.1/32:53']);
      t.like(bench.reconciler.view.confirmationOf(KEY), { state: 'reverted', previous: { rev: 2 } });
      await bench.clock.pass(60_000);
      t.is(entryOf(bench)?.slot, slot, 'it is not taken for foreign');
      await restart(bench);
      t.is(entryOf(bench)?.slot, slot);
      t.true(exceptionsOf(bench).includes('r1 3 denied REVERTED'));
    }
  }
});

test('confirm: a delete that was taken back is carried out when it comes once more', async (t) => {
  await using bench = new Bench();
  await bench.start();
  await bench.accept(1, [put(1, 1)]);
  await bench.accept(2, [wanting(del(1, 2))]);
  await bench.reconciler.settle();
  t.is(does(bench), undefined);
  await bench.clock.pass(WITHIN_MS);
  await bench.reconciler.settle();
  t.is(does(bench), 'drop');
  await bench.accept(3, [wanting(del(1, 3))]);
  await bench.reconciler.settle();
  t.is(does(bench), undefined);
  const { unconfirmed, unarmed } = statusOf(bench);
  t.like(unconfirmed, [{ key: KEY, rev: 3 }]);
  t.is(unarmed, undefined);
  await bench.clock.pass(WITHIN_MS);
  await bench.reconciler.settle();
  t.is(does(bench), 'drop', 'what was there before the first');
});

test('confirm: of two unconfirmed changes of one key neither stays, and what was before the first comes back', async (t) => {
  for (const second of [wanting(put(1, 3, VIA)), wanting(del(1, 3))]) {
    await using bench = await changed();
    await bench.clock.pass(WITHIN_MS / 2);
    await bench.accept(3, [second]);
    await bench.reconciler.settle();
    await bench.clock.pass(WITHIN_MS - 1);
    t.not(does(bench), 'drop', 'the time of the second is its own');
    await bench.clock.pass(1);
    t.is(does(bench), 'drop');
    t.deepEqual(exceptionsOf(bench), ['r1 3 denied REVERTED']);
  }
});

test('confirm: a plain change is no confirmation, and takes the place of what waits for one', async (t) => {
  await using bench = await changed();
  await bench.accept(3, [put(1, 3, VIA)]);
  await bench.reconciler.settle();
  await bench.clock.pass(2 * WITHIN_MS);
  t.is(does(bench), 'send');
  t.deepEqual(exceptionsOf(bench), []);
});

test('confirm: blocked when it is published, it is not armed; installed an hour later, it has its whole time', async (t) => {
  await using bench = new Bench();
  await bench.start();
  await bench.accept(1, [put(2, 1)]);
  bench.kernel.neighbour('eth1', NEXT_HOP, 'failed');
  bench.kernel.notify();
  await bench.accept(2, [wanting(put(1, 2, VIA))]);
  await bench.reconciler.settle();
  t.deepEqual(exceptionsOf(bench), ['r1 2 blocked NO_NEIGHBOUR']);
  t.like(statusOf(bench), { unarmed: 2, applied: 2 });
  t.is(statusOf(bench).unconfirmed, undefined);
  await bench.clock.pass(3_600_000);
  t.deepEqual(exceptionsOf(bench), ['r1 2 blocked NO_NEIGHBOUR']);
  bench.kernel.neighbour('eth1', NEXT_HOP, NEXT_MAC);
  bench.kernel.notify();
  await bench.clock.pass(0);
  t.is(does(bench), 'send');
  t.like(statusOf(bench), { unconfirmed: [{ rev: 2, leftMs: WITHIN_MS }] });
  t.is(statusOf(bench).unarmed, undefined);
  await bench.clock.pass(WITHIN_MS - 1);
  t.is(does(bench), 'send');
  await bench.clock.pass(1);
  t.is(entryOf(bench), undefined);
  t.deepEqual(exceptionsOf(bench), ['r1 2 denied REVERTED']);
});

test('confirm: what meets no program is not armed, and what stands is left until it does', async (t) => {
  await using bench = new Bench();
  await bench.start();
  await bench.accept(1, [put(1, 1)]);
  await bench.reconciler.settle();
  bench.kernel.netdev('eth0', { attached: 'none' });
  bench.kernel.notify();
  await bench.accept(2, [wanting(put(1, 2, 'pass'))]);
  await bench.reconciler.settle();
  await bench.clock.pass(600_000);
  t.is(entryOf(bench)?.action, 'drop');
  t.deepEqual([exceptionsOf(bench), statusOf(bench).unarmed], [['r1 2 blocked NOT_ATTACHED'], 2]);
  bench.kernel.netdev('eth0', { attached: 'native' });
  bench.kernel.notify();
  await bench.clock.pass(0);
  t.is(does(bench), 'pass');
  t.like(statusOf(bench), { unconfirmed: [{ leftMs: WITHIN_MS }] });
});

test('confirm: what the kernel refuses has not begun; once it takes it, it has its whole time', async (t) => {
  await using bench = new Bench();
  await bench.start();
  bench.kernel.failNext('write', 'EBUSY');
  await bench.accept(1, [wanting(put(1, 1))]);
  await bench.reconciler.settle();
  t.is(statusOf(bench).unarmed, 1);
  await bench.clock.pass(30_000);
  t.is(does(bench), 'drop');
  const { unconfirmed, unarmed } = statusOf(bench);
  t.is(unarmed, undefined);
  t.true((unconfirmed?.[0]?.leftMs ?? 0) > 30_000);
});

test('confirm: a killed agent goes on with the same deadline; one that is past is taken back before anything else', async (t) => {
  await using bench = await changed();
  await bench.clock.pass(20_000);
  await restart(bench);
  t.is(does(bench), 'pass');
  t.like(statusOf(bench), { unconfirmed: [{ leftMs: WITHIN_MS - 20_000 }] });
  await bench.end();
  await bench.clock.pass(WITHIN_MS - 20_000 - 1);
  t.is(does(bench), 'pass');
  await bench.clock.pass(10);
  t.is(does(bench), undefined, 'with a dead agent the kernel passes');
  t.is(entryOf(bench)?.action, 'pass');
  await restart(bench);
  t.is(does(bench), 'drop');
  t.deepEqual(bench.told(), ['reverted 10.0.0.1/32:53 REVERTED', 'applied 10.0.0.1/32:53']);
  await restart(bench);
  t.is(does(bench), 'drop');
  t.deepEqual([exceptionsOf(bench), bench.told()], [['r1 2 denied REVERTED'], []]);
});

test('confirm: killed at each step, it is never carried out without its time running', async (t) => {
  for (const at of ['accepted', 'armed', 'written']) {
    await using bench = new Bench();
    await bench.start();
    await bench.accept(1, [put(1, 1)]);
    await bench.reconciler.settle();
    await bench.end();
    await bench.accept(2, [wanting(put(1, 2, 'pass'))]);
    if (at !== 'accepted') await bench.store.move('arm', [{ key: KEY, rev: 2 }], bench.bootTime);
    await restart(bench);
    t.is(does(bench), 'pass');
    await bench.end();
    await bench.clock.pass(WITHIN_MS);
    await restart(bench);
    t.is(does(bench), 'drop', at);
  }
});

test('confirm: after a boot it goes on from the last note, whatever the wall clock says', async (t) => {
  for (const years of [-10, 0, 10]) {
    await using bench = await changed();
    await bench.clock.pass(22_000);
    bench.clock.wallMs = years * 365 * 86_400_000;
    await bench.end();
    await bench.clock.pass(86_400_000);
    await reboot(bench);
    t.is(does(bench), 'pass');
    const [first] = statusOf(bench).unconfirmed ?? [];
    t.true(
      (first?.leftMs ?? 0) >= WITHIN_MS - 22_000 && (first?.leftMs ?? 0) <= WITHIN_MS - 17_000,
      `${first?.leftMs}`,
    );
    bench.clock.wallMs = -bench.clock.wallMs;
    await bench.clock.pass((first?.leftMs ?? 0) - 1);
    t.is(does(bench), 'pass');
    await bench.clock.pass(1);
    t.is(does(bench), 'drop', `${years}`);
    await reboot(bench);
    t.is(does(bench), 'drop');
    t.deepEqual(exceptionsOf(bench), ['r1 2 denied REVERTED']);
  }
});

test('confirm: it can still be confirmed after a kill and after a boot', async (t) => {
  for (const again of [restart, reboot]) {
    await using bench = await changed();
    await bench.clock.pass(30_000);
    await again(bench);
    await bench.reconciler.marked({ confirmed: 2 });
    await bench.clock.pass(3 * WITHIN_MS);
    t.is(does(bench), 'pass');
    t.is(entryOf(bench)?.until, 0n);
  }
});

test('confirm: a deleted one comes back after a kill and after a boot', async (t) => {
  for (const again of [restart, reboot]) {
    await using bench = new Bench();
    await bench.start();
    await bench.accept(1, [put(1, 1)]);
    await bench.accept(2, [wanting(del(1, 2))]);
    await bench.reconciler.settle();
    await again(bench);
    t.is(entryOf(bench), undefined);
    await bench.clock.pass(WITHIN_MS);
    t.is(does(bench), 'drop');
    t.deepEqual(exceptionsOf(bench), ['r1 2 denied REVERTED']);
  }
});

test('confirm: a full disk begins nothing, and takes back what is over all the same', async (t) => {
  await using bench = await changed();
  const full = () => new StoreError('FULL', 'memory', 'the disk is full');
  await bench.accept(3, [wanting(put(2, 3)), wanting(del(1, 3))].slice(0, 1));
  bench.store.failures.push(...Array.from({ length: 5 }, full));
  await bench.reconciler.settle();
  t.is(entryOf(bench, 2), undefined);
  t.is(bench.revs()[1], 2, 'not applied');
  await bench.clock.pass(10_000);
  t.is(does(bench, 2), 'drop');
  t.is(bench.revs()[1], 3);
  await bench.clock.pass(WITHIN_MS - 10_000 - 1);
  bench.store.failures.push(...Array.from({ length: 4 }, full));
  await bench.clock.pass(1);
  t.is(does(bench), 'drop');
  await bench.clock.pass(5_000);
  await restart(bench);
  t.is(does(bench), 'drop');
});

test('confirm: what has its own end, and what is given up in silence, come back as they were', async (t) => {
  await using bench = new Bench();
  await bench.start();
  const nowMs = bench.clock.nowMs();
  const idle = { idle: { afterMs: 10_000, rearm: 'never' } } as const;
  const ends = { ...put(1, 1), expires: nowMs + 30_000 } as Change;
  await bench.accept(2, [ends, { ...put(2, 2), ...idle } as Change]);
  await bench.clock.pass(12_000);
  t.like(statusOf(bench).counts, { installed: 1, idle: 1 });
  await bench.accept(4, [wanting(put(1, 3, 'pass')), wanting(put(2, 4, 'pass'))]);
  await bench.clock.pass(0);
  t.deepEqual([does(bench, 1), does(bench, 2)], ['pass', 'pass']);
  await bench.clock.pass(WITHIN_MS);
  t.deepEqual([entryOf(bench, 1), entryOf(bench, 2)], [undefined, undefined]);
  t.deepEqual(exceptionsOf(bench), ['r1 3 denied REVERTED', 'r2 4 denied REVERTED']);
  await restart(bench);
  t.deepEqual([entryOf(bench, 1), entryOf(bench, 2)], [undefined, undefined]);
  t.deepEqual(exceptionsOf(bench).sort(), ['r1 3 denied REVERTED', 'r2 4 denied REVERTED']);
});

test('confirm: a whole set arms nothing that is stored with the same revision, and nothing up to its mark', async (t) => {
  await using bench = await changed();
  await bench.reconciler.marked({ confirmed: 2 });
  const stored = bench.store.set.get(KEY) as Intent;
  await bench.accept(4, [{ op: 'put', ...stored }, wanting(put(2, 3)), wanting(put(3, 4))], 'empty', { confirmed: 3 });
  await bench.reconciler.settle();
  t.like(statusOf(bench), { unconfirmed: [{ rev: 4 }], unconfirmedTotal: 1, confirmed: 3 });
  await bench.clock.pass(WITHIN_MS);
  t.deepEqual([does(bench, 1), does(bench, 2), does(bench, 3)], ['pass', 'drop', undefined]);
});

test('confirm: of many, all are armed, and all that nobody confirms are taken back in time', async (t) => {
  await using bench = new Bench({ slots: 4_000 });
  await bench.start();
  const all = Array.from({ length: 2_500 }, (_, n) => n + 1);
  await bench.accept(
    2_500,
    all.map((n) => wanting(put(n, n))),
  );
  await bench.reconciler.settle();
  t.like(statusOf(bench), { unconfirmedTotal: 2_500, applied: 2_500 });
  t.is(statusOf(bench).unconfirmed?.length, 64);
  await bench.reconciler.marked({ confirmed: 500 });
  await bench.clock.pass(WITHIN_MS + 10);
  t.is([...bench.kernel.peek().entries].length, 500);
  t.is(statusOf(bench).exceptionsTotal, 2_000);
});

test('confirm: maps that are made anew get what stands, with its end', async (t) => {
  await using bench = await changed();
  await bench.clock.pass(10_000);
  bench.kernel.remake();
  bench.reopen = () => bench.kernel.openAnew();
  await bench.clock.pass(2_000);
  t.is(does(bench), 'pass');
  t.true((entryOf(bench)?.until ?? 0n) > 0n);
  await bench.clock.pass(WITHIN_MS - 12_000);
  t.is(does(bench), 'drop');
});
