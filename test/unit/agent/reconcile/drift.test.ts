import test from 'ava';
import type { Convergence } from '../../../../agent/reconcile/convergence.ts';
import { countDrift, type Drift, entryDrift } from '../../../../agent/reconcile/drift.ts';
import { OwnWords } from '../../../../agent/reconcile/own-words.ts';
import { shapeText } from '../../../../protocol/shape.ts';
import { MemoryKernel } from '../../../fakes/memory-kernel.ts';
import { converge, DIRECT, intentOf, makeKernel, NOW, stands, start, statesOf, VIA } from './world.ts';

/** What the passes until nothing is due found to be changed by somebody else. */
function drifted(convergence: Convergence, prune = true): Drift[] {
  return converge(convergence, NOW, prune).flatMap((pass) => pass.drifted);
}

const ports = (kernel: MemoryKernel): unknown => [...kernel.network().ports].sort(([a], [b]) => a - b);

test('drift: a port that leads elsewhere is put right at the next look at the network, and told', (t) => {
  const kernel = makeKernel();
  const convergence = start(kernel, [intentOf(1, VIA)]);
  converge(convergence);
  kernel.plug(3, 2);
  kernel.asked = [];
  convergence.refreshNetworkNext();
  t.deepEqual(drifted(convergence), [{ pin: 'ports', detail: 'ports: 3 (eth1) led to 2 (eth0)' }]);
  t.deepEqual(ports(kernel), [[3, 3]]);
  t.deepEqual(kernel.asked, [{ op: 'port', ifindex: 3, present: true }], 'one overwrite: packets find it meanwhile');
  convergence.refreshNetworkNext();
  t.deepEqual(drifted(convergence), [], 'our own repair is nobody else’s change');
});

test('drift: a port that leads elsewhere is put right by a start, too', (t) => {
  const kernel = makeKernel();
  converge(start(kernel, [intentOf(1, VIA)]));
  kernel.plug(3, 2);
  const again = start(kernel, [intentOf(1, VIA)]);
  t.deepEqual(drifted(again), [{ pin: 'ports', detail: 'ports: 3 (eth1) led to 2 (eth0)' }]);
  t.deepEqual(ports(kernel), [[3, 3]]);
});

test('drift: a port that was removed is put back, and what the kernel dropped with its device is no drift', (t) => {
  const kernel = makeKernel();
  const convergence = start(kernel, [intentOf(1, VIA)]);
  converge(convergence);
  kernel.unplug(3);
  convergence.refreshNetworkNext();
  t.deepEqual(drifted(convergence), [{ pin: 'ports', detail: 'ports: 3 (eth1) was removed' }]);
  t.deepEqual(ports(kernel), [[3, 3]]);
  kernel.removeNetdev('eth1');
  convergence.refreshNetworkNext();
  t.deepEqual(drifted(convergence), []);
});

test('drift: a devmap that somebody filled has room again, and what stood in it keeps standing', (t) => {
  const kernel = makeKernel({ slots: 8, ports: 4 });
  kernel.netdev('eth2', { ifindex: 4 });
  const convergence = start(kernel, [intentOf(1, VIA)]);
  converge(convergence);
  for (const key of [77, 78, 79]) kernel.plug(key, 2);
  convergence.ledger.put([intentOf(2, { interface: 'eth2', mac: '02:00:00:00:00:09' })]);
  convergence.refreshNetworkNext();
  t.deepEqual(
    drifted(convergence),
    [77, 78, 79].map((key) => ({ pin: 'ports', detail: `ports: ${key} led to 2 (eth0)` })),
  );
  t.deepEqual(statesOf(convergence, [intentOf(1), intentOf(2)]), ['installed', 'installed']);
  t.deepEqual(ports(kernel), [
    [3, 3],
    [4, 4],
  ]);
});

test('drift: a list of shapes that is none of ours, or not the one that was published, is published anew', (t) => {
  const kernel = makeKernel();
  const convergence = start(kernel, [intentOf(1)]);
  converge(convergence);
  const live = kernel.peek().shapes[4]?.map(shapeText);
  for (const shapes of [undefined, []]) {
    kernel.setShapes(4, shapes);
    convergence.readBackNext();
    t.deepEqual(drifted(convergence), [{ pin: 'shapes', detail: 'shapes4' }]);
    t.deepEqual(kernel.peek().shapes[4]?.map(shapeText), live);
  }
  kernel.setShapes(6, undefined);
  const again = start(kernel, [intentOf(1)]);
  t.deepEqual(drifted(again), [{ pin: 'shapes', detail: 'shapes6' }]);
  t.deepEqual(kernel.peek().shapes[6], [], 'a list that nobody needs is written, too');
});

