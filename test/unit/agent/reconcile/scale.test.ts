import test, { type ExecutionContext } from 'ava';
import type { Intent } from '../../../../protocol/intent.ts';
import { converge, intentOf, makeKernel, NOW, start, VIA } from './world.ts';

/** Small where every run pays for it; SCALE_INTENTS=100000 is the size that matters. */
const COUNT = Number(process.env.SCALE_INTENTS ?? 20_000);
const many = (): Intent[] => Array.from({ length: COUNT }, (_, n) => intentOf(n, VIA));

/** Logs how long it took: a number to look at, not one to fail by on a busy machine. */
function timed<T>(t: ExecutionContext, what: string, act: () => T): T {
  const [from, cpu] = [performance.now(), process.cpuUsage()];
  const result = act();
  const { user, system } = process.cpuUsage(cpu);
  t.log(`${what}: ${(performance.now() - from).toFixed(1)} ms, of CPU ${((user + system) / 1000).toFixed(1)}`);
  return result;
}

test.serial('scale: many intents are installed, and one change among them is one op', (t) => {
  const intents = many();
  const kernel = makeKernel({ slots: COUNT + 10 });
  const convergence = timed(t, 'start with an empty kernel', () => start(kernel, intents));
  const passes = timed(t, 'all passes', () => converge(convergence));
  t.log(`${passes.length} passes`);
  t.is(kernel.peek().entries.size, COUNT);
  const one = (what: string, act: () => void, ops: number): void => {
    kernel.asked = [];
    timed(t, what, () => {
      act();
      converge(convergence);
    });
    t.is(kernel.asked.length, ops, what);
  };
  one('one more intent', () => convergence.ledger.put([intentOf(COUNT, 'drop')]), 1);
  one('one intent changed', () => convergence.ledger.put([intentOf(7, 'drop', { rev: 2 })]), 1);
  one('one intent removed', () => convergence.ledger.remove([intentOf(7).key]), 1);
  one('the network looked at', () => convergence.refreshNetworkNext(), 0);
  one('a full read-back', () => convergence.readBackNext(), 0);
  kernel.neighbour('eth1', '192.0.2.1', '02:00:00:00:01:77');
  one('a next hop with another MAC', () => convergence.refreshNetworkNext(), COUNT - 1);
});

test.serial('scale: a start on many entries that stand changes nothing', (t) => {
  const intents = many();
  const kernel = makeKernel({ slots: COUNT });
  const first = start(kernel, intents);
  converge(first);
  kernel.asked = [];
  const second = timed(t, 'start', () => start(kernel, intents, [...first.ledger.states.values()]));
  timed(t, 'all passes', () => converge(second));
  t.deepEqual(kernel.asked, []);
});

test.serial('scale: many that wait for room do not make each removal slow', (t) => {
  const kernel = makeKernel({ slots: 100 });
  const convergence = start(kernel, many());
  converge(convergence);
  timed(t, 'ten removals, one by one', () => {
    for (let n = 0; n < 10; n += 1) {
      convergence.ledger.remove([intentOf(n).key]);
      converge(convergence);
    }
  });
  t.is(kernel.peek().entries.size, 100);
});

test.serial('scale: deadlines of many intents', (t) => {
  const intents = many().map((intent) => ({ ...intent, expires: NOW + 60_000 }));
  const kernel = makeKernel({ slots: COUNT });
  const convergence = start(kernel, intents);
  converge(convergence);
  const { decided } = timed(t, 'a pass while none has come', () => convergence.pass(NOW, () => 0, true));
  t.deepEqual([decided, convergence.schedule.firstMs], [0, NOW + 60_000]);
});
