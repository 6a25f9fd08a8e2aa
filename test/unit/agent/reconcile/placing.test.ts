import test from 'ava';
import { converge, intentOf, makeKernel, stands, start, statesOf } from './world.ts';

const inOf = (ifname: string, rev = 1) => intentOf(1, 'drop', { of: { in: ifname }, rev });
const ID = (zone: number) => `${intentOf(1).key} zone ${zone}`;

test('placing: an intent of one interface stands in its zone', (t) => {
  const kernel = makeKernel();
  const convergence = start(kernel, [inOf('eth0')]);
  converge(convergence);
  t.deepEqual([...kernel.peek().entries.keys()], [ID(1)]);
  t.is(convergence.entryOf(inOf('eth0').key)?.value.action, 'drop');
});

test('placing: an interface that moves to another zone takes its entry along, new before old', (t) => {
  const kernel = makeKernel();
  const convergence = start(kernel, [inOf('eth0')]);
  converge(convergence);
  kernel.asked = [];
  kernel.netdev('eth0', { zone: 4 });
  convergence.refreshNetworkNext();
  converge(convergence);
  t.deepEqual(
    kernel.asked.map((op) => [op.op, 'id' in op && op.id]),
    [
      ['write', ID(4)],
      ['delete', ID(1)],
    ],
  );
  t.deepEqual(statesOf(convergence, [inOf('eth0')]), ['installed']);
});

test('placing: a key without a zone leaves the entry alone that took its old place', (t) => {
  const kernel = makeKernel();
  const [a, b] = [inOf('eth0'), inOf('eth1')];
  const convergence = start(kernel, [a, b]);
  converge(convergence);
  t.deepEqual(statesOf(convergence, [a, b]), ['installed', 'blocked NOT_ATTACHED']);
  kernel.removeNetdev('eth0');
  kernel.netdev('eth1', { zone: 1, attached: 'native' });
  convergence.refreshNetworkNext();
  converge(convergence);
  t.deepEqual(statesOf(convergence, [a, b]), ['blocked NO_INTERFACE', 'installed']);
  convergence.ledger.put([inOf('eth0', 2)]);
  converge(convergence);
  t.deepEqual([...kernel.peek().entries.keys()], [ID(1)]);
  t.is(stands(kernel, ID(1))?.value.slot, convergence.ledger.states.get(b.key)?.slot ?? -1);
});

test('placing: two interfaces may exchange their zones', (t) => {
  const kernel = makeKernel();
  kernel.netdev('eth1', { zone: 2, attached: 'native' });
  const [a, b] = [inOf('eth0'), inOf('eth1')];
  const convergence = start(kernel, [a, b]);
  converge(convergence);
  kernel.netdev('eth0', { zone: 2 });
  kernel.netdev('eth1', { zone: 1 });
  convergence.refreshNetworkNext();
  converge(convergence);
  t.deepEqual(statesOf(convergence, [a, b]), ['installed', 'installed']);
  t.is(stands(kernel, ID(2))?.value.slot, convergence.ledger.states.get(a.key)?.slot ?? -1);
  t.is(stands(kernel, ID(1))?.value.slot, convergence.ledger.states.get(b.key)?.slot ?? -1);
  convergence.schedule.markDue([a.key]);
  converge(convergence);
  convergence.schedule.markDue([b.key]);
  converge(convergence);
  t.is(kernel.peek().entries.size, 2);
});

test('placing: an interface from which the program was detached blocks, and its entry stays for the program to find', (t) => {
  const kernel = makeKernel();
  const convergence = start(kernel, [inOf('eth0')]);
  converge(convergence);
  for (const attached of ['none', 'foreign'] as const) {
    kernel.netdev('eth0', { attached });
    convergence.refreshNetworkNext();
    converge(convergence);
    t.deepEqual(statesOf(convergence, [inOf('eth0')]), ['blocked NOT_ATTACHED']);
    t.true(kernel.peek().entries.has(ID(1)));
  }
  convergence.ledger.put([inOf('eth0', 2)]);
  converge(convergence);
  t.is(stands(kernel, ID(1))?.value.rev, 2, 'it goes on to be what is desired');
  kernel.asked = [];
  kernel.netdev('eth0', { attached: 'generic' });
  convergence.refreshNetworkNext();
  converge(convergence);
  t.deepEqual(statesOf(convergence, [inOf('eth0')]), ['installed']);
  t.deepEqual(kernel.asked, []);
});

