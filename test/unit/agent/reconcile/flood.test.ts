import test, { type ExecutionContext } from 'ava';
import type { Event, EventKind } from '../../../../protocol/event.ts';
import type { Intent } from '../../../../protocol/intent.ts';
import { Bench } from './bench.ts';
import { intentOf, NEXT_HOP, NOW, VIA } from './world.ts';

const COUNT = 100_000;
/** Where what is looked at is not a matter of how many there are. */
const FEWER = 20_000;
/** What a turn of the event loop is taken to cost: two hundred of them, five hundred keys each, are five seconds. */
const TURN_MS = 25;

/** An agent that has so many redirects, and has decided on each. */
async function crowded(bench: Bench, count = COUNT, more: Partial<Intent> = {}): Promise<void> {
  const intents = Array.from({ length: count }, (_, n) => intentOf(n + 1, VIA, more));
  bench.store.set = new Map(intents.map((intent) => [intent.key, intent]));
  bench.store.stored = { ...bench.store.stored, cursor: { epoch: 'e1', rev: 1 }, seq: 1 };
  await bench.start().then((reconciler) => reconciler.settle());
}

/** The same, and all that was to be told of it is told. */
async function settled(bench: Bench, count = COUNT, more: Partial<Intent> = {}): Promise<void> {
  await crowded(bench, count, more);
  await bench.clock.pass(1_000);
}

const makeBench = (slots = COUNT): Bench => new Bench({ slots, monotonicMs: () => 0 });

/** Lets time pass, and answers the events and the lines of that time; says how long the loop stood still at most. */
async function during(t: ExecutionContext, bench: Bench, ms: number) {
  bench.published.length = 0;
  bench.lines.length = 0;
  bench.clock.turnMs = TURN_MS;
  let [longest, last] = [0, performance.now()];
  const looking = new AbortController();
  const look = (): void => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
    if (!looking.signal.aborted) setImmediate(look);
  };
  look();
  await bench.clock.pass(ms);
  looking.abort();
  bench.clock.turnMs = 0;
  t.log(`the longest standstill of the loop: ${longest.toFixed(0)} ms`);
  return { events: [...bench.published], lines: [...bench.lines] };
}

/** However the seconds are laid. */
function mostWithinASecond(events: readonly Event[]): number {
  return Math.max(0, ...events.map(({ at }) => events.filter((it) => it.at >= at && it.at < at + 1_000).length));
}

/** All of them are told, few one by one and the rest in one event. */
function summedUp(
  t: ExecutionContext,
  { events, lines }: Awaited<ReturnType<typeof during>>,
  kind: EventKind,
  count = COUNT,
): void {
  const ofKind = events.filter((event) => event.kind === kind);
  const named = ofKind.filter(({ more }) => more === undefined);
  const summaries = ofKind.filter(({ more }) => more !== undefined);
  t.deepEqual([summaries.length, named.length + (summaries[0]?.more ?? 0)], [1, count], kind);
  t.true(named.length >= 20);
  t.true(mostWithinASecond(events) <= 100);
  t.is(lines.filter((line) => line.includes('"more":') && line.includes('summed up')).length, 1);
  t.true(lines.length < 100, `${lines.length} lines`);
}

async function recordedAsPublished(t: ExecutionContext, bench: Bench, events: readonly Event[]): Promise<void> {
  const { events: recorded } = await bench.store.recent(Number.POSITIVE_INFINITY, events.length);
  t.deepEqual(recorded, events);
}

test.serial(
  'flood: a hundred thousand that expire at once are a few events and one sum, on the bus as on the disk',
  async (t) => {
    await using bench = makeBench();
    await settled(bench, COUNT, { expires: NOW + 30_000 });
    const told = await during(t, bench, 59_000);
    summedUp(t, told, 'expired');
    t.regex(told.events.at(-1)?.detail ?? '', /^99962 more within \d\.\d s$/);
    t.is(bench.kernel.peek().entries.size, 0);
    await recordedAsPublished(t, bench, told.events);
  },
);

test.serial(
  'flood: those that fall silent at once are gone within seconds, and are a few events and one sum',
  async (t) => {
    await using bench = new Bench({ slots: FEWER });
    await settled(bench, FEWER, { idle: { afterMs: 30_000, rearm: 'revision' } });
    const told = await during(t, bench, 34_000);
    summedUp(t, told, 'idle', FEWER);
    t.is(bench.kernel.peek().entries.size, 0);
    await recordedAsPublished(t, bench, told.events);
  },
);

test.serial('flood: while a hundred thousand are blocked at once, what else happens is seen and told', async (t) => {
  await using bench = makeBench();
  await settled(bench);
  bench.kernel.neighbour('eth1', NEXT_HOP, 'failed');
  const save = bench.store.saveEntries.bind(bench.store);
  const half = bench.store.saves + COUNT / 1_000 / 2;
  bench.store.saveEntries = async (...rows) => {
    if (bench.store.saves === half) bench.kernel.netdev('eth0', { attached: 'none' });
    return save(...rows);
  };
  const told = await during(t, bench, 30_000);
  t.true(mostWithinASecond(told.events) <= 100);
  const lost = told.events.findIndex(({ code, key, more }) => code === 'NOT_ATTACHED' && (key ?? more) === undefined);
  const sum = told.events.findIndex(({ more }) => more !== undefined);
  t.true(lost > 0 && lost < sum, 'before the end');
  t.true(told.lines.length < 100);
  const sums = told.events.filter(({ more }) => more !== undefined);
  t.is(sums.length, 1);
  t.regex(sums[0]?.detail ?? '', /more within .*, NO_NEIGHBOUR \d+$/);
});

for (const [errno, kind, code, count] of [
  ['ENOMEM', 'failed', 'KERNEL_REFUSED', COUNT],
  ['E2BIG', 'blocked', 'MAP_FULL', FEWER],
] as const) {
  test.serial(
    `flood: ${count} that fail at once for ${errno} are tried again within bounds, and all come back`,
    async (t) => {
      await using bench = makeBench(count);
      bench.kernel.refuses.set('write', errno);
      bench.clock.turnMs = TURN_MS;
      await crowded(bench, count);
      bench.clock.turnMs = 0;
      await bench.clock.pass(5_000);
      summedUp(t, { events: [...bench.published], lines: [...bench.lines] }, kind, count);
      t.is(bench.published.at(-1)?.code, code);
      bench.kernel.asked = [];
      const told = await during(t, bench, 10_000);
      t.deepEqual(told.events, []);
      t.true(bench.kernel.asked.length <= 1.1 * 10 * 5_000, `${bench.kernel.asked.length} tries in ten seconds`);
      bench.kernel.refuses.clear();
      summedUp(t, await during(t, bench, 70_000), 'applied', count);
      t.is(bench.kernel.peek().entries.size, count);
    },
  );
}

test.serial('flood: entries that somebody removed all at once come back, and are one sum', async (t) => {
  await using bench = makeBench(FEWER);
  await settled(bench, FEWER);
  for (const id of bench.kernel.peek().entries.keys()) bench.kernel.uproot(id);
  summedUp(t, await during(t, bench, 70_000), 'drift', FEWER);
  t.is(bench.kernel.peek().entries.size, FEWER);
});
