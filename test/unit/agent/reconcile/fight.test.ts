import { basename } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { summarise } from '../../../../agent/reconcile/summarise.ts';
import { encodeStatus, parseStatus } from '../../../../protocol/status.ts';
import type { MemoryKernel } from '../../../fakes/memory-kernel.ts';
import { Bench, put } from './bench.ts';
import { DIRECT, intentOf, stands, TAKEN, TOLD, WHO } from './world.ts';

const MINUTE_MS = 60_000;
const OURS = intentOf(1).key;
const at = (n: number) => ({ match: intentOf(n).match, zone: 0 });

/** What somebody else does behind the agent's back, and what of the kernel it concerns. */
const WAYS: Readonly<
  Record<string, { readonly pin: string; readonly undo: (kernel: MemoryKernel, n: number) => void }>
> = {
  'deletes the entry': { pin: 'redirect4', undo: (kernel) => kernel.uproot(OURS) },
  'writes another action': { pin: 'redirect4', undo: (kernel) => kernel.plant(at(1), { action: 'pass' }) },
  'writes what is not sound': { pin: 'redirect4', undo: (kernel) => kernel.plant(at(1), { action: 'pass' }, false) },
  'plants an entry beside ours': { pin: 'redirect4', undo: (kernel) => kernel.plant(at(9)) },
  'plants another one each time': { pin: 'redirect4', undo: (kernel, n) => kernel.plant(at(9 + (n % 50))) },
  'plants what nobody can mean': { pin: 'redirect6', undo: (kernel) => kernel.plantStrays(6, 1 - kernel.strays(6)) },
  'empties the list of shapes': { pin: 'shapes', undo: (kernel) => kernel.setShapes(4, []) },
  'writes a list of shapes that is none': { pin: 'shapes', undo: (kernel) => kernel.setShapes(6, undefined) },
  'leads a port elsewhere': { pin: 'ports', undo: (kernel) => kernel.plug(3, 2) },
  'removes a port': { pin: 'ports', undo: (kernel) => kernel.unplug(3) },
  'writes the mark': { pin: 'control', undo: (kernel) => kernel.setMark({ epoch: 'e9', rev: 9, seq: 9 }) },
  'takes ready away': { pin: 'control', undo: (kernel) => kernel.setReady(false) },
};

/** It is about to read everything back. */
async function started(): Promise<Bench> {
  const bench = new Bench({ slots: 64, entries: 256, ports: 16 });
  await bench.start();
  await bench.accept(1, [put(1, 1, DIRECT)]);
  await bench.reconciler.settle();
  await bench.clock.pass(MINUTE_MS - 1);
  bench.told();
  return bench;
}

/** When ops were asked for, or words written that are ours: those of one moment are one repair. */
function watchRepairs({ kernel, clock }: Bench): Set<number> {
  const times = new Set<number>();
  const apply = kernel.apply.bind(kernel);
  const setMark = kernel.setMark.bind(kernel);
  const setReady = kernel.setReady.bind(kernel);
  const sweep = kernel.sweep.bind(kernel);
  kernel.sweep = () => {
    const swept = sweep();
    if (swept.removed[6] > 0) times.add(clock.monotonicMs());
    return swept;
  };
  kernel.setMark = (mark) => {
    if (mark.epoch === 'e1') times.add(clock.monotonicMs());
    setMark(mark);
  };
  kernel.setReady = (ready) => {
    if (ready) times.add(clock.monotonicMs());
    setReady(ready);
  };
  kernel.apply = (ops) => {
    times.add(clock.monotonicMs());
    return apply(ops);
  };
  return times;
}

/** Undoes it every so often for so long; answers how much was done, said and written in each minute. */
async function fight(bench: Bench, undo: (kernel: MemoryKernel, n: number) => void, everyMs: number, forMs: number) {
  const minutes: { repairs: number; events: number; lines: number }[] = [];
  const repairs = watchRepairs(bench);
  for (let n = 0, ms = 0; ms < forMs; n += 1, ms += everyMs) {
    if (ms % MINUTE_MS === 0) {
      repairs.clear();
      bench.published.length = 0;
      bench.lines.length = 0;
    }
    undo(bench.kernel, n);
    await bench.clock.pass(everyMs);
    const [events, lines] = [bench.published.length, bench.lines.length];
    minutes[Math.floor(ms / MINUTE_MS)] = { repairs: repairs.size, events, lines };
  }
  return minutes;
}

const pinsOf = (bench: Bench): string[] =>
  bench.reconciler
    .progress()
    .mapProblems.flatMap(({ detail = '' }) => detail.split(', ').map((path) => basename(path)));

