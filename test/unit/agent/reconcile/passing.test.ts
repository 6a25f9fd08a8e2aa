import test from 'ava';
import type { PassedHits } from '../../../../agent/ports.ts';
import { Passing } from '../../../../agent/reconcile/passing.ts';
import { summarise } from '../../../../agent/reconcile/summarise.ts';
import { tellPassed } from '../../../../agent/reconcile/tell.ts';
import { MAX_MESSAGE_BYTES } from '../../../../protocol/json.ts';
import { MAX_PASSED } from '../../../../protocol/packets.ts';
import { encodeStatus, parseStatus, type Status } from '../../../../protocol/status.ts';
import { MemoryKernel } from '../../../fakes/memory-kernel.ts';
import { AT_REST, intentOf, NOW } from './world.ts';

const MINUTE = 60_000;
const SECOND = 1_000;
const NOBODY: ReadonlySet<number> = new Set();

/** Looks at a kernel's counts; a slot n is that of `intentOf(n)`, unless another holds it. */
class Watch {
  readonly kernel = new MemoryKernel();
  readonly passing = new Passing();
  readonly holders = new Map<number, number>();

  look(atMs = 0, retired = NOBODY) {
    const holderOf = (slot: number) => intentOf(this.holders.get(slot) ?? slot);
    const at = { nowMs: NOW + atMs, monotonicMs: atMs };
    const { begun, changed } = this.passing.look(this.kernel.passed(), holderOf, retired, at);
    return { begun: begun.map(({ intent, reason }) => `${intent.name} ${reason}`), changed };
  }

  get listed(): readonly string[] | undefined {
    return this.passing.passed?.map(
      ({ intent, reason, packets, sinceMs }) => `${intent.name} ${reason} ${packets} ${sinceMs - NOW}`,
    );
  }
}

test('passed: what was passed before the first look is no news', (t) => {
  const watch = new Watch();
  watch.kernel.pass(3, 'TOO_BIG', 7n);
  t.deepEqual(watch.look(), { begun: [], changed: false });
  t.deepEqual(watch.look(), { begun: [], changed: false });
  t.deepEqual(watch.listed, []);
});

test('passed: it begins once for a redirect and reason, grows, and ends a minute after its last packet', (t) => {
  const watch = new Watch();
  watch.look();
  watch.kernel.pass(3, 'TOO_BIG', 7n);
  t.deepEqual(watch.look(1), { begun: ['r3 TOO_BIG'], changed: true });
  watch.kernel.pass(3, 'TOO_BIG', 5n);
  watch.kernel.pass(3, 'TTL', 2n);
  watch.kernel.pass(4, 'TTL', 3n);
  t.deepEqual(watch.look(2), { begun: ['r3 TTL', 'r4 TTL'], changed: true });
  t.deepEqual(watch.listed, ['r3 TOO_BIG 12 1', 'r4 TTL 3 2', 'r3 TTL 2 2'], 'the most first');
  t.false(watch.look(1 + MINUTE).changed);
  t.deepEqual(watch.look(2 + MINUTE), { begun: [], changed: true });
  t.deepEqual(watch.listed, []);
  watch.kernel.pass(3, 'TOO_BIG', 1n);
  t.deepEqual(watch.look(3 + MINUTE).begun, ['r3 TOO_BIG']);
  t.deepEqual(watch.listed, [`r3 TOO_BIG 1 ${3 + MINUTE}`]);
});

test('passed: a wall clock that jumps ends nothing and keeps nothing', (t) => {
  const { kernel, passing } = new Watch();
  const look = (nowMs: number, monotonicMs: number) =>
    passing.look(kernel.passed(), intentOf, NOBODY, { nowMs, monotonicMs });
  look(NOW, 0);
  kernel.pass(1, 'VLAN');
  look(NOW, 1);
  look(NOW + 400 * 24 * 60 * MINUTE, 2);
  t.is(passing.passed?.length, 1);
  look(NOW - 400 * 24 * 60 * MINUTE, 1 + MINUTE);
  t.deepEqual(passing.passed, []);
});

test('passed: a slot that was given to another redirect counts from zero, and its former one is listed no more', (t) => {
  const watch = new Watch();
  watch.look();
  watch.kernel.pass(3, 'TOO_BIG', 7n);
  watch.look(1);
  for (const [packets, atMs] of [
    [7n, 2],
    [9n, 3],
    [2n, 4],
  ] as const) {
    watch.kernel.retire([3]);
    watch.holders.set(3, atMs);
    watch.kernel.pass(3, 'TOO_BIG', packets);
    t.deepEqual(watch.look(atMs, new Set([3])), { begun: [`r${atMs} TOO_BIG`], changed: true });
    t.deepEqual(watch.listed, [`r${atMs} TOO_BIG ${packets} ${atMs}`]);
  }
  watch.kernel.retire([3]);
  t.deepEqual(watch.look(5, new Set([3])), { begun: [], changed: true });
  t.deepEqual(watch.listed, []);
});

