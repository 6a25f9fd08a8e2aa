import test from 'ava';
import { pino } from 'pino';
import { RolloutCounts } from '../../../../controller/serve/rollout-counts.ts';
import { encodeAskError } from '../../../../protocol/ask.ts';
import { encodeCountsReply, parseCountsRequest } from '../../../../protocol/counts.ts';
import { makeSubjects } from '../../../../protocol/subjects.ts';
import { ManualClock } from '../../../fakes/manual-clock.ts';
import { ControllerBus, MemoryBus } from '../../../fakes/memory-bus.ts';

const EVERY_MS = 5000;
const keyOf = (at: number): string => `v4 any 192.0.${at >> 8}.${at & 255}/32:* > 0.0.0.0/0:*`;
const keysOf = (count: number): Map<string, number> =>
  new Map(Array.from({ length: count }, (_, at) => [keyOf(at), 1]));

/** A controller that asks, and hosts that count a packet a second for each redirect, all in memory. */
class Fleet implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly asked: { readonly host: string; readonly keys: readonly string[]; readonly atMs: number }[] = [];
  readonly counts: RolloutCounts;
  /** The most that were asked and have not answered, at any time. */
  most = 0;
  #waiting = 0;
  readonly #bus: MemoryBus;
  readonly #end = new AbortController();
  readonly #run: Promise<void>;

  constructor() {
    const subjects = makeSubjects();
    this.#bus = new MemoryBus(this.clock, subjects);
    const bus = new ControllerBus(this.#bus);
    this.counts = new RolloutCounts({ bus, subjects, clock: this.clock, log: pino({ level: 'silent' }) });
    this.#run = this.counts.run(this.#end.signal);
  }

  host(
    host: string,
    answer: (keys: readonly string[]) => Uint8Array | undefined = (keys) => this.tell(host, keys),
  ): void {
    this.#bus.subscribe(this.#bus.subjects.ask(host, 'counts'), ({ data, replyTo }) => {
      const { keys } = parseCountsRequest(data);
      this.asked.push({ host, keys, atMs: this.clock.monotonicMs() });
      this.#waiting += 1;
      this.most = Math.max(this.most, this.#waiting);
      const bytes = answer(keys);
      if (bytes === undefined) return;
      void this.clock.delay(20, this.#end.signal).then(() => {
        this.#waiting -= 1;
        this.#bus.publish(replyTo, bytes);
      });
    });
  }

  tell(host: string, keys: readonly string[]): Uint8Array {
    const packets = String(Math.floor(this.clock.monotonicMs() / 1000));
    const items = keys.map((key) => ({
      ...{ key, name: 'web', rev: 1, state: 'installed' as const, counting: '1.0', packets, bytes: '0' },
      ...{ seenMsAgo: 0, passed: {} },
    }));
    const at = { at: this.clock.nowMs(), monotonicMs: this.clock.monotonicMs() };
    const none = { absent: [], verdicts: { SENT: packets }, losses: [], lost: '0', unwatched: [] };
    return encodeCountsReply({ v: 1, host, boot: 'b', counterEpoch: 'e', ...at, items, ...none });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    await this.#run;
  }
}

test('rollout counts: hosts are asked every few seconds, and what they tell is known of each rollout', async (t) => {
  await using fleet = new Fleet();
  for (const host of ['a', 'b']) fleet.host(host);
  fleet.counts.watch('r1', [{ host: 'a', rev: 1, keys: keysOf(2), isAll: true }], EVERY_MS);
  fleet.counts.watch(
    'r2',
    [
      { host: 'a', rev: 1, keys: keysOf(1), isAll: true },
      { host: 'b', rev: 1, keys: keysOf(1), isAll: true },
    ],
    EVERY_MS,
  );
  t.is(fleet.counts.of('r1', 'a'), undefined);
  await fleet.clock.pass(20_000);
  t.like(fleet.counts.of('r1', 'a'), { hits: 30, undone: 0, windows: { whole: { redirected: 15, lost: 0 } } });
  t.is(fleet.counts.of('r2', 'b')?.hits, 15);
  t.is(fleet.counts.of('r1', 'b'), undefined);
  t.is(fleet.asked.filter(({ host }) => host === 'b').length, 4);
  t.deepEqual([...fleet.counts.rollouts], ['r1', 'r2']);
});

test('rollout counts: nobody is asked for one that is forgotten, and nothing is known of it', async (t) => {
  await using fleet = new Fleet();
  fleet.host('a');
  fleet.counts.watch('r1', [{ host: 'a', rev: 1, keys: keysOf(1), isAll: true }], EVERY_MS);
  await fleet.clock.pass(6_000);
  fleet.counts.forget('r1');
  const before = fleet.asked.length;
  await fleet.clock.pass(20_000);
  t.true(before > 0);
  t.is(fleet.asked.length, before);
  t.is(fleet.counts.of('r1', 'a'), undefined);
});