/** It is over by itself, and what comes later is put right as ever. */
async function peace(t: ExecutionContext, bench: Bench, pin: string): Promise<void> {
  bench.published.length = 0;
  await bench.clock.pass(4 * MINUTE_MS);
  t.deepEqual(pinsOf(bench), []);
  t.like(
    bench.published.filter(({ detail }) => detail?.includes(pin)),
    [{ kind: 'applied', detail: bench.published.find(({ detail }) => detail?.includes('nobody else'))?.detail }],
  );
  const { states } = bench.reconciler.progress();
  t.is(states.get(OURS)?.state, 'installed');
  t.deepEqual([...bench.kernel.peek().entries.keys()], [OURS]);
  t.is(stands(bench.kernel, OURS)?.value.action, 'send');
  bench.told();
  bench.kernel.uproot(OURS);
  await bench.clock.pass(MINUTE_MS);
  t.deepEqual(bench.told(), ['drift 10.0.0.1/32:53']);
  t.is(stands(bench.kernel, OURS)?.value.action, 'send');
}

for (const [way, { pin, undo }] of Object.entries(WAYS)) {
  for (const everyMs of [200, 20_000]) {
    test(`fight: whoever ${way} every ${everyMs} ms is met ever less often, is named once, and forgotten once over`, async (t) => {
      await using bench = await started();
      const [first, ...later] = await fight(bench, undo, everyMs, 5 * MINUTE_MS);
      t.true((first?.repairs ?? 99) <= 20, `${first?.repairs} repairs in the first minute`);
      for (const { repairs, events, lines } of later) {
        t.true(repairs <= 13, `${repairs} repairs in a minute`);
        t.true(events <= 6 && lines <= 6, `${events} events, ${lines} lines in a minute`);
      }
      t.true((first?.repairs ?? 0) >= 1 && later.every(({ repairs }) => repairs >= 1), 'it does not give up');
      t.deepEqual(pinsOf(bench), [pin]);
      await peace(t, bench, pin);
    });
  }
}

/** Undoes an op as soon as it is done, before it is read back. */
function undoAtOnce({ kernel }: Bench, op: 'write' | 'port', undo: (kernel: MemoryKernel) => void): () => void {
  const apply = kernel.apply.bind(kernel);
  let on = true;
  kernel.apply = (ops) => {
    const results = apply(ops);
    if (on && ops.some((it) => it.op === op)) undo(kernel);
    return results;
  };
  return () => {
    on = false;
  };
}

test('fight: whoever undoes it before it is read back is met ever less often, too, and the redirect is said to fail', async (t) => {
  await using bench = await started();
  const end = undoAtOnce(bench, 'write', (kernel) => kernel.uproot(OURS));
  const [first, second] = await fight(bench, (kernel) => kernel.uproot(OURS), 200, 2 * MINUTE_MS);
  t.true((first?.repairs ?? 99) <= 20 && (second?.repairs ?? 99) <= 10, `${first?.repairs}, then ${second?.repairs}`);
  t.like(bench.reconciler.progress().states.get(OURS), { state: 'failed', code: 'FOREIGN_WRITER' });
  t.deepEqual(pinsOf(bench), ['redirect4']);
  end();
  await bench.clock.pass(MINUTE_MS);
  t.is(stands(bench.kernel, OURS)?.value.action, 'send');
  await peace(t, bench, 'redirect4');
});

test('fight: whoever is faster at a port does not keep the agent from coming to rest', async (t) => {
  await using bench = await started();
  const end = undoAtOnce(bench, 'port', (kernel) => kernel.plug(3, 2));
  bench.kernel.plug(3, 2);
  await bench.clock.pass(2 * MINUTE_MS);
  t.deepEqual(pinsOf(bench), ['ports']);
  await bench.accept(2, [put(2, 2)]);
  await bench.reconciler.settle();
  t.deepEqual(bench.revs(), [2, 2, 2], 'all else goes on');
  end();
  await bench.clock.pass(4 * MINUTE_MS);
  t.deepEqual([pinsOf(bench), [...bench.kernel.network().ports]], [[], [[3, 3]]]);
});

test('fight: looking at a redirect again and again has it put right no more often', async (t) => {
  await using bench = await started();
  const undo = (kernel: MemoryKernel): void => {
    kernel.uproot(OURS);
    bench.reconciler.again([OURS]);
  };
  const [first, second] = await fight(bench, undo, 50, 2 * MINUTE_MS);
  t.true((first?.repairs ?? 99) <= 20 && (second?.repairs ?? 99) <= 3, `${first?.repairs}, then ${second?.repairs}`);
});

test('fight: it is met as often where somebody asks meanwhile what stands there', async (t) => {
  await using bench = await started();
  const undo = (kernel: MemoryKernel): void => {
    kernel.uproot(OURS);
    kernel.lookup([at(1)]);
  };
  await fight(bench, undo, 200, 5 * MINUTE_MS);
  t.deepEqual(pinsOf(bench), ['redirect4']);
  await bench.clock.pass(MINUTE_MS);
  t.is(stands(bench.kernel, OURS)?.value.action, 'send');
  await peace(t, bench, 'redirect4');
});

