import test from 'ava';
import type { Op } from '../../../../agent/model/op.ts';
import { shapeText } from '../../../../protocol/shape.ts';
import type { MemoryKernel } from '../../../fakes/memory-kernel.ts';
import {
  converge,
  DIRECT,
  intentOf,
  makeKernel,
  NEXT_HOP,
  NEXT_MAC,
  NOW,
  stands,
  start,
  statesOf,
  VIA,
} from './world.ts';

/** The ops asked for since last told, in a line each: what, on what, to what. */
function told(kernel: MemoryKernel): string[] {
  const lines = kernel.asked.map(line);
  kernel.asked = [];
  return lines;
}

function line(op: Op): string {
  switch (op.op) {
    case 'write':
      return `write ${op.id.slice(op.id.indexOf('>') + 2)} ${op.value.action} ${op.value.ifindex} rev ${op.value.rev}`;
    case 'delete':
      return `delete ${op.id.slice(op.id.indexOf('>') + 2)}`;
    case 'shapes':
      return `shapes${op.family} ${op.shapes.map(shapeText).join(', ')}`;
    case 'protect':
      return `protect ${op.matches.length}`;
    case 'port':
      return `port ${op.ifindex} ${op.present}`;
  }
}

const SHAPE = 'v4 /0 > /32 proto dport';

test('plan: the first intent gets its port, its shape, its entry, in this order', (t) => {
  const kernel = makeKernel();
  const convergence = start(kernel, [intentOf(1, DIRECT)]);
  const passes = converge(convergence);
  t.deepEqual(told(kernel), ['port 3 true', `shapes4 ${SHAPE}`, 'write 10.0.0.1/32:53 send 3 rev 1']);
  t.deepEqual(stands(kernel, intentOf(1).key)?.value, {
    ...{ rev: 1, until: 0n, slot: 0, ifindex: 3, action: 'send', keepTtl: false, mtu: 1500 },
    ...{ dmac: '02:00:00:00:02:02', smac: '02:00:00:00:00:03' },
  });
  t.deepEqual(passes[0]?.changed, [
    {
      before: { key: intentOf(1).key, rev: 0, state: 'pending', sinceMs: 0, slot: null },
      now: { key: intentOf(1).key, slot: 0, rev: 1, state: 'installed', sinceMs: NOW, installedAtMs: NOW },
      stored: false,
    },
  ]);
});

test('plan: the last intent gives up its entry, its shape, its port, in this order', (t) => {
  const kernel = makeKernel();
  const convergence = start(kernel, [intentOf(1, DIRECT)]);
  converge(convergence);
  kernel.asked = [];
  convergence.ledger.remove([intentOf(1).key]);
  const passes = converge(convergence);
  t.deepEqual(told(kernel), ['delete 10.0.0.1/32:53', 'shapes4 ', 'port 3 false']);
  t.deepEqual(
    passes[0]?.forgotten.map(({ key }) => key),
    [intentOf(1).key],
  );
  t.deepEqual([...convergence.ledger.states], []);
  t.is(convergence.slots.used, 0);
});

test('plan: a changed intent is one overwrite, and overwrites precede new entries', (t) => {
  const kernel = makeKernel();
  const convergence = start(kernel, [intentOf(1, 'drop')]);
  converge(convergence);
  kernel.asked = [];
  convergence.ledger.put([intentOf(2, 'pass'), intentOf(1, 'pass', { rev: 2 })]);
  converge(convergence);
  t.deepEqual(told(kernel), ['write 10.0.0.1/32:53 pass 0 rev 2', 'write 10.0.0.2/32:53 pass 0 rev 1']);
});

test('plan: what stands as desired is left alone', (t) => {
  const kernel = makeKernel();
  const intents = [intentOf(1, VIA), intentOf(2, 'drop'), intentOf(3, DIRECT)];
  converge(start(kernel, intents));
  kernel.asked = [];
  const again = start(kernel, intents);
  converge(again);
  again.readBackNext();
  again.schedule.markDue(intents.map((it) => it.key));
  converge(again);
  t.deepEqual(told(kernel), []);
});

