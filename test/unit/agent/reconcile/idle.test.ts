import test from 'ava';
import { KernelError } from '../../../../agent/model/kernel-error.ts';
import { StoreError } from '../../../../agent/model/store-error.ts';
import type { Change, Intent } from '../../../../protocol/intent.ts';
import { Bench } from './bench.ts';
import { intentOf } from './world.ts';

const AFTER_MS = 10_000;

function put(n: number, rev: number, rearm: 'revision' | 'never' = 'revision', more: Partial<Intent> = {}): Change {
  return { op: 'put', ...intentOf(n, 'drop', { rev, idle: { afterMs: AFTER_MS, rearm }, ...more }) };
}

/** A host with a redirect that is given up after ten seconds, and one for ever. */
class Quiet extends Bench {
  static async start(rearm: 'revision' | 'never' = 'revision'): Promise<Quiet> {
    const bench = new Quiet();
    await bench.start();
    await bench.accept(2, [put(1, 1, rearm), { op: 'put', ...intentOf(2, 'drop', { rev: 2 }) }]);
    await bench.reconciler.settle();
    bench.told();
    return bench;
  }

  /** A packet for the first, now. */
  hit(): void {
    const { slot } = this.row;
    if (slot === null) throw new Error('it has no slot');
    const { packets, bytes } = this.kernel.counters([slot])[0] ?? { packets: 0n, bytes: 0n };
    const seen = this.kernel.clock.now().jiffies;
    this.kernel.count(slot, { packets: packets + 1n, bytes: bytes + 64n, seen });
  }

  get row() {
    const row = this.reconciler.view.states.get(intentOf(1).key);
    if (row === undefined) throw new Error('it is not known');
    return row;
  }

  /** Whether the first one stands, and the other. */
  get stand(): boolean[] {
    return [1, 2].map((n) => this.kernel.acts(intentOf(n).key));
  }
}

test('idle: what no packet meets is gone after its time, is said to be idle, and what has no such time stays', async (t) => {
  await using bench = await Quiet.start();
  await bench.clock.pass(5_000);
  bench.hit();
  await bench.clock.pass(AFTER_MS - 1_000);
  t.deepEqual(bench.stand, [true, true]);
  await bench.clock.pass(3_000);
  t.deepEqual(bench.stand, [false, true]);
  t.deepEqual(bench.told(), ['idle 10.0.0.1/32:53']);
  t.is(bench.row.state, 'idle');
  t.is(bench.row.counted?.packets, 1n);
  t.deepEqual(bench.revs(), [2, 2, 2], 'it is applied: by its own rule');
  await bench.clock.pass(120_000);
  t.deepEqual(bench.stand, [false, true], 'no read-back brings it back');
  t.deepEqual(bench.told(), []);
});

test('idle: every hit counts from itself', async (t) => {
  await using bench = await Quiet.start();
  for (let n = 0; n < 20; n += 1) {
    bench.hit();
    await bench.clock.pass(AFTER_MS - 1_500);
  }
  t.deepEqual(bench.stand, [true, true]);
  t.deepEqual(bench.told(), []);
});

test('idle: a newer revision arms it again, and its clock starts anew; the same one does not', async (t) => {
  await using bench = await Quiet.start();
  await bench.clock.pass(AFTER_MS / 2);
  await bench.accept(3, [put(1, 3)]);
  await bench.clock.pass(AFTER_MS - 2_000);
  t.deepEqual(bench.stand, [true, true], 'of the newer revision');
  await bench.clock.pass(4_000);
  t.deepEqual(bench.stand, [false, true]);
  bench.reconciler.again([intentOf(1).key]);
  await bench.accept(3, [put(1, 3), { op: 'put', ...intentOf(2, 'drop', { rev: 2 }) }], 'empty');
  await bench.clock.pass(2_000);
  t.deepEqual(bench.stand, [false, true], 'neither a repeat nor the whole set again');
  await bench.accept(4, [put(1, 4)]);
  await bench.clock.pass(1_000);
  t.deepEqual(bench.stand, [true, true]);
});

test('idle: an older revision arms nothing: a log may be put back, and what was given up may be what it has again', async (t) => {
  await using bench = await Quiet.start();
  await bench.clock.pass(AFTER_MS + 2_000);
  await bench.accept(4, [put(1, 4, 'never')]);
  await bench.clock.pass(1_000);
  t.deepEqual([bench.row.state, bench.row.rev], ['idle', 4]);
  const whole = (rev: number, next: number): Promise<unknown> =>
    bench.accept(rev, [put(1, next), { op: 'put', ...intentOf(2, 'drop', { rev: 2 }) }], 'empty');
  await whole(2, 1);
  await bench.clock.pass(2_000);
  t.deepEqual(bench.stand, [false, true]);
  await whole(5, 5);
  await bench.clock.pass(1_000);
  t.deepEqual(bench.stand, [true, true]);
});

