import test from 'ava';
import { KernelError } from '../../../../agent/model/kernel-error.ts';
import { Convergence } from '../../../../agent/reconcile/convergence.ts';
import { HostJudge } from '../../../../agent/reconcile/guard.ts';
import { StillStanding } from '../../../../agent/reconcile/still-standing.ts';
import { atOnce } from '../../../../daemon/parts.ts';
import type { Guard } from '../../../../protocol/guard.ts';
import type { Intent } from '../../../../protocol/intent.ts';
import type { MemoryKernel } from '../../../fakes/memory-kernel.ts';
import { converge, DIRECT, intentOf, makeKernel, NEXT_HOP, NOW, start, VIA } from './world.ts';

const OTHER = { nexthop: '192.0.2.9', interface: 'eth1' };
const KEEP = { nexthop: NEXT_HOP, ttl: 'keep' } as const;

/** A kernel in which this stands, and nothing else. */
function kernelWith(intent: Intent): MemoryKernel {
  const kernel = makeKernel();
  converge(start(kernel, [intent]));
  return kernel;
}

function standing(kernel: MemoryKernel, intents: readonly Intent[], guard: Guard = { protect: [] }): StillStanding {
  const judge = new HostJudge({ now: { guard }, look() {} });
  return new StillStanding(atOnce(Convergence.on(kernel, intents, [], { judge })), kernel.clock, NOW);
}

test('still standing: what stands as it is stored is the very intent, and what does not stand is not there', (t) => {
  const [one, two] = [intentOf(1, VIA, { rev: 7 }), intentOf(2, VIA, { rev: 8 })];
  const it = standing(kernelWith(one), [one, two]);
  t.is(it.size, 1);
  t.is(it.get(one.key), one);
  t.is(it.get(two.key), undefined);
});

test('still standing: of another revision it goes where its entry leads', (t) => {
  const stored = intentOf(1, 'drop', { rev: 3 });
  const of = (to: Intent['to'], put?: Intent) =>
    standing(kernelWith(intentOf(1, to, { rev: 7 })), [stored]).get(stored.key, put);
  t.deepEqual(of('pass'), { ...stored, rev: 7, to: 'pass' });
  t.deepEqual(of(DIRECT), { ...stored, rev: 7, to: DIRECT });
  t.deepEqual(of(VIA), { ...stored, rev: 7, to: { interface: 'eth1', mac: '02:00:00:00:01:01' } });
  t.deepEqual(of(KEEP)?.to, { interface: 'eth1', mac: '02:00:00:00:01:01', ttl: 'keep' });
  t.deepEqual(
    of(VIA, intentOf(1, VIA, { rev: 9 })),
    { ...stored, rev: 7, to: VIA },
    'what takes its place leads there',
  );
  t.not(of(VIA, intentOf(1, KEEP, { rev: 9 }))?.to, VIA);
});

test('still standing: it ends when its entry does, and as it is stored where the pins are gone and nobody says when that is', (t) => {
  const stored = intentOf(1, 'drop', { rev: 3, expires: NOW + 90_000 });
  const kernel = kernelWith(intentOf(1, 'pass', { rev: 7, expires: NOW + 60_000 }));
  const it = standing(kernel, [stored]);
  t.is(it.get(stored.key)?.expires, NOW + 60_000);
  kernel.clock.now = () => {
    throw new KernelError('open program', 'clock', 'ENOENT');
  };
  t.is(it.get(stored.key)?.expires, NOW + 90_000);
});

test('still standing: while a next hop does not answer, its revision says whether an entry leads there', (t) => {
  const [stored, stands] = [intentOf(1, 'drop', { rev: 3 }), intentOf(1, DIRECT, { rev: 7 })];
  const it = standing(kernelWith(stands), [stored]);
  t.is(it.get(stored.key, { ...stands, to: OTHER })?.to, OTHER);
  t.deepEqual(it.get(stored.key, { ...stands, to: OTHER, rev: 8 })?.to, DIRECT);
});

test('still standing: where a guard limits targets, what only a MAC address could say goes where is stored', (t) => {
  const stored = intentOf(1, VIA, { rev: 3 });
  const it = standing(kernelWith(intentOf(1, DIRECT, { rev: 7 })), [stored], {
    targets: ['192.0.2.0/24'],
    protect: [],
  });
  t.deepEqual(it.get(stored.key), { ...stored, rev: 7 });
});