test('plan: a change of egress adds the new port first and removes the old one last', (t) => {
  const kernel = makeKernel();
  kernel.netdev('eth2', { ifindex: 4 });
  const convergence = start(kernel, [intentOf(1, DIRECT)]);
  converge(convergence);
  kernel.asked = [];
  convergence.ledger.put([intentOf(1, { interface: 'eth2', mac: '02:00:00:00:02:02' }, { rev: 2 })]);
  converge(convergence);
  t.deepEqual(told(kernel), ['port 4 true', 'write 10.0.0.1/32:53 send 4 rev 2', 'port 3 false']);
});

test('plan: an interface made again with another ifindex is followed', (t) => {
  const kernel = makeKernel();
  const intents = [intentOf(1, DIRECT), intentOf(2, VIA)];
  const convergence = start(kernel, intents);
  converge(convergence);
  kernel.asked = [];
  kernel.removeNetdev('eth1');
  convergence.refreshNetworkNext();
  converge(convergence);
  t.deepEqual(told(kernel), ['delete 10.0.0.1/32:53', 'delete 10.0.0.2/32:53', 'shapes4 ']);
  t.deepEqual(statesOf(convergence, intents), ['blocked NO_INTERFACE', 'blocked NO_INTERFACE']);
  kernel.netdev('eth1', { ifindex: 9 });
  kernel.neighbour('eth1', NEXT_HOP, NEXT_MAC);
  convergence.refreshNetworkNext();
  converge(convergence);
  t.deepEqual(told(kernel), [
    ...['port 9 true', `shapes4 ${SHAPE}`],
    ...['write 10.0.0.1/32:53 send 9 rev 1', 'write 10.0.0.2/32:53 send 9 rev 1'],
  ]);
  t.deepEqual(statesOf(convergence, intents), ['installed', 'installed']);
});

test('plan: an interface made again between two looks is one overwrite an entry', (t) => {
  const kernel = makeKernel();
  const convergence = start(kernel, [intentOf(1, DIRECT)]);
  converge(convergence);
  kernel.asked = [];
  kernel.netdev('eth1', { ifindex: 9 });
  convergence.refreshNetworkNext();
  converge(convergence);
  t.deepEqual(told(kernel), ['port 9 true', 'write 10.0.0.1/32:53 send 9 rev 1']);
});

test('plan: a port that was taken away is put back by the next pass', (t) => {
  const kernel = makeKernel();
  const convergence = start(kernel, [intentOf(1, DIRECT)]);
  converge(convergence);
  kernel.asked = [];
  kernel.unplug(3);
  kernel.plug(2);
  convergence.refreshNetworkNext();
  converge(convergence);
  t.deepEqual(told(kernel), ['port 2 false', 'port 3 true']);
});

test('plan: an asking neighbour keeps the entry that stands, a failed one blocks, an answer brings it back', (t) => {
  const kernel = makeKernel();
  const intents = [intentOf(1, VIA)];
  const convergence = start(kernel, intents);
  converge(convergence);
  kernel.asked = [];
  const turn = (answer: string): unknown => {
    kernel.neighbour('eth1', NEXT_HOP, answer);
    convergence.refreshNetworkNext();
    converge(convergence);
    return [statesOf(convergence, intents)[0], stands(kernel, intentOf(1).key)?.value.dmac];
  };
  t.deepEqual(turn('asking'), ['installed', NEXT_MAC]);
  t.deepEqual(told(kernel), []);
  t.deepEqual(turn('failed'), ['blocked NO_NEIGHBOUR', undefined]);
  t.deepEqual(turn('asking'), ['blocked NO_NEIGHBOUR', undefined]);
  t.deepEqual(turn('02:00:00:00:01:09'), ['installed', '02:00:00:00:01:09']);
  t.true(kernel.probed.includes(`3 ${NEXT_HOP}`));
});