test('fight: what is fought over is not said to be in force, all else is, and the host names the pin', async (t) => {
  await using bench = await started();
  await bench.accept(2, [put(2, 2, DIRECT)]);
  await bench.reconciler.settle();
  bench.told();
  await fight(bench, (kernel) => kernel.uproot(OURS), 200, 10_000);
  t.deepEqual(bench.told(), [
    ...['drift 10.0.0.1/32:53', 'drift 10.0.0.1/32:53'],
    ...['failed 10.0.0.1/32:53 FOREIGN_WRITER', 'drift undefined FOREIGN_WRITER'],
  ]);
  const status = summarise(WHO, bench.reconciler.progress(), TAKEN, TOLD);
  t.like(status, {
    ...{ problem: 'FOREIGN_WRITER', counts: { installed: 1, failed: 1 }, exceptionsTotal: 1 },
    exceptions: [{ name: 'r1', state: 'failed', code: 'FOREIGN_WRITER' }],
  });
  t.deepEqual(
    status.problems?.map(({ code, detail }) => [code, detail]),
    [['FOREIGN_WRITER', '/sys/fs/bpf/shunt/v2/redirect4']],
  );
  t.deepEqual(parseStatus(encodeStatus(status)).problems, status.problems);
  t.true(bench.lines.some((line) => line.includes('/sys/fs/bpf/shunt/v2/redirect4')));
  const { sinceMs } = bench.reconciler.progress().states.get(OURS) ?? {};
  await fight(bench, (kernel) => kernel.uproot(OURS), 200, MINUTE_MS);
  t.is(bench.reconciler.progress().states.get(OURS)?.sinceMs, sinceMs);
  bench.told();
  await bench.clock.pass(4 * MINUTE_MS);
  t.deepEqual(bench.told(), ['applied undefined', 'applied 10.0.0.1/32:53']);
  await bench.accept(3, [{ op: 'delete', rev: 3, key: OURS }]);
  await bench.reconciler.settle();
  t.deepEqual(bench.told(), ['removed 10.0.0.1/32:53']);
});

test('fight: who changes something once, or twice, is no fight; it is looked at again a second later', async (t) => {
  await using bench = await started();
  for (let n = 0; n < 2; n += 1) {
    bench.kernel.uproot(OURS);
    await bench.clock.pass(MINUTE_MS);
    t.is(stands(bench.kernel, OURS)?.value.action, 'send');
  }
  t.deepEqual(pinsOf(bench), []);
  bench.kernel.uproot(OURS);
  bench.reconciler.again([OURS]);
  await bench.reconciler.settle();
  bench.kernel.uproot(OURS);
  await bench.clock.pass(1_000);
  t.is(stands(bench.kernel, OURS)?.value.action, 'send');
});

test('fight: what is changed again right after it was put right is one change, told once', async (t) => {
  await using bench = await started();
  await bench.accept(2, [put(2, 2, DIRECT)]);
  await bench.reconciler.settle();
  bench.told();
  const seen = async (n: number): Promise<void> => {
    bench.kernel.uproot(intentOf(n).key);
    bench.reconciler.again([intentOf(n).key]);
    await bench.clock.pass(0);
  };
  await seen(2);
  await bench.clock.pass(800);
  await seen(1);
  bench.kernel.uproot(OURS);
  await bench.clock.pass(200); // everything is read back, a second after the first change
  t.is(stands(bench.kernel, OURS)?.value.action, 'send');
  t.deepEqual(bench.told(), ['drift 10.0.0.2/32:53', 'drift 10.0.0.1/32:53']);
});

test('fight: whoever empties a map of thousands again and again costs ever less, and few events', async (t) => {
  const count = 5_000;
  await using bench = new Bench({ slots: count });
  const intents = Array.from({ length: count }, (_, n) => intentOf(n + 1));
  bench.store.set = new Map(intents.map((intent) => [intent.key, intent]));
  bench.store.stored = { ...bench.store.stored, cursor: { epoch: 'e1', rev: 1 }, seq: 1 };
  await (await bench.start()).settle();
  const empty = (kernel: MemoryKernel): void => {
    for (const id of kernel.peek().entries.keys()) kernel.uproot(id);
  };
  const minutes = await fight(bench, empty, 1_000, 3 * MINUTE_MS);
  t.true((minutes[0]?.repairs ?? 99) <= 8 && (minutes[2]?.repairs ?? 99) <= 2, JSON.stringify(minutes));
  for (const { events, lines } of minutes) t.true(events <= 200 && lines <= 100, JSON.stringify(minutes));
  t.is(
    bench.reconciler
      .progress()
      .states.values()
      .filter(({ code }) => code === 'FOREIGN_WRITER')
      .toArray().length,
    count,
  );
  await bench.clock.pass(4 * MINUTE_MS);
  t.deepEqual(pinsOf(bench), []);
  t.is(
    bench.reconciler
      .progress()
      .states.values()
      .filter(({ state }) => state === 'installed')
      .toArray().length,
    count,
  );
});