test('placing: an interface made anew blocks, and its entry stays until it has a zone again', (t) => {
  const kernel = makeKernel();
  const convergence = start(kernel, [inOf('eth0')]);
  converge(convergence);
  kernel.netdev('eth0', { ifindex: 9 });
  for (const after of [convergence, start(kernel, [inOf('eth0')])]) {
    after.refreshNetworkNext();
    after.readBackNext();
    converge(after);
    t.deepEqual(statesOf(after, [inOf('eth0')]), ['blocked NOT_ATTACHED']);
    t.deepEqual([...kernel.peek().entries.keys()], [ID(1)]);
  }
  kernel.netdev('eth0', { attached: 'native', zone: 2 });
  convergence.refreshNetworkNext();
  converge(convergence);
  t.deepEqual(statesOf(convergence, [inOf('eth0')]), ['installed']);
  t.deepEqual([...kernel.peek().entries.keys()], [ID(2)]);
});

test('placing: what stands for an interface that is gone goes with its zone, and when it is desired no more', (t) => {
  const kernel = makeKernel();
  const convergence = start(kernel, [inOf('eth0')]);
  const again = () => {
    convergence.refreshNetworkNext();
    converge(convergence);
    return kernel.peek().entries.size;
  };
  converge(convergence);
  kernel.removeNetdev('eth0');
  t.is(again(), 1);
  t.deepEqual(statesOf(convergence, [inOf('eth0')]), ['blocked NOT_ATTACHED']);
  kernel.dropZones();
  t.is(again(), 0);
  t.deepEqual(statesOf(convergence, [inOf('eth0')]), ['blocked NO_INTERFACE']);
  kernel.netdev('eth0', { ifindex: 9, attached: 'native', zone: 1 });
  t.is(again(), 1);
  kernel.removeNetdev('eth0');
  convergence.ledger.put([inOf('eth0', 2)]);
  t.is(again(), 1);
  t.is(stands(kernel, ID(1))?.value.rev, 2, 'it goes on to be what is desired');
  convergence.ledger.remove([inOf('eth0').key]);
  t.is(again(), 0);
});

test('placing: what names no interface is blocked only where none at all has the program, and stands all the same', (t) => {
  const kernel = makeKernel();
  const anywhere = intentOf(2, 'drop');
  kernel.netdev('eth1', { attached: 'native', zone: 2 });
  const convergence = start(kernel, [inOf('eth0'), anywhere]);
  const states = () => {
    convergence.refreshNetworkNext();
    converge(convergence);
    return statesOf(convergence, [inOf('eth0'), anywhere]);
  };
  converge(convergence);
  kernel.netdev('eth0', { attached: 'none' });
  t.deepEqual(states(), ['blocked NOT_ATTACHED', 'installed']);
  kernel.netdev('eth1', { attached: 'foreign' });
  t.deepEqual(states(), ['blocked NOT_ATTACHED', 'blocked NOT_ATTACHED']);
  t.is(kernel.peek().entries.size, 2);
  kernel.netdev('eth1', { attached: 'native' });
  t.deepEqual(states(), ['blocked NOT_ATTACHED', 'installed']);
});

test('placing: why a zone is missing follows the interface', (t) => {
  const kernel = makeKernel();
  const intents = [inOf('eth9')];
  const convergence = start(kernel, intents);
  converge(convergence);
  t.deepEqual(statesOf(convergence, intents), ['blocked NO_INTERFACE']);
  kernel.netdev('eth9');
  convergence.refreshNetworkNext();
  converge(convergence);
  t.deepEqual(statesOf(convergence, intents), ['blocked NOT_ATTACHED']);
});

test('placing: an entry in a zone that nobody desires is removed with a proven set only', (t) => {
  const kernel = makeKernel();
  const foreign = kernel.plant({ match: intentOf(1).match, zone: 7 });
  const convergence = start(kernel);
  converge(convergence, 0, false);
  t.not(stands(kernel, foreign), undefined);
  convergence.readBackNext();
  converge(convergence, 0, true);
  t.is(stands(kernel, foreign), undefined);
});

test('placing: a set of more than one pass takes over what stands, and no entry goes in between', (t) => {
  const count = 10_500;
  const kernel = makeKernel({ slots: count });
  const intents = Array.from({ length: count }, (_, n) => intentOf(n, 'drop', { of: { in: 'eth0' } }));
  converge(start(kernel, intents));
  kernel.asked = [];
  const adopting = start(kernel);
  adopting.ledger.put(intents);
  converge(adopting);
  t.deepEqual(kernel.asked, []);
  t.is(adopting.slots.used, count);
});