test('plan: a new next hop that is being asked is not said to be installed while the old one gets the packets', (t) => {
  const kernel = makeKernel();
  kernel.route('192.0.2.9', 'eth1');
  const convergence = start(kernel, [intentOf(1, VIA)]);
  converge(convergence);
  const changed = intentOf(1, { nexthop: '192.0.2.9', interface: 'eth1' }, { rev: 2 });
  convergence.ledger.put([changed]);
  converge(convergence);
  t.deepEqual(statesOf(convergence, [changed]), ['blocked NO_NEIGHBOUR']);
  kernel.neighbour('eth1', '192.0.2.9', '02:00:00:00:01:09');
  convergence.refreshNetworkNext();
  converge(convergence);
  t.deepEqual(statesOf(convergence, [changed]), ['installed']);
  t.is(stands(kernel, changed.key)?.value.dmac, '02:00:00:00:01:09');
});

test('plan: the ninth shape waits until one of the eight is free', (t) => {
  const kernel = makeKernel({ slots: 16 });
  const shapes = Array.from({ length: 9 }, (_, n) => intentOf(0, 'drop', { of: { dst: `10.0.0.0/${8 + n}` } }));
  const convergence = start(kernel, shapes);
  converge(convergence);
  t.deepEqual(statesOf(convergence, shapes), [...Array(8).fill('installed'), 'blocked SHAPES_FULL']);
  t.is(kernel.peek().shapes[4]?.length, 8);
  convergence.ledger.put([intentOf(3, 'drop', { of: { dst: '11.0.0.0/8' } })]);
  convergence.ledger.put([{ ...(shapes[1] as (typeof shapes)[0]), rev: 2, to: 'pass' }]);
  converge(convergence);
  t.is(stands(kernel, shapes[1]?.key ?? '')?.value.action, 'pass');
  convergence.ledger.remove([shapes[2]?.key ?? '']);
  converge(convergence);
  t.is(statesOf(convergence, shapes)[8], 'installed');
  t.is(kernel.peek().shapes[4]?.length, 8);
});

test('plan: a full map parks what is new and goes on with updates and deletes', (t) => {
  const kernel = makeKernel({ slots: 3 });
  const all = [1, 2, 3, 4, 5].map((n) => intentOf(n));
  const convergence = start(kernel, all);
  converge(convergence);
  t.deepEqual(statesOf(convergence, all), [
    ...['installed', 'installed', 'installed'],
    ...['blocked MAP_FULL', 'blocked MAP_FULL'],
  ]);
  convergence.ledger.put([intentOf(1, 'pass', { rev: 2 })]);
  convergence.ledger.remove([intentOf(2).key]);
  converge(convergence);
  t.is(stands(kernel, intentOf(1).key)?.value.action, 'pass');
  t.deepEqual(statesOf(convergence, all), ['installed', undefined, 'installed', 'installed', 'blocked MAP_FULL']);
});

test('plan: an entry that the kernel has no room for is parked, tried again and comes back', (t) => {
  const kernel = makeKernel({ slots: 8, entries: 2 });
  const foreign = kernel.plant({ match: intentOf(9).match, zone: 0 });
  const all = [intentOf(1), intentOf(2)];
  const convergence = start(kernel, all);
  converge(convergence, NOW, false);
  t.deepEqual(statesOf(convergence, all), ['installed', 'blocked MAP_FULL']);
  const { errno, retryAtMs } = convergence.ledger.states.get(intentOf(2).key) ?? {};
  t.deepEqual([errno, retryAtMs], ['E2BIG', NOW + 100]);
  kernel.uproot(foreign);
  t.deepEqual([convergence.pending, convergence.schedule.firstMs], [false, NOW + 100]);
  converge(convergence, NOW + 100, false);
  t.deepEqual(statesOf(convergence, all), ['installed', 'installed']);
});