test('idle: what is taken back stands again as it was, though what had its place was given up by then', async (t) => {
  await using bench = await Quiet.start();
  const shorter = put(1, 3, 'revision', { idle: { afterMs: 1_000, rearm: 'revision' } });
  await bench.accept(3, [{ ...shorter, confirm: { withinMs: 30_000 } }]);
  await bench.clock.pass(5_000);
  t.deepEqual(bench.stand, [false, true]);
  await bench.clock.pass(28_000);
  t.deepEqual(bench.stand, [true, true]);
  await bench.clock.pass(AFTER_MS + 1_000);
  t.deepEqual(bench.stand, [false, true], 'by its own time');
});

test('idle: one that says never stays away, whatever its revision, until it is armed by name or has no such time any more', async (t) => {
  await using bench = await Quiet.start('never');
  await bench.clock.pass(AFTER_MS + 2_000);
  await bench.accept(3, [put(1, 3, 'never')]);
  await bench.clock.pass(1_000);
  t.deepEqual(bench.stand, [false, true]);
  await bench.reconciler.arm([intentOf(1).key]);
  t.deepEqual(bench.stand, [true, true]);
  t.is(bench.row.state, 'installed');
  await bench.clock.pass(AFTER_MS - 1_000);
  t.deepEqual(bench.stand, [true, true], 'its clock starts anew');
  await bench.clock.pass(3_000);
  t.deepEqual(bench.stand, [false, true]);
  await bench.accept(4, [{ op: 'put', ...intentOf(1, 'drop', { rev: 4 }) }]);
  await bench.clock.pass(1_000);
  t.deepEqual(bench.stand, [true, true]);
});

test('idle: an agent that died before the kernel op, and one after it that may not touch anything yet: a packet meanwhile, and it never goes', async (t) => {
  await using bench = await Quiet.start();
  await bench.clock.pass(AFTER_MS - 1_000);
  bench.kernel.opsToLive = 0;
  await bench.clock.pass(4_000);
  bench.kernel.opsToLive = Number.POSITIVE_INFINITY;
  bench.kernel.asked = [];
  const at = { epoch: 'e1', rev: 2 };
  await bench.start({ is: 'unproven', at, digest: '', have: at, why: 'STORE_DAMAGED' });
  await bench.clock.pass(2_000);
  bench.hit();
  await bench.accept(3, [{ op: 'put', ...intentOf(3, 'drop', { rev: 3 }) }]);
  await bench.clock.pass(2_000);
  t.deepEqual(bench.stand, [true, true]);
  t.false(bench.kernel.asked.some(({ op }) => op === 'delete'));
});

test('idle: a packet between the disk and the kernel, and it stands again within one put', async (t) => {
  await using bench = await Quiet.start();
  await bench.clock.pass(AFTER_MS - 1_000);
  const { saveEntries } = bench.store;
  bench.store.saveEntries = async (entries, forget) => {
    await saveEntries.call(bench.store, entries, forget);
    if (entries.some(({ state }) => state === 'idle')) bench.hit();
  };
  bench.kernel.asked = [];
  await bench.clock.pass(4_000);
  t.deepEqual(bench.stand, [true, true]);
  t.deepEqual(
    bench.kernel.asked.map(({ op }) => op).filter((op) => op === 'write' || op === 'delete'),
    ['delete', 'write'],
  );
  t.deepEqual(bench.told(), ['applied 10.0.0.1/32:53']);
  bench.store.saveEntries = saveEntries;
  await bench.clock.pass(AFTER_MS + 2_000);
  t.deepEqual(bench.stand, [false, true], 'silence ends it all the same');
});

test('idle: what the disk does not take is not done, and is tried again', async (t) => {
  await using bench = await Quiet.start();
  await bench.clock.pass(AFTER_MS - 1_000);
  bench.store.failures.push(...Array.from({ length: 3 }, () => new StoreError('FULL', 'disk', 'full')));
  await bench.clock.pass(2_000);
  t.deepEqual(bench.stand, [true, true]);
  await bench.clock.pass(5_000);
  t.deepEqual(bench.stand, [false, true]);
  t.deepEqual(bench.fatal, []);
});

/** As the commands do that put bypass on, attach and detach. */
function moveBlinds({ kernel }: Quiet): void {
  kernel.blinded += 1;
}