test('passed: hits of a slot that nobody holds are nobody’s, and of a redirect that is desired no more are no news', (t) => {
  const { kernel, passing } = new Watch();
  let holder: ReturnType<typeof intentOf> | undefined = intentOf(1);
  const look = (monotonicMs: number) =>
    passing.look(kernel.passed(), () => holder, NOBODY, { nowMs: NOW, monotonicMs });
  look(0);
  kernel.pass(1, 'TTL');
  look(1);
  t.is(passing.passed?.length, 1);
  holder = undefined;
  kernel.pass(1, 'TTL');
  t.true(look(2).changed);
  t.deepEqual(passing.passed, []);
});

test('passed: it is looked for once a second at most', (t) => {
  const watch = new Watch();
  t.true(watch.passing.isDue(0));
  watch.look(0);
  t.false(watch.passing.isDue(SECOND - 1));
  t.true(watch.passing.isDue(SECOND));
});

test('passed: of a million slots only those that changed are told', (t) => {
  const slots = 2 ** 20;
  const passing = new Passing();
  const look = (bySlot: BigUint64Array, monotonicMs: number) => {
    const counts: PassedHits = new Map([['TOO_BIG', bySlot]]);
    return passing.look(counts, intentOf, NOBODY, { nowMs: NOW, monotonicMs });
  };
  const bySlot = new BigUint64Array(slots).fill(5n);
  look(bySlot, 0);
  t.deepEqual(look(bySlot, 1).begun, []);
  const grown = bySlot.slice();
  grown[slots - 1] = 6n;
  t.deepEqual(
    look(grown, 2).begun.map(({ intent, packets }) => [intent.name, packets]),
    [[`r${slots - 1}`, 1n]],
  );
});

const WHO = { host: 'h1', boot: 'b1', agent: '0.1.0', can: [], labels: {}, interfaces: [] };

function statusOf(passing: Pick<Passing, 'passed'>, maxBytes = MAX_MESSAGE_BYTES): Status {
  const progress = { ...AT_REST, passed: passing.passed };
  const taken = { footing: { digest: '0'.repeat(32) }, refused: { total: 0, byCode: {} }, problems: [] };
  return parseStatus(encodeStatus(summarise(WHO, progress, taken, { nowMs: NOW, seq: 1, maxBytes })));
}

test('summarise: a redirect whose packets are passed is listed once, with all reasons, and the states stay', (t) => {
  const watch = new Watch();
  watch.look();
  t.false('passed' in statusOf(watch.passing));
  for (let slot = 0; slot < MAX_PASSED + 3; slot += 1) watch.kernel.pass(slot, 'TOO_BIG', BigInt(100 + slot));
  watch.look(5);
  watch.kernel.pass(MAX_PASSED + 2, 'TTL', 1n);
  watch.look(6);
  const status = statusOf(watch.passing);
  t.is(status.passed?.length, MAX_PASSED);
  t.is(status.passedTotal, MAX_PASSED + 3);
  t.deepEqual(status.passed?.[0], { name: 'r34', reasons: { TOO_BIG: '134', TTL: '1' }, since: NOW + 5 });
  t.is(status.exceptionsTotal, 0);
});

test('summarise: of passed hits as many are listed as the bus takes, and all are counted', (t) => {
  const watch = new Watch();
  watch.look();
  for (let slot = 0; slot < MAX_PASSED; slot += 1) watch.kernel.pass(slot, 'TOO_BIG');
  watch.look(1);
  const whole = encodeStatus(statusOf(watch.passing)).length;
  const short = statusOf(watch.passing, whole - 1);
  t.is(short.passed?.length, MAX_PASSED / 2);
  t.is(short.passedTotal, MAX_PASSED);
});

test('tell: packets that are passed are an event of each redirect, of a few', (t) => {
  const begun = Array.from({ length: MAX_PASSED + 1 }, (_, n) => ({
    ...{ intent: intentOf(n), reason: 'TOO_BIG', packets: 1n, sinceMs: NOW },
  }));
  const events = tellPassed({ host: 'h1', at: NOW }, begun);
  t.is(events.length, MAX_PASSED);
  t.deepEqual(events[0], {
    ...{ v: 1, host: 'h1', at: NOW, kind: 'undelivered', key: intentOf(0).key, name: 'r0', rev: 1 },
    ...{ code: 'HITS_PASSED', detail: 'TOO_BIG' },
  });
});
