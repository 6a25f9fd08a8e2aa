import test from 'ava';
import { serve } from '../../../agent/serve.ts';
import { Traffic } from '../../../controller/serve/traffic.ts';
import { encodeAskRequest } from '../../../protocol/ask.ts';
import { addDigest, EMPTY_DIGEST, elementDigest } from '../../../protocol/digest.ts';
import { intentBody } from '../../../protocol/intent.ts';
import { parseStatus, type Status } from '../../../protocol/status.ts';
import { makeSubjects } from '../../../protocol/subjects.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';
import { AgentBus, MemoryBus } from '../../fakes/memory-bus.ts';
import type { MemoryKernel } from '../../fakes/memory-kernel.ts';
import { MemorySight } from '../../fakes/memory-sight.ts';
import { MemoryStore } from '../../fakes/memory-store.ts';
import { MemoryTimes } from '../../fakes/memory-times.ts';
import { converge, intentOf, makeKernel, start } from './reconcile/world.ts';

const HOST = 'edge-1';
const WEB = intentOf(1, 'drop', { name: 'web' });
const SILENT = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
/** Within so long a status is said anew: after 15 s, for the clock's chance is always in the middle, and a second after a change. */
const PERIOD_MS = 16_000;

/** An agent whose redirect stands, and the memory of a controller that hears it. */
class Stage {
  readonly clock = new ManualClock();
  readonly traffic = new Traffic(this.clock);
  readonly kernel: MemoryKernel = makeKernel();
  readonly told: Status[] = [];
  /** What is said meanwhile gets lost. */
  deaf = false;
  readonly #bus = new MemoryBus(this.clock, makeSubjects());
  readonly #store = new MemoryStore();
  #packets = 0n;

  static async make(): Promise<Stage> {
    const stage = new Stage();
    const digest = addDigest(EMPTY_DIGEST, elementDigest(WEB.key, WEB.rev, intentBody(WEB)));
    const cursor = { epoch: 'e1', rev: WEB.rev };
    await stage.#store.accept({ base: 'empty', changes: [{ op: 'put', ...WEB }], cursor, digest });
    converge(start(stage.kernel, [WEB]));
    stage.#bus.onMessage = (subject, data) => {
      if (subject !== stage.#bus.subjects.status(HOST) || stage.deaf) return;
      const status = parseStatus(data);
      stage.told.push(status);
      stage.traffic.take(status);
    };
    return stage;
  }

  /** Runs an agent while something is done. */
  async run(boot: string, act: () => Promise<void>): Promise<void> {
    const end = new AbortController();
    const { clock, kernel } = this;
    const identity = { host: HOST, boot, agent: '0.0.0', can: [], labels: {}, interfaces: [] };
    const parts = { identity, kernel, clock, store: this.#store, times: new MemoryTimes(), sight: new MemorySight() };
    const connect = () => new AgentBus(this.#bus, HOST);
    const times = { now: () => ({ boot: 'b1', ms: clock.monotonicMs() }) };
    const serving = serve(
      { ...parts, boot: times, log: SILENT, connect, reopen: async () => kernel.reopen() },
      end.signal,
    );
    await clock.pass(1);
    await act();
    end.abort();
    await clock.pass(1);
    await serving;
  }

  /** Packets meet the redirect, and a period passes. */
  async pass(packets: bigint): Promise<void> {
    this.#packets += packets;
    this.kernel.count(0, { packets: this.#packets, bytes: this.#packets * 100n, seen: 1n });
    await this.clock.pass(PERIOD_MS);
  }

  /** Packets a second, as a controller knows them. */
  get rate(): number | undefined {
    const now = this.traffic.now();
    return now.of(WEB.name, { total: 1, complete: Number(now.isComplete(HOST)) })?.packets;
  }

  async ask(): Promise<Status> {
    const { subjects } = this.#bus;
    const asked = this.#bus.request(
      subjects.ask(HOST, 'status'),
      encodeAskRequest({ v: 1 }),
      subjects.inbox(HOST),
      AbortSignal.any([]),
    );
    await this.clock.pass(10);
    return parseStatus(await asked);
  }
}

test('rates: an agent tells what came between its statuses, and a controller what that is a second', async (t) => {
  const stage = await Stage.make();
  const spans: unknown[] = [];
  await stage.run('b1', async () => {
    t.is(stage.rate, undefined, 'the first look only tells where counts stand');
    for (const packets of [1_600n, 150n, 0n]) {
      await stage.pass(packets);
      const { spanMs = 0, busiest = [] } = stage.told.at(-1)?.rates ?? {};
      spans.push([spanMs, busiest.map(({ name, packets: came }) => [name, came]), stage.rate]);
    }
    t.false('rates' in (await stage.ask()), 'it is told to all alike: who asks takes nothing away');
  });
  t.deepEqual(spans, [
    [16_000, [['web', 1_600]], 100],
    [15_000, [['web', 150]], 10],
    [15_000, [], 0],
  ]);
});

test('rates: a status that is lost takes no more with it than its own span', async (t) => {
  const stage = await Stage.make();
  await stage.run('b1', async () => {
    await stage.pass(1_600n);
    stage.deaf = true;
    await stage.pass(9_999n);
    t.is(stage.rate, 100, 'what was known goes on for a while');
    stage.deaf = false;
    await stage.pass(150n);
    t.is(stage.rate, 10);
    stage.deaf = true;
    await stage.clock.pass(45_001);
    t.is(stage.rate, undefined, 'and then nothing is known, which is no 0');
  });
});

test('rates: after a restart of the agent nothing is told of what came meanwhile', async (t) => {
  const stage = await Stage.make();
  await stage.run('b1', () => stage.pass(1_600n));
  await stage.pass(1_000_000n);
  const before = stage.told.length;
  await stage.run('b2', async () => {
    await stage.pass(320n);
    t.is(stage.rate, 20);
  });
  const told = stage.told.slice(before).flatMap(({ rates }) => rates?.busiest.map(({ packets }) => packets) ?? []);
  t.deepEqual(told, [320]);
});

test('rates: of a span in which the counters went back nothing is told, and of the next all', async (t) => {
  const stage = await Stage.make();
  await stage.run('b1', async () => {
    await stage.pass(1_600n);
    await stage.pass(-1_000n);
    t.false('rates' in (stage.told.at(-1) ?? {}));
    t.is(stage.rate, 100);
    await stage.pass(150n);
    t.is(stage.rate, 10);
  });
});