for (const [what, blind, see] of [
  [
    'bypass is on',
    (it: Quiet) => {
      moveBlinds(it);
      it.kernel.bypassed = true;
    },
    (it: Quiet) => {
      it.kernel.bypassed = false;
    },
  ],
  [
    'no program is attached',
    (it: Quiet) => {
      moveBlinds(it);
      it.kernel.netdev('eth0', { attached: 'none' });
    },
    (it: Quiet) => it.kernel.netdev('eth0', { attached: 'native' }),
  ],
  [
    'the interface has no carrier',
    (it: Quiet) => it.kernel.netdev('eth0', { up: false }),
    (it: Quiet) => it.kernel.netdev('eth0', { up: true }),
  ],
] as const) {
  for (const who of ['alive', 'dead'] as const) {
    test(`idle: while ${what} nobody is silent, and then silence begins; the agent is ${who}`, async (t) => {
      await using bench = await Quiet.start();
      await bench.clock.pass(AFTER_MS - 3_000);
      blind(bench);
      if (who === 'dead') await bench.end();
      await bench.clock.pass(3 * AFTER_MS);
      see(bench);
      if (who === 'dead') await bench.start();
      await bench.clock.pass(AFTER_MS - 1_500);
      t.deepEqual(bench.stand, [true, true]);
      await bench.clock.pass(4_000);
      t.deepEqual(bench.stand, [false, true]);
    });
  }
}

test('idle: a moment of blindness between two looks is found by what it moved', async (t) => {
  for (const blink of [moveBlinds, (it: Quiet) => it.kernel.netdev('eth0', { carrierDowns: 7 })]) {
    await using bench = await Quiet.start();
    await bench.clock.pass(AFTER_MS - 3_000);
    blink(bench);
    await bench.clock.pass(AFTER_MS - 1_500);
    t.deepEqual(bench.stand, [true, true]);
    await bench.clock.pass(4_000);
    t.deepEqual(bench.stand, [false, true]);
  }
});

test('idle: while one interface sees, a redirect of any is judged; one of the other interface is not', async (t) => {
  await using bench = await Quiet.start();
  bench.kernel.netdev('eth2', { ifindex: 9, attached: 'native', zone: 2 });
  bench.kernel.notify();
  const of = { of: { in: 'eth2' } };
  const only = intentOf(3, 'drop', { rev: 3, idle: { afterMs: AFTER_MS, rearm: 'revision' }, ...of });
  await bench.accept(3, [{ op: 'put', ...only }]);
  await bench.clock.pass(3_000);
  bench.kernel.netdev('eth2', { up: false });
  await bench.clock.pass(AFTER_MS);
  t.deepEqual(bench.stand, [false, true]);
  t.is(bench.reconciler.view.states.get(only.key)?.state, 'installed');
});

test('idle: a restart neither resets silence nor skips it, each second of ten', async (t) => {
  await using bench = await Quiet.start();
  for (let n = 0; n < 9; n += 1) {
    await bench.clock.pass(1_000);
    await bench.start();
  }
  t.deepEqual(bench.stand, [true, true]);
  await bench.clock.pass(3_000);
  t.deepEqual(bench.stand, [false, true]);
  for (let n = 0; n < 10; n += 1) {
    await bench.start();
    await bench.clock.pass(1_000);
    t.deepEqual(bench.stand, [false, true]);
  }
});

test('idle: silence of what was not there at a start begins when it stands, also for the agent after that one', async (t) => {
  await using bench = await Quiet.start();
  await bench.clock.pass(AFTER_MS - 2_000);
  bench.kernel.uproot(intentOf(1).key);
  const { sinceMs, slot, rev } = bench.row;
  const { key } = intentOf(1);
  const before = { key, slot, rev, state: 'installed', sinceMs, installedAtMs: sinceMs, armed: 1_000_000 } as const;
  await bench.start();
  await bench.clock.pass(4_500);
  t.deepEqual(bench.stand, [true, true]);
  // It dies before the store has what it decided.
  await bench.store.saveEntries([before], []);
  await bench.start();
  await bench.clock.pass(AFTER_MS - 6_000);
  t.deepEqual(bench.stand, [true, true]);
  await bench.clock.pass(4_000);
  t.deepEqual(bench.stand, [false, true]);
});