test('plan: nothing foreign is touched until the set is proven, and then all of it goes', (t) => {
  const kernel = makeKernel();
  const foreign = [1, 2, 3].map((n) => kernel.plant({ match: intentOf(n).match, zone: 0 }, { slot: n }));
  const convergence = start(kernel, [intentOf(4)]);
  converge(convergence, NOW, false);
  t.is(kernel.peek().entries.size, 4);
  convergence.readBackNext();
  converge(convergence, NOW, true);
  t.deepEqual([...kernel.peek().entries.keys()], [intentOf(4).key]);
  t.is(foreign.length, 3);
});

test('plan: more foreign shapes than there is room for do not push ours out', (t) => {
  const kernel = makeKernel({ slots: 16 });
  const convergence = start(kernel, [intentOf(1)]);
  converge(convergence);
  for (let bits = 8; bits < 18; bits += 1) {
    kernel.plant({ match: intentOf(0, 'drop', { of: { dst: `10.0.0.0/${bits}` } }).match, zone: 0 });
  }
  convergence.readBackNext();
  converge(convergence, NOW, false);
  t.true(kernel.peek().shapes[4]?.map(shapeText).includes(SHAPE));
  convergence.readBackNext();
  converge(convergence);
  t.deepEqual(kernel.peek().shapes[4]?.map(shapeText), [SHAPE]);
});

test('plan: an intent ends at its time, in the kernel and in its state', (t) => {
  const kernel = makeKernel();
  const intent = intentOf(1, 'drop', { expires: NOW + 10_000 });
  const convergence = start(kernel, [intent]);
  converge(convergence);
  t.is(stands(kernel, intent.key)?.value.until, kernel.jiffies + 2500n);
  t.is(convergence.schedule.firstMs, NOW + 10_000);
  kernel.jiffies += 250n;
  convergence.schedule.markDue([intent.key]);
  kernel.asked = [];
  converge(convergence, NOW + 1000);
  t.deepEqual(told(kernel), [], 'a deadline that stands is not written again');
  converge(convergence, NOW + 10_000);
  t.deepEqual(statesOf(convergence, [intent]), ['expired']);
  t.is(kernel.peek().entries.size, 0);
  t.is(convergence.schedule.firstMs, Number.POSITIVE_INFINITY);
  t.false(convergence.pending);
});

test('plan: a new revision that ends a little earlier ends earlier in the kernel, too', (t) => {
  const kernel = makeKernel();
  const convergence = start(kernel, [intentOf(1, 'drop', { expires: NOW + 10_000 })]);
  converge(convergence);
  convergence.ledger.put([intentOf(1, 'drop', { expires: NOW + 9_000, rev: 2 })]);
  converge(convergence);
  t.is(stands(kernel, intentOf(1).key)?.value.until, kernel.jiffies + 2250n);
});

test('plan: an expired entry that cannot be removed is tried again later, not at once', (t) => {
  const kernel = makeKernel();
  const intent = intentOf(1, 'drop', { expires: NOW + 10_000 });
  const convergence = start(kernel, [intent]);
  converge(convergence);
  kernel.failNext('delete', 'EBUSY');
  converge(convergence, NOW + 10_000);
  t.deepEqual(statesOf(convergence, [intent]), ['failed KERNEL_REFUSED']);
  t.is(convergence.schedule.firstMs, NOW + 10_100);
  t.false(convergence.pending);
});

test('plan: what this agent cannot do is blocked and says why', (t) => {
  const kernel = makeKernel();
  const intents = [intentOf(1, { encap: 'ipip', remote: '192.0.2.7' })];
  const convergence = start(kernel, intents);
  converge(convergence);
  t.deepEqual(statesOf(convergence, intents), ['blocked UNSUPPORTED_ACTION']);
  t.deepEqual(kernel.asked, []);
});
