import test from 'ava';
import { Ingresses, type Moved } from '../../../../agent/reconcile/ingresses.ts';
import { tellIngresses } from '../../../../agent/reconcile/tell.ts';
import { encodeEvent } from '../../../../protocol/event.ts';
import { makeKernel, NOW } from './world.ts';

const GONE = 'it is not in this network namespace';

/** Looks again and again; answers what moved, as `name: why` and `name`. */
class Bench {
  readonly kernel = makeKernel();
  readonly ingresses: Ingresses;
  #atMs = NOW;

  constructor(...wanted: string[]) {
    this.ingresses = new Ingresses(wanted);
  }

  look(): readonly string[] {
    this.#atMs += 1;
    return said(this.ingresses.look(this.kernel.network(), this.#atMs));
  }

  lose(): readonly string[] {
    this.#atMs += 1;
    return said(this.ingresses.lose(this.#atMs));
  }
}

function said({ lost, back }: Moved): readonly string[] {
  return [...lost.map(({ name, lost: why }) => `${name}: ${why}`), ...back.map(({ name }) => name)];
}

test('ingresses: one that has the program is no news, and neither is a device of no interest', (t) => {
  const bench = new Bench();
  t.deepEqual(bench.look(), []);
  t.deepEqual(
    bench.ingresses.list.map(({ name }) => name),
    ['eth0'],
  );
  t.is(bench.ingresses.lostSinceMs, undefined);
});

const LOSSES: Readonly<Record<string, readonly [lose: (bench: Bench) => unknown, why: string]>> = {
  'its link is detached': [({ kernel }) => kernel.netdev('eth0', { attached: 'none' }), 'its program is gone'],
  'another program takes its place': [
    ({ kernel }) => kernel.netdev('eth0', { attached: 'foreign' }),
    'another XDP program is on it',
  ],
  'it is deleted, or moved away': [({ kernel }) => kernel.removeNetdev('eth0'), GONE],
  'it is made anew': [({ kernel }) => kernel.netdev('eth0', { ifindex: 9 }), 'it was made anew'],
  'the loader lets it go': [({ kernel }) => kernel.netdev('eth0', { attached: 'none', zone: 0 }), 'it was detached'],
};

for (const [what, [lose, why]] of Object.entries(LOSSES)) {
  test(`ingresses: ${what}: it is told once, since when, and that it is back`, (t) => {
    const bench = new Bench();
    bench.look();
    lose(bench);
    t.deepEqual(bench.look(), [`eth0: ${why}`]);
    t.is(bench.ingresses.lostSinceMs, NOW + 2);
    t.deepEqual(bench.look(), []);
    t.is(bench.ingresses.lostSinceMs, NOW + 2);
    t.like(bench.ingresses.list, [{ name: 'eth0', lost: why }]);
    bench.kernel.netdev('eth0', { attached: 'native', zone: 3 });
    t.deepEqual(bench.look(), ['eth0']);
    t.is(bench.ingresses.lostSinceMs, undefined);
    t.is(bench.ingresses.list.length, 1);
  });
}

test('ingresses: the pins may be lost, and come back with nothing attached', (t) => {
  const bench = new Bench();
  bench.look();
  t.deepEqual(bench.lose(), ['eth0: the pins are gone, or others now']);
  t.deepEqual(bench.lose(), []);
  bench.kernel.netdev('eth0', { attached: 'none', zone: 0 });
  t.deepEqual(bench.look(), ['eth0: it was detached']);
  t.is(bench.ingresses.lostSinceMs, NOW + 2);
});

test('ingresses: one that ought to be is told from the start, and so is a device that was gone before', (t) => {
  const bench = new Bench('eth7', 'eth1');
  bench.kernel.removeNetdev('eth0');
  t.deepEqual(bench.look(), ['eth1: nobody attached to it', `#2: ${GONE}`, `eth7: ${GONE}`]);
});

test('ingresses: a device that is renamed goes on under its new name', (t) => {
  const bench = new Bench();
  bench.look();
  bench.kernel.removeNetdev('eth0');
  bench.kernel.netdev('wan0', { ifindex: 2, attached: 'native', zone: 1 });
  t.deepEqual(bench.look(), []);
  t.deepEqual(
    bench.ingresses.list.map(({ name }) => name),
    ['wan0'],
  );
});

test('ingresses: where nothing is attached, packets pass, whatever is listed', (t) => {
  const bench = new Bench();
  bench.kernel.netdev('eth0', { attached: 'none', zone: 0 });
  t.deepEqual(bench.look(), []);
  t.is(bench.ingresses.lostSinceMs, NOW + 1);
});

test('tell: an interface is named with what became of it', (t) => {
  const bench = new Bench();
  bench.ingresses.look(bench.kernel.network(), NOW);
  bench.kernel.netdev('eth0', { attached: 'none' });
  const lost = tellIngresses({ host: 'h', at: NOW }, bench.ingresses.look(bench.kernel.network(), NOW));
  t.like(lost, [{ kind: 'blocked', code: 'NOT_ATTACHED', detail: 'eth0: its program is gone' }]);
  bench.kernel.netdev('eth0', { attached: 'native' });
  const back = tellIngresses({ host: 'h', at: NOW }, bench.ingresses.look(bench.kernel.network(), NOW));
  t.like(back, [{ kind: 'applied', detail: 'eth0: the program is attached again' }]);
  for (const event of [...lost, ...back]) t.true(encodeEvent(event).length > 0);
});