test('idle: an agent that died before the kernel op goes on with it, unless a packet came since', async (t) => {
  for (const came of [false, true]) {
    await using bench = await Quiet.start();
    await bench.clock.pass(AFTER_MS - 1_000);
    bench.kernel.opsToLive = 0;
    await bench.clock.pass(4_000);
    t.is(bench.fatal.length, 1);
    t.deepEqual(bench.stand, [true, true]);
    const [row] = [...bench.store.rows.values()].filter(({ key }) => key === intentOf(1).key);
    t.is(row?.state, 'idle', 'the disk knew first');
    if (came) bench.hit();
    bench.kernel.opsToLive = Number.POSITIVE_INFINITY;
    bench.kernel.asked = [];
    await bench.start();
    await bench.clock.pass(2_000);
    t.deepEqual(bench.stand, [came, true]);
    if (came) t.deepEqual(bench.kernel.asked, [], 'it never went');
  }
});

test('idle: one that is away survives a reboot, with maps that count from nothing', async (t) => {
  await using bench = await Quiet.start();
  bench.hit();
  await bench.clock.pass(AFTER_MS + 2_000);
  t.deepEqual(bench.stand, [false, true]);
  for (const slot of [0, 1]) bench.kernel.count(slot, { packets: 0n, bytes: 0n, seen: 0n });
  Object.assign(bench.kernel, { blinded: 99, jiffies: -2_900n });
  bench.boot = 'b2';
  await bench.start();
  await bench.clock.pass(60_000);
  t.deepEqual(bench.stand, [false, true]);
});

test('idle: after a reboot what stands is judged from there on', async (t) => {
  await using bench = await Quiet.start();
  await bench.clock.pass(AFTER_MS - 1_000);
  Object.assign(bench.kernel, { blinded: 99, jiffies: -2_000n });
  bench.boot = 'b2';
  await bench.start();
  await bench.clock.pass(AFTER_MS - 1_000);
  t.deepEqual(bench.stand, [true, true]);
  await bench.clock.pass(3_000);
  t.deepEqual(bench.stand, [false, true]);
});

test('idle: an entry that somebody puts where none shall be goes again, and arms nothing', async (t) => {
  await using bench = await Quiet.start();
  await bench.clock.pass(AFTER_MS + 2_000);
  bench.kernel.plant({ match: intentOf(1).match, zone: 0 }, { slot: bench.row.slot ?? 0, rev: 1 });
  bench.hit();
  await bench.clock.pass(61_000);
  t.deepEqual(bench.stand, [false, true]);
  await bench.start();
  await bench.clock.pass(2_000);
  t.deepEqual(bench.stand, [false, true]);
});

test('idle: the pins lost: what is away stays away', async (t) => {
  await using bench = await Quiet.start();
  await bench.clock.pass(AFTER_MS + 2_000);
  t.deepEqual(bench.stand, [false, true]);
  bench.kernel.pinsLost = true;
  await bench.clock.pass(5_000);
  bench.kernel.pinsLost = false;
  await bench.clock.pass(10_000);
  t.deepEqual(bench.stand, [false, true]);
});

test('idle: the pins lost just after one was given up: they are waited for as ever', async (t) => {
  await using bench = await Quiet.start();
  await bench.clock.pass(3_000);
  await bench.accept(3, [put(3, 3)]); // silence is looked for after the first, too
  const settled = bench.kernel.settled.bind(bench.kernel);
  bench.kernel.settled = (slots) => {
    bench.kernel.pinsLost ||= slots.length > 0;
    return settled(slots);
  };
  await bench.clock.pass(AFTER_MS - 1_000);
  t.true(bench.kernel.pinsLost);
  t.deepEqual(bench.fatal, []);
  bench.kernel.settled = settled;
  bench.kernel.pinsLost = false;
  await bench.clock.pass(10_000);
  t.deepEqual([bench.stand, bench.fatal], [[false, true], []]);
});

test('idle: where no slot is free, that of what has ended is for who waits, after the disk has it', async (t) => {
  await using bench = await Quiet.start();
  bench.hit();
  await bench.clock.pass(AFTER_MS + 2_000);
  const slots = Array.from({ length: 7 }, (_, n) => n + 10);
  await bench.accept(
    20,
    slots.map((n) => ({ op: 'put', ...intentOf(n, 'drop', { rev: n }) }) as Change),
  );
  await bench.clock.pass(2_000);
  t.true(
    slots.every((n) => bench.kernel.acts(intentOf(n).key)),
    'all eight slots are used',
  );
  t.is(bench.row.slot, null);
  t.is(bench.row.state, 'idle');
  t.is(bench.row.counted?.packets, 1n, 'its last count is kept');
  await bench.reconciler.arm([intentOf(1).key]);
  t.deepEqual([bench.row.state, bench.row.code], ['blocked', 'MAP_FULL']);
  await bench.accept(21, [{ op: 'delete', rev: 21, key: intentOf(10).key }]);
  await bench.clock.pass(1_000);
  t.deepEqual(bench.stand, [true, true]);
});