test('drift: entries that nobody can mean go once the set is proven, and whoever waited for room gets it', (t) => {
  const kernel = makeKernel({ slots: 8, entries: 40_000 });
  kernel.plantStrays(4, 40_000);
  kernel.plantStrays(6, 3);
  const convergence = start(kernel, [intentOf(1)]);
  t.deepEqual(drifted(convergence, false), []);
  t.deepEqual([kernel.strays(4), kernel.strays(6)], [40_000, 3]);
  t.deepEqual(statesOf(convergence, [intentOf(1)]), ['blocked MAP_FULL']);
  convergence.readBackNext();
  const found = drifted(convergence);
  t.deepEqual([kernel.strays(4), kernel.strays(6)], [0, 0]);
  t.deepEqual(statesOf(convergence, [intentOf(1)]), ['installed']);
  t.is(countDrift(found), 40_003);
  t.deepEqual(
    found.map(({ detail }) => detail),
    [
      'redirect4: 16384 entries with keys that no redirect has',
      'redirect6: 3 entries with keys that no redirect has',
      'redirect4: 16384 entries with keys that no redirect has',
      'redirect4: 7232 entries with keys that no redirect has',
    ],
  );
});

test('drift: whoever writes strays faster than they are swept does not keep the agent from coming to rest', (t) => {
  const kernel = makeKernel({ slots: 8, entries: 1_000_000 });
  kernel.plantStrays(4, 900_000);
  const convergence = start(kernel, [intentOf(1)]);
  t.is(countDrift(drifted(convergence)), 9 * 16_384);
  t.deepEqual(statesOf(convergence, [intentOf(1)]), ['installed']);
  convergence.readBackNext();
  drifted(convergence);
  t.is(kernel.strays(4), 900_000 - 18 * 16_384);
});

test('drift: of foreign entries a pass takes a part, and of many a few are told by name', (t) => {
  const kernel = makeKernel({ slots: 8, entries: 4_000 });
  const convergence = start(kernel, [intentOf(1)]);
  converge(convergence);
  for (let n = 2; n < 3_502; n += 1) kernel.plant({ match: intentOf(n).match, zone: 0 });
  kernel.uproot(intentOf(1).key);
  convergence.readBackNext();
  const passes = converge(convergence);
  t.true(passes.length >= 4);
  t.deepEqual([...kernel.peek().entries.keys()], [intentOf(1).key]);
  const found = passes.flatMap((pass) => pass.drifted);
  t.deepEqual(found[0], { pin: 'redirect4', key: intentOf(1).key });
  t.is(found.length, 1 + 64 + 1);
  t.deepEqual(found.at(-1), { pin: 'redirect4', detail: '3436 more entries of no redirect', count: 3436 });
  t.is(countDrift(found), 3_501);
});

test('drift: foreign entries that are still to go are left once the set is no longer proven', (t) => {
  const kernel = makeKernel({ slots: 8, entries: 4_000 });
  const convergence = start(kernel, [intentOf(1)]);
  converge(convergence);
  for (let n = 2; n < 2_502; n += 1) kernel.plant({ match: intentOf(n).match, zone: 0 });
  convergence.readBackNext();
  while (kernel.peek().entries.size === 1 + 2_500) convergence.pass(NOW, () => 0, true);
  const left = kernel.peek().entries.size;
  t.is(left, 1 + 1_500);
  converge(convergence, NOW, false);
  t.is(kernel.peek().entries.size, left);
});

test('drift: a key that is desired meanwhile is foreign no more', (t) => {
  const kernel = makeKernel({ slots: 8, entries: 4_000 });
  const convergence = start(kernel);
  converge(convergence);
  for (let n = 1; n < 1_502; n += 1) kernel.plant({ match: intentOf(n).match, zone: 0 }, { action: 'pass' });
  convergence.readBackNext();
  convergence.pass(NOW, () => 0, true);
  const late = intentOf(1_500, DIRECT);
  convergence.ledger.put([late]);
  converge(convergence);
  t.deepEqual([...kernel.peek().entries.keys()], [late.key]);
  t.is(stands(kernel, late.key)?.value.action, 'send');
});

test('drift: our own words are put back, and said; what stood at the start is believed', (t) => {
  const kernel = new MemoryKernel();
  const mark = { epoch: 'e1', rev: 5, seq: 7 };
  kernel.setMark(mark);
  const words = new OwnWords(kernel);
  t.deepEqual(words.mend(), []);
  kernel.setMark({ ...mark, seq: 99 });
  kernel.setReady(true);
  t.deepEqual(words.mend(), [
    { pin: 'control', detail: 'control: the mark' },
    { pin: 'control', detail: 'control: ready' },
  ]);
  t.deepEqual([kernel.mark(), kernel.ready], [mark, false]);
  words.setReady();
  words.markNext({ ...mark, rev: 6 });
  words.writeMark();
  t.deepEqual(words.mend(), []);
  kernel.setReady(false);
  t.deepEqual(words.mend(), [{ pin: 'control', detail: 'control: ready' }]);
  t.deepEqual([kernel.mark(), kernel.ready], [{ ...mark, rev: 6 }, true]);
});

test('drift: a mark where there was none is taken away: an agent after this one would wait for that set', (t) => {
  const kernel = new MemoryKernel();
  const words = new OwnWords(kernel);
  kernel.setMark({ epoch: 'e9', rev: 1, seq: 1 });
  t.is(words.mend().length, 1);
  t.is(kernel.mark(), undefined);
  t.deepEqual(words.mend(), []);
});

test('drift: entries of redirects are told each, however many', (t) => {
  const keys = Array.from({ length: 200 }, (_, n) => `k${n}`);
  t.is(entryDrift(keys, () => true).length, 200);
  t.is(entryDrift(keys, (key) => key !== 'k0').length, 200);
  t.is(entryDrift(keys, () => false).length, 65);
});
