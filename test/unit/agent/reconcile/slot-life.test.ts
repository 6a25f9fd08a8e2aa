import test from 'ava';
import { NO_MAC } from '../../../../agent/model/entry.ts';
import { converge, installedRow, intentOf, makeKernel, NOW, slotsOf, stands, start, statesOf } from './world.ts';

const some = (count: number, from = 1) => Array.from({ length: count }, (_, n) => intentOf(from + n));

test('slots: a key that was removed while we were away gives its slot back once', (t) => {
  const kernel = makeKernel();
  const gone = intentOf(99);
  const convergence = start(kernel, [], [installedRow(gone, 5)]);
  converge(convergence);
  const all = some(9);
  convergence.ledger.put(all);
  converge(convergence);
  t.deepEqual(statesOf(convergence, all), [...Array(8).fill('installed'), 'blocked MAP_FULL']);
  t.is(slotsOf(convergence).size, 8);
});

test('slots: a foreign entry with a slot that does not exist is removed, and its slot is never given out', (t) => {
  const kernel = makeKernel();
  const foreign = kernel.plant({ match: intentOf(50).match, zone: 0 }, { slot: 4_000_000_000 }, false);
  const all = some(8);
  const convergence = start(kernel, all);
  converge(convergence);
  t.is(stands(kernel, foreign), undefined);
  t.deepEqual([...slotsOf(convergence).values()].sort(), [0, 1, 2, 3, 4, 5, 6, 7]);
  t.is(convergence.slots.used, 8);
});

test('slots: a foreign entry with a free slot does not make that slot free twice', (t) => {
  const kernel = makeKernel();
  const convergence = start(kernel, some(2));
  converge(convergence);
  const free = [0, 1, 2, 3, 4, 5, 6, 7].find((slot) => ![...slotsOf(convergence).values()].includes(slot)) ?? 0;
  kernel.plant({ match: intentOf(50).match, zone: 0 }, { slot: free });
  convergence.readBackNext();
  converge(convergence);
  t.is(convergence.slots.used, 2);
  convergence.ledger.put(some(8));
  converge(convergence);
  t.is(slotsOf(convergence).size, 8);
});

test('slots: entries that stand keep theirs when the store knows nothing of them', (t) => {
  const kernel = makeKernel();
  const all = some(6);
  const first = start(kernel, all);
  converge(first);
  const before = slotsOf(first);
  const adopting = start(kernel);
  adopting.ledger.put(all);
  converge(adopting);
  t.deepEqual(statesOf(adopting, all), Array(6).fill('installed'));
  t.deepEqual(slotsOf(adopting), before);
  t.is(adopting.slots.used, 6);
});

test('slots: an entry overwritten with another slot gives the old one back', (t) => {
  const kernel = makeKernel();
  const [a, b] = [intentOf(1), intentOf(2)];
  const convergence = start(kernel, [a, b]);
  converge(convergence);
  const [of, free] = [slotsOf(convergence).get(a.key), 7];
  const seen = stands(kernel, a.key);
  kernel.plant({ match: a.match, zone: 0 }, { ...seen?.value, slot: free });
  convergence.readBackNext();
  converge(convergence);
  t.is(stands(kernel, a.key)?.value.slot, of);
  t.is(convergence.slots.used, 2);
});

test('slots: one that comes free reads zero', (t) => {
  const kernel = makeKernel();
  const [a, b] = [intentOf(1), intentOf(2)];
  const convergence = start(kernel, [a]);
  converge(convergence);
  const slot = slotsOf(convergence).get(a.key) ?? -1;
  kernel.count(slot, { packets: 9n, bytes: 900n, seen: 5n });
  convergence.ledger.remove([a.key]);
  converge(convergence);
  t.deepEqual(kernel.counters([slot]), [{ packets: 0n, bytes: 0n, seen: 0n }]);
  convergence.ledger.put([b]);
  converge(convergence);
  t.is(stands(kernel, b.key)?.value.dmac, NO_MAC);
});

test('slots: a blocked key keeps its own for life', (t) => {
  const kernel = makeKernel({ slots: 2 });
  const [a, b, c] = [intentOf(1, { interface: 'eth1', mac: '02:00:00:00:00:07' }), intentOf(2), intentOf(3)];
  const convergence = start(kernel, [a, b]);
  converge(convergence);
  const before = slotsOf(convergence);
  kernel.netdev('eth1', { up: false });
  convergence.refreshNetworkNext();
  convergence.ledger.put([c]);
  converge(convergence, NOW);
  t.deepEqual(statesOf(convergence, [a, b, c]), ['blocked NO_INTERFACE', 'installed', 'blocked MAP_FULL']);
  t.deepEqual(slotsOf(convergence), before);
});
