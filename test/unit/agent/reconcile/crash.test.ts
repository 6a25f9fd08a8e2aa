import test from 'ava';
import type { EntryState } from '../../../../agent/model/state.ts';
import type { Convergence } from '../../../../agent/reconcile/convergence.ts';
import type { Intent } from '../../../../protocol/intent.ts';
import { Crash, type MemoryKernel } from '../../../fakes/memory-kernel.ts';
import { converge, DIRECT, intentOf, makeKernel, NOW, slotsOf, start, statesOf, VIA } from './world.ts';

const OLD = [intentOf(1, DIRECT), intentOf(2, 'drop'), intentOf(3, VIA), intentOf(4, 'drop', { of: { in: 'eth0' } })];
const NEW = [
  ...[intentOf(1, VIA, { rev: 9 }), intentOf(3, 'drop', { rev: 9 }), intentOf(5, 'pass', { rev: 9 })],
  intentOf(0, DIRECT, { rev: 9, of: { dst: '2001:db8::/32' } }),
];

/** A kernel converged on the old set, and the rows that were stored of it. */
function before(): { kernel: MemoryKernel; rows: Map<string, EntryState> } {
  const kernel = makeKernel({ slots: 6 });
  const convergence = start(kernel, OLD);
  converge(convergence);
  return { kernel, rows: new Map(convergence.ledger.states) };
}

/** Makes passes and keeps the rows of each, as the reconciler does, until done or dead. */
function run(convergence: Convergence, rows: Map<string, EntryState>): void {
  do {
    const { changed, forgotten } = convergence.pass(NOW, () => 0, true);
    for (const { key } of forgotten) rows.delete(key);
    for (const { now } of changed) rows.set(now.key, now);
  } while (convergence.pending);
}

function rowsByKey(rows: Iterable<EntryState>): unknown {
  return [...rows].map(({ key, state, slot }) => [key, state, slot]).sort();
}

/** Dies after `ops` of the way from old to new; answers false when it came through alive. */
function die(kernel: MemoryKernel, rows: Map<string, EntryState>, ops: number): boolean {
  kernel.opsToLive = ops;
  try {
    run(start(kernel, NEW, [...rows.values()]), rows);
    return false;
  } catch (error) {
    if (!(error instanceof Crash)) throw error;
    return true;
  } finally {
    kernel.opsToLive = Number.POSITIVE_INFINITY;
  }
}

function check(t: { deepEqual(a: unknown, b: unknown): void }, kernel: MemoryKernel, rows: Map<string, EntryState>) {
  const convergence = start(kernel, NEW as Intent[], [...rows.values()]);
  run(convergence, rows);
  t.deepEqual(
    statesOf(convergence, NEW),
    NEW.map(() => 'installed'),
  );
  t.deepEqual([...kernel.peek().entries.keys()].sort(), NEW.map((it) => it.key).sort());
  const slots = slotsOf(convergence);
  t.deepEqual([slots.size, convergence.slots.used], [NEW.length, NEW.length]);
  for (const [key, { value }] of kernel.peek().entries) t.deepEqual(value.slot, slots.get(key));
  t.deepEqual(rowsByKey(rows.values()), rowsByKey(convergence.ledger.states.values()));
}

test('crash: after any op a new start converges, and no slot has two keys', (t) => {
  let ops = 0;
  for (; ; ops += 1) {
    const { kernel, rows } = before();
    const died = die(kernel, rows, ops);
    check(t, kernel, rows);
    if (!died) break;
  }
  t.true(ops > 6);
});

test('crash: a second one on the way back changes nothing about that', (t) => {
  for (let first = 0; first < 8; first += 1) {
    for (let second = 0; second < 8; second += 1) {
      const { kernel, rows } = before();
      die(kernel, rows, first);
      die(kernel, rows, second);
      check(t, kernel, rows);
    }
  }
});

test('crash: rows that were not stored are found out from the kernel', (t) => {
  for (let ops = 0; ops < 12; ops += 1) {
    const { kernel, rows } = before();
    die(kernel, new Map(rows), ops);
    check(t, kernel, rows);
  }
});

test('crash: neither rows nor anything else but the set is needed', (t) => {
  for (let ops = 0; ops < 12; ops += 1) {
    const { kernel, rows } = before();
    die(kernel, rows, ops);
    check(t, kernel, new Map());
  }
});

test('crash: a reboot that left nothing in the kernel is no different', (t) => {
  const { rows } = before();
  check(t, makeKernel({ slots: 6 }), rows);
});