test('idle: somebody already waits for its slot, and gets it once the entry is gone, or not at all if a packet came', async (t) => {
  for (const came of [false, true]) {
    await using bench = await Quiet.start();
    const others = Array.from({ length: 7 }, (_, n) => n + 10);
    await bench.accept(
      20,
      others.map((n): Change => ({ op: 'put', ...intentOf(n, 'drop', { rev: n }) })),
    );
    await bench.clock.pass(AFTER_MS - 2_000);
    const waiting = others.filter((n) => !bench.kernel.acts(intentOf(n).key));
    t.is(waiting.length, 1);
    const { saveEntries } = bench.store;
    bench.store.saveEntries = async (entries, forget) => {
      await saveEntries.call(bench.store, entries, forget);
      if (came && entries.some(({ state, slot }) => state === 'idle' && slot !== null)) bench.hit();
    };
    bench.kernel.asked = [];
    await bench.clock.pass(5_000);
    const ops = bench.kernel.asked.flatMap(({ op }) => (op === 'write' || op === 'delete' ? [op] : []));
    t.deepEqual([bench.stand[0], ops], [came, ['delete', 'write']]);
    t.is(bench.kernel.acts(intentOf(waiting[0] ?? 0).key), !came);
  }
});

test('idle: a packet while it is found silent, and it never goes', async (t) => {
  await using bench = await Quiet.start();
  await bench.clock.pass(AFTER_MS - 1_000);
  const { seen } = bench.kernel;
  bench.kernel.asked = [];
  bench.kernel.seen = () => {
    const before = seen.call(bench.kernel);
    bench.hit();
    return before;
  };
  await bench.clock.pass(3_000);
  t.deepEqual([bench.stand, bench.kernel.asked], [[true, true], []]);
});

test('idle: in maps made anew silence begins when all stands there, also where an agent died before it did', async (t) => {
  await using bench = await Quiet.start();
  await bench.clock.pass(AFTER_MS - 3_000);
  bench.kernel.remake();
  bench.kernel.openAnew();
  const { apply } = bench.kernel;
  bench.kernel.apply = () => {
    throw new KernelError('map update', 'redirect4', 'EIO');
  };
  await bench.start();
  await bench.clock.pass(0);
  t.is(bench.fatal.length, 1);
  bench.kernel.apply = apply;
  await bench.clock.pass(5_000);
  await bench.start();
  await bench.clock.pass(AFTER_MS - 1_500);
  t.deepEqual(bench.stand, [true, true]);
  await bench.clock.pass(4_000);
  t.deepEqual(bench.stand, [false, true]);
});

for (const restMs of [0, 2_000]) {
  test(`idle: nobody is silent while the host is held from ${restMs} ms before its time on, and then silence begins`, async (t) => {
    await using bench = await Quiet.start();
    await bench.clock.pass(AFTER_MS - restMs - 1);
    bench.reconciler.held(true);
    await bench.clock.pass(3 * AFTER_MS);
    t.deepEqual(bench.stand, [true, true]);
    bench.reconciler.held(false);
    await bench.clock.pass(AFTER_MS - 1_500);
    t.deepEqual(bench.stand, [true, true]);
    await bench.clock.pass(4_000);
    t.deepEqual(bench.stand, [false, true]);
  });
}

test('idle: silence begins anew with a hold that is over before anybody looked', async (t) => {
  await using bench = await Quiet.start();
  await bench.clock.pass(AFTER_MS - 1_500);
  bench.reconciler.held(true);
  bench.reconciler.held(false);
  await bench.clock.pass(AFTER_MS - 1_500);
  t.deepEqual(bench.stand, [true, true]);
  await bench.clock.pass(4_000);
  t.deepEqual(bench.stand, [false, true]);
});

test('idle: while the host is held for its history nobody is silent, and then silence begins', async (t) => {
  await using bench = await Quiet.start();
  await bench.clock.pass(AFTER_MS - 3_000);
  const at = { epoch: 'e1', rev: 2 };
  await bench.start({ is: 'held', at, digest: '', why: 'HISTORY_LOST', until: 'sync' });
  await bench.clock.pass(3 * AFTER_MS);
  t.deepEqual(bench.stand, [true, true]);
  await bench.accept(3, [{ op: 'put', ...intentOf(3, 'drop', { rev: 3 }) }]);
  await bench.clock.pass(AFTER_MS - 1_500);
  t.deepEqual(bench.stand, [true, true]);
  await bench.clock.pass(4_000);
  t.deepEqual(bench.stand, [false, true]);
});