test('rollout counts: who is watched anew keeps what it told, and who is not is forgotten', async (t) => {
  await using fleet = new Fleet();
  for (const host of ['a', 'b']) fleet.host(host);
  const [a, b] = [
    { host: 'a', rev: 1, keys: keysOf(1), isAll: true },
    { host: 'b', rev: 1, keys: keysOf(1), isAll: true },
  ];
  fleet.counts.watch('r1', [a, b], EVERY_MS);
  await fleet.clock.pass(11_000);
  fleet.counts.watch('r1', [a], EVERY_MS);
  t.is(fleet.counts.of('r1', 'a')?.hits, 10);
  t.is(fleet.counts.of('r1', 'b'), undefined);
});

test('rollout counts: a host that is told something else is counted from the beginning', async (t) => {
  await using fleet = new Fleet();
  fleet.host('a');
  const before = { host: 'a', rev: 0, keys: keysOf(1), isAll: true };
  fleet.counts.watch('r1', [before], EVERY_MS);
  await fleet.clock.pass(11_000);
  t.is(fleet.counts.of('r1', 'a')?.windows?.whole.redirected, 10);
  fleet.counts.watch('r1', [{ ...before, rev: 7 }], EVERY_MS);
  await fleet.clock.pass(6_000);
  t.like(fleet.counts.of('r1', 'a'), { hits: 5, windows: { whole: { redirected: 5 } } });
});

test('rollout counts: no answer is no evidence, and the host is asked again', async (t) => {
  await using fleet = new Fleet();
  let isMute = false;
  fleet.host('a', (keys) => (isMute ? undefined : fleet.tell('a', keys)));
  fleet.counts.watch(
    'r1',
    [
      { host: 'a', rev: 1, keys: keysOf(1), isAll: true },
      { host: 'nobody', rev: 1, keys: keysOf(1), isAll: true },
    ],
    EVERY_MS,
  );
  await fleet.clock.pass(6_000);
  isMute = true;
  await fleet.clock.pass(60_000);
  t.true((fleet.counts.of('r1', 'a')?.answeredMsAgo ?? 0) >= 60_000);
  t.is(fleet.counts.of('r1', 'nobody'), undefined);
  isMute = false;
  await fleet.clock.pass(11_000);
  t.true((fleet.counts.of('r1', 'a')?.answeredMsAgo ?? Number.POSITIVE_INFINITY) <= EVERY_MS + 250);
});

test('rollout counts: an answer of another host, or none at all, is not heard', async (t) => {
  await using fleet = new Fleet();
  fleet.host('a', (keys) => fleet.tell('b', keys));
  fleet.host('c', () => new TextEncoder().encode('nonsense'));
  fleet.counts.watch(
    'r1',
    [
      { host: 'a', rev: 1, keys: keysOf(1), isAll: true },
      { host: 'c', rev: 1, keys: keysOf(1), isAll: true },
    ],
    EVERY_MS,
  );
  await fleet.clock.pass(11_000);
  t.is(fleet.counts.of('r1', 'a'), undefined);
  t.is(fleet.counts.of('r1', 'c'), undefined);
});

test('rollout counts: an agent that does not count is there all the same', async (t) => {
  await using fleet = new Fleet();
  const error = { code: 'UNKNOWN_VERB', message: 'this agent answers status' };
  fleet.host('a', () => encodeAskError({ v: 1, host: 'a', error }));
  fleet.counts.watch('r1', [{ host: 'a', rev: 1, keys: keysOf(1), isAll: true }], EVERY_MS);
  await fleet.clock.pass(6_000);
  t.like(fleet.counts.of('r1', 'a'), { unusable: 'has an agent that does not tell counts', hits: 0, windows: null });
});

test('rollout counts: more redirects than one question holds have their turn one after another', async (t) => {
  await using fleet = new Fleet();
  fleet.host('a');
  fleet.counts.watch('r1', [{ host: 'a', rev: 1, keys: keysOf(450), isAll: true }], EVERY_MS);
  await fleet.clock.pass(14_000);
  t.deepEqual(
    fleet.asked.map(({ keys }) => keys.length),
    [200, 200, 50],
  );
  t.is(fleet.counts.of('r1', 'a')?.undone, 0);
  await fleet.clock.pass(15_000);
  t.is(fleet.counts.of('r1', 'a')?.hits, 450 * 15);
});

test('rollout counts: of five hundred hosts a few are asked at a time, for few redirects each', async (t) => {
  await using fleet = new Fleet();
  const hosts = Array.from({ length: 500 }, (_, at) => `h${at}`);
  for (const host of hosts) fleet.host(host);
  fleet.counts.watch(
    'r1',
    hosts.map((host) => ({ host, rev: 1, keys: keysOf(200), isAll: true })),
    EVERY_MS,
  );
  await fleet.clock.pass(5_000);
  t.is(new Set(fleet.asked.map(({ host }) => host)).size, 500);
  t.true(fleet.asked.every(({ keys }) => keys.length === 20));
  t.true(fleet.most <= 32, `${fleet.most}`);
});
