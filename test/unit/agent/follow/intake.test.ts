import test from 'ava';
import { atStart } from '../../../../agent/follow/footing.ts';
import { Intake } from '../../../../agent/follow/intake.ts';
import type { Mark } from '../../../../agent/model/mark.ts';
import { StoreError } from '../../../../agent/model/store-error.ts';
import { BusError } from '../../../../bus/error.ts';
import { NO_CURSOR } from '../../../../protocol/cursor.ts';
import type { Event } from '../../../../protocol/event.ts';
import { encodeJson } from '../../../../protocol/json.ts';
import type { Marks } from '../../../../protocol/marks.ts';
import { type Page, type PageReply, parseSyncRequest, type SyncRequest } from '../../../../protocol/page.ts';
import { encodeUpdate, type Update } from '../../../../protocol/update.ts';
import { ManualClock } from '../../../fakes/manual-clock.ts';
import { MemoryController, type Wish } from '../../../fakes/memory-controller.ts';
import { MemoryStore } from '../../../fakes/memory-store.ts';
import { candidate, del, HOST, intent, put, silent, update } from './samples.ts';

const full = (): StoreError => new StoreError('FULL', '/state/agent.db', 'accept: full');
const puts = (...names: readonly number[]): Wish[] => names.map((n) => (rev) => put(n, rev));

/** An intake with everything around it in memory. */
class Bench implements Disposable {
  readonly clock = new ManualClock();
  readonly controller = new MemoryController(HOST);
  readonly store = new MemoryStore();
  readonly asked: SyncRequest[] = [];
  readonly told: (readonly string[])[] = [];
  readonly again: (readonly string[])[] = [];
  readonly held: boolean[] = [];
  readonly marked: Marks[] = [];
  readonly heard: number[] = [];
  readonly events: Event[] = [];
  changes = 0;
  /** How a request is answered; undefined is a bus that is down. */
  answer: ((request: SyncRequest) => Promise<PageReply> | PageReply) | undefined = (request) =>
    this.controller.page(request);
  readonly #over = new AbortController();
  #live: (bytes: Uint8Array) => void = () => {};
  reconnect: () => void = () => {};
  running: Promise<void> | undefined;
  intake: Intake | undefined;

  async start(mark?: Mark): Promise<Intake> {
    this.intake = new Intake({
      host: HOST,
      store: this.store,
      bus: {
        onLive: (handle) => {
          this.#live = handle;
        },
        onReconnect: (handle) => {
          this.reconnect = handle;
        },
        sync: async (bytes) => {
          const request = parseSyncRequest(bytes, HOST);
          this.asked.push(request);
          if (this.answer === undefined) throw new BusError('DOWN', 'sync', 'not connected');
          return encodeJson(await this.answer(request));
        },
      },
      reconciling: {
        heard: (atMs) => this.heard.push(atMs),
        held: (is) => this.held.push(is),
        accepted: async ({ put, removed }) => void this.told.push([...put.map(({ key }) => key), ...removed]),
        again: (keys) => this.again.push(keys),
        marked: async (marks) => {
          await this.store.remember({});
          this.marked.push(marks);
        },
        judge: () => ({}),
        release: async () => 0,
      },
      clock: this.clock,
      boot: { now: () => ({ boot: 'b1', ms: this.clock.monotonicMs() }) },
      log: silent,
      footing: atStart(await this.store.load(), mark),
      mark,
      outbox: {
        changed: () => {
          this.changes += 1;
        },
        event: (event) => this.events.push(event),
      },
    });
    this.running = this.intake.run(this.#over.signal);
    await this.clock.pass(0);
    return this.intake;
  }

  async send(message: Update | string): Promise<void> {
    this.#live(typeof message === 'string' ? new TextEncoder().encode(message) : encodeUpdate(message));
    await this.clock.pass(0);
  }

  /** Stands at the head of a log of three. */
  async inStep(): Promise<Intake> {
    this.controller.write(puts(1, 2, 3));
    const intake = await this.start();
    this.asked.length = 0;
    this.told.length = 0;
    return intake;
  }

  [Symbol.dispose](): void {
    this.#over.abort();
  }
}

test('intake: a decree takes the whole set, waits to be heard, says why it cannot, and stands until it is done', async (t) => {
  using bench = new Bench();
  bench.controller.write(puts(1, 2));
  const intake = await bench.start();
  const other = new MemoryController(HOST);
  other.write(puts(2));
  bench.answer = undefined;
  const vain = intake.resync();
  await bench.clock.pass(0);
  t.like(await vain, { stored: 2, code: 'DOWN' });
  t.is(bench.store.set.size, 2);
  const error = { code: 'NOT_READY', message: 'no status of h1 was heard yet' };
  let asked = 0;
  bench.answer = (request) => {
    asked += 1;
    if (asked === 1) return { v: 1, host: HOST, error };
    const page = { ...other.page({ ...request, have: NO_CURSOR }), have: request.have };
    return request.have.epoch === '' ? page : { ...page, standing: 'unknown', changes: [], more: false };
  };
  const done = intake.resync();
  t.is(intake.state().footing.is, 'follows');
  await bench.clock.pass(5_000);
  t.deepEqual(await done, { epoch: other.head.epoch, stored: 1 });
  t.is(intake.state().footing.is, 'follows');
  t.deepEqual(bench.store.set, other.set);
  await bench.clock.pass(60_000);
  t.is(bench.asked.filter(({ from }) => from.epoch === '').length, 5, 'once, in vain, unheard, disowned and done');
});

test('intake: a log that disowns what is held tells the time with its set, and not before the disk has it', async (t) => {
  using bench = new Bench();
  bench.controller.write(puts(1, 2));
  const intake = await bench.start();
  const other = new MemoryController(HOST);
  other.write(puts(1));
  other.restart();
  other.write(puts(2));
  const at = 1_790_000_000_000;
  bench.answer = (request) => {
    const page = { ...other.page({ ...request, have: NO_CURSOR }), have: request.have, at };
    const isOurs = request.have.epoch === '' || request.have.epoch === other.head.epoch;
    return isOurs ? page : { ...page, standing: 'unknown', changes: [], more: false };
  };
  bench.store.failures.push(new StoreError('FULL', '/state/agent.db', 'accept: full'));
  t.like(await intake.resync(), { stored: 2, code: 'FULL' });
  t.deepEqual(bench.heard, []);
  const accept = bench.store.accept.bind(bench.store);
  bench.store.accept = async (...args) => {
    await bench.clock.delay(700);
    return accept(...args);
  };
  await bench.clock.pass(5_000);
  t.is(intake.state().footing.at.epoch, other.head.epoch);
  t.is(bench.heard[0], at + 700);
});

test('intake: who is not heard yet says its status, and asks again', async (t) => {
  using bench = new Bench();
  bench.controller.write(puts(1));
  const error = { code: 'NOT_READY', message: 'no status of h1 was heard yet' };
  let heard = false;
  bench.answer = (request) => (heard ? bench.controller.page(request) : { v: 1, host: HOST, error });
  const intake = await bench.start();
  t.is(bench.changes, 1);
  heard = true;
  await bench.clock.pass(1_500);
  t.is(intake.state().footing.is, 'follows');
  t.is(bench.asked.length, 2);
});

test('intake: it syncs at once, and tells what is new', async (t) => {
  using bench = new Bench();
  bench.controller.write(puts(1, 2));
  const intake = await bench.start();
  t.deepEqual(bench.told, [[put(1, 1).key, put(2, 2).key]]);
  t.deepEqual(intake.state().footing, { is: 'follows', at: { epoch: 'e1', rev: 2 }, digest: bench.controller.digest });
  t.deepEqual(intake.state().problems, []);
  t.is(intake.state().lastSyncAtMs, bench.clock.nowMs());
});

test('intake: a live update is stored without a sync', async (t) => {
  using bench = new Bench();
  await bench.inStep();
  bench.controller.write(puts(4));
  await bench.send(bench.controller.update(3));
  t.deepEqual(bench.told, [[put(4, 4).key]]);
  t.deepEqual(bench.asked, []);
  t.deepEqual(bench.store.stored.cursor, { epoch: 'e1', rev: 4 });
});

test('intake: a repeat changes nothing and is converged again', async (t) => {
  using bench = new Bench();
  await bench.inStep();
  await bench.send(bench.controller.update(1));
  t.deepEqual(bench.again, [[put(2, 2).key, put(3, 3).key]]);
  t.deepEqual(bench.told, []);
  t.deepEqual(bench.asked, []);
});

test('intake: a mark that comes with nothing new is told, by a hint of what is known and by a heartbeat', async (t) => {
  using bench = new Bench();
  await bench.inStep();
  const { epoch, rev } = bench.controller.head;
  await bench.send(update(epoch, rev, rev, [], { permit: 3 }));
  t.deepEqual(bench.marked, [{ permit: 3 }]);
  t.is(bench.asked.length, 0);
  bench.answer = (request) => ({ ...bench.controller.page(request), confirmed: 2, permit: 3 });
  await bench.clock.pass(40_000);
  t.deepEqual(bench.marked.slice(1, 2), [{ confirmed: 2, permit: 3 }]);
});

test('intake: what was lost is synced within a tenth of a second', async (t) => {
  using bench = new Bench();
  await bench.inStep();
  bench.controller.write(puts(4));
  bench.controller.write(puts(5));
  await bench.send(bench.controller.update(4));
  await bench.clock.pass(100);
  t.is(bench.asked.length, 1);
  t.is(bench.store.stored.digest, bench.controller.digest);
});

test('intake: a hint is a sync', async (t) => {
  using bench = new Bench();
  await bench.inStep();
  await bench.clock.pass(1000);
  bench.controller.write(puts(4));
  await bench.send(bench.controller.hint());
  t.is(bench.asked.length, 1);
  t.is(bench.store.stored.digest, bench.controller.digest);
});

test('intake: an update whose digest does not fit is not stored but synced', async (t) => {
  using bench = new Bench();
  await bench.inStep();
  await bench.clock.pass(1000);
  bench.controller.write(puts(4, 5));
  const honest = bench.controller.update(3);
  await bench.send({ ...honest, changes: honest.changes.slice(1) });
  t.is(bench.asked.length, 1);
  t.deepEqual(bench.told, [[put(4, 4).key, put(5, 5).key]]);
});

test('intake: a flood of what does not connect starts at most ten syncs a second', async (t) => {
  using bench = new Bench();
  await bench.inStep();
  for (let n = 0; n < 200; n += 1) {
    await bench.send({ ...bench.controller.hint(), epoch: 'other', after: null });
    await bench.clock.pass(5);
  }
  t.true(bench.asked.length <= 11);
  t.true(bench.asked.length >= 5);
});

test('intake: updates wait while a sync runs, and are judged after it', async (t) => {
  using bench = new Bench();
  await bench.inStep();
  await bench.clock.pass(1000);
  const gate = Promise.withResolvers<Page>();
  bench.answer = () => gate.promise;
  await bench.send(bench.controller.hint()); // known: no sync
  t.is(bench.asked.length, 0);
  bench.controller.write(puts(4));
  await bench.send(bench.controller.hint());
  const [request] = bench.asked;
  if (request === undefined) return t.fail('no sync');
  const page = bench.controller.page(request);
  for (let n = 5; n < 105; n += 1) {
    bench.controller.write(puts(n));
    await bench.send(bench.controller.update(n - 1));
  }
  t.deepEqual(bench.store.stored.cursor.rev, 3);
  gate.resolve(page);
  bench.answer = (again) => bench.controller.page(again);
  await bench.clock.pass(200);
  t.is(bench.store.stored.digest, bench.controller.digest);
});

for (const [what, message, code] of [
  ['that is no JSON', 'nonsense', 'BAD_JSON'],
  ['for another host', JSON.stringify({ v: 1, host: 'h2' }), 'FOREIGN_HOST'],
  ['of another version', JSON.stringify({ v: 2, host: HOST }), 'WRONG_VERSION'],
  ['of more than 512 KiB', JSON.stringify({ v: 1, host: HOST, pad: 'x'.repeat(600_000) }), 'TOO_LARGE'],
] as const) {
  test(`intake: a message ${what} is refused, counted and named, and changes nothing`, async (t) => {
    using bench = new Bench();
    const intake = await bench.inStep();
    const { stored } = bench.store;
    await bench.send(message);
    await bench.send(message);
    t.like(intake.state().refused, { total: 2, byCode: { [code]: 2 } });
    t.is(intake.state().refused.last?.code, code);
    t.is(bench.store.stored, stored);
    t.deepEqual(
      bench.events.map((event) => [event.kind, event.code]),
      [['refused', code]],
    );
    t.deepEqual(bench.asked, []);
    await bench.clock.pass(11_000);
    await bench.send(message);
    t.is(bench.events.length, 2);
  });
}

test('intake: a bus that is down is asked again, ever more slowly, and at once when it is back', async (t) => {
  using bench = new Bench();
  bench.answer = undefined;
  bench.controller.write(puts(1));
  await bench.start();
  t.is(bench.asked.length, 1);
  await bench.clock.pass(1000);
  t.is(bench.asked.length, 2);
  await bench.clock.pass(120_000);
  t.true(bench.asked.length <= 10);
  bench.answer = (request) => bench.controller.page(request);
  const asked = bench.asked.length;
  bench.reconnect();
  await bench.clock.pass(0);
  t.is(bench.asked.length, asked + 1);
  t.is(bench.store.stored.digest, bench.controller.digest);
});

test('intake: a reconnect while a sync runs is another sync', async (t) => {
  using bench = new Bench();
  const gate = Promise.withResolvers<PageReply>();
  bench.answer = () => gate.promise;
  await bench.start();
  bench.answer = (request) => bench.controller.page(request);
  bench.reconnect();
  gate.reject(new BusError('TIMEOUT', 'sync', 'no answer'));
  await bench.clock.pass(0);
  t.is(bench.asked.length, 2);
});

test('intake: it syncs every half minute', async (t) => {
  using bench = new Bench();
  await bench.inStep();
  await bench.clock.pass(90_000);
  t.is(bench.asked.length, 3);
});

test('intake: a store older than the kernel is not touched before everything was fetched', async (t) => {
  using bench = new Bench();
  bench.controller.write(puts(1, 2, 3));
  await bench.store.accept({
    base: 'empty',
    changes: [put(1, 1)],
    cursor: { epoch: 'e1', rev: 1 },
    digest: digestOf1(),
  });
  const { stored } = bench.store;
  bench.answer = undefined;
  const intake = await bench.start({ epoch: 'e1', rev: 3, seq: 7 });
  t.deepEqual(standing(intake), ['unproven', 'ADOPTING']);
  await bench.send(bench.controller.update(1)); // would connect
  t.is(bench.store.stored, stored);
  bench.answer = (request) => bench.controller.page(request);
  await bench.clock.pass(2000);
  t.like(bench.asked.at(-1), { have: { epoch: 'e1', rev: 3 }, from: NO_CURSOR });
  t.deepEqual(standing(intake), ['follows']);
  t.is(bench.store.stored.digest, bench.controller.digest);
});

test('intake: an adopting host that the controller does not know holds what it has', async (t) => {
  using bench = new Bench();
  const intake = await bench.start({ epoch: 'elsewhere', rev: 9, seq: 7 });
  t.deepEqual(standing(intake), ['unproven', 'FOREIGN_EPOCH', 'ADOPTING']);
  t.deepEqual(bench.told, []);
});

test('intake: a damaged store is fetched whole', async (t) => {
  using bench = new Bench();
  bench.controller.write(puts(1, 2, 3));
  bench.store.stored = { ...bench.store.stored, cursor: { epoch: 'e1', rev: 2 }, sound: false, seq: 1 };
  const answer = bench.answer;
  bench.answer = undefined;
  const intake = await bench.start();
  t.deepEqual(standing(intake), ['unproven', 'STORE_DAMAGED']);
  bench.answer = answer;
  await bench.clock.pass(2000);
  t.like(bench.asked.at(-1), { have: { epoch: 'e1', rev: 2 }, from: NO_CURSOR });
  t.deepEqual(standing(intake), ['follows']);
});

test('intake: a host whose history is lost holds, and goes on when it is superseded', async (t) => {
  using bench = new Bench();
  const intake = await bench.inStep();
  bench.answer = (request) => ({ ...bench.controller.page(request), standing: 'lost' });
  await bench.clock.pass(40_000);
  t.deepEqual([standing(intake), bench.held.at(-1)], [['held', 'HISTORY_LOST'], true]);
  t.deepEqual(bench.told, []);
  bench.controller.recover();
  bench.controller.write([(rev) => del(2, rev)]);
  bench.answer = (request) => bench.controller.page(request);
  await bench.clock.pass(40_000);
  t.deepEqual([standing(intake), bench.held.at(-1)], [['follows'], false]);
  t.deepEqual(intake.state().footing.at, { epoch: 'e2', rev: 4 });
  t.deepEqual(bench.told, [[put(1, 1).key, put(3, 3).key]]); // the whole set, which 2 is not in
});

test('intake: a full disk is reported, and what it kept out is fetched later', async (t) => {
  using bench = new Bench();
  const intake = await bench.inStep();
  bench.store.failures.push(full());
  bench.controller.write(puts(4));
  await bench.send(bench.controller.update(3));
  t.deepEqual(intake.state().problems, [{ code: 'STORE_UNWRITABLE', since: bench.clock.nowMs() }]);
  await bench.clock.pass(2000);
  t.deepEqual(standing(intake), ['follows']);
  t.is(bench.store.stored.digest, bench.controller.digest);
});

for (const [what, said, stands] of [
  ['its log agrees with it', 'ok', ['follows']],
  ['it is held', 'lost', ['held', 'HISTORY_LOST']],
] as const) {
  test(`intake: what a full disk kept out and no log wants any more is reported until the disk takes something; ${what}`, async (t) => {
    using bench = new Bench();
    const intake = await bench.inStep();
    const before = new MemoryController(HOST); // its database was put back
    before.write(puts(1, 2, 3));
    bench.store.failures.push(full(), full());
    bench.controller.write(puts(4));
    await bench.send(bench.controller.update(3));
    bench.answer = (request) => ({ ...before.page(request), standing: said });
    await bench.clock.pass(1600);
    t.is(bench.store.failures.length, 0);
    t.deepEqual(standing(intake), [...stands, 'STORE_UNWRITABLE']);
    const { changes } = bench;
    await bench.clock.pass(4000);
    t.deepEqual(standing(intake), stands);
    t.is(bench.changes, changes + 1);
    t.is(bench.store.stored.digest, before.digest);
  });
}

test('intake: a disk that does not take what came with nothing that is new is asked to ever less often', async (t) => {
  using bench = new Bench();
  const intake = await bench.inStep();
  bench.answer = (request) => ({ ...bench.controller.page(request), permit: 3 });
  bench.store.failures.push(...Array.from({ length: 5 }, full));
  bench.reconnect();
  await bench.clock.pass(0);
  t.deepEqual(standing(intake), ['follows', 'STORE_UNWRITABLE']);
  await bench.clock.pass(14_000);
  t.is(bench.store.failures.length, 1);
  await bench.clock.pass(40_000);
  t.deepEqual(standing(intake), ['follows']);
  t.deepEqual(bench.marked[0], { permit: 3 });
});

test('intake: a controller without an answer for a minute is reported, until it answers', async (t) => {
  using bench = new Bench();
  const intake = await bench.inStep();
  const answer = bench.answer;
  bench.answer = undefined;
  await bench.clock.pass(59_000);
  t.deepEqual(standing(intake), ['follows']);
  const changes = bench.changes;
  await bench.clock.pass(60_000);
  t.deepEqual(standing(intake), ['follows', 'CONTROLLER_SILENT']);
  t.is(bench.changes, changes + 1);
  bench.clock.wallMs = -86_400_000; // it is no matter of the wall clock
  bench.answer = answer;
  await bench.clock.pass(60_000);
  t.deepEqual(standing(intake), ['follows']);
  t.is(bench.changes, changes + 2);
});

test('intake: a controller that answers is not silent because the disk does not take what it says', async (t) => {
  using bench = new Bench();
  const intake = await bench.inStep();
  bench.controller.write(puts(4));
  bench.store.failures.push(...Array.from({ length: 100 }, full));
  bench.reconnect();
  await bench.clock.pass(120_000);
  t.deepEqual(standing(intake), ['follows', 'STORE_UNWRITABLE']);
  bench.answer = undefined;
  bench.reconnect();
  await bench.clock.pass(0);
  t.deepEqual(standing(intake), ['follows', 'STORE_UNWRITABLE']);
  await bench.clock.pass(120_000);
  t.deepEqual(standing(intake), ['follows', 'STORE_UNWRITABLE', 'CONTROLLER_SILENT']);
});

test('intake: a controller that answers nonsense is as silent as one that does not answer', async (t) => {
  using bench = new Bench();
  const intake = await bench.inStep();
  bench.answer = () => ({ v: 1, host: HOST, error: { code: 'INTERNAL', message: 'a fault' } });
  await bench.clock.pass(120_000);
  t.deepEqual(standing(intake), ['follows', 'CONTROLLER_SILENT']);
});

for (const [what, sound, mark, code] of [
  ['older than the kernel', true, { epoch: 'e1', rev: 3, seq: 7 }, 'ADOPTING'],
  ['that is damaged', false, undefined, 'STORE_DAMAGED'],
] as const) {
  test(`intake: a store ${what} and a full disk are both reported, each since it is so`, async (t) => {
    using bench = new Bench();
    bench.controller.write(puts(1, 2, 3));
    bench.store.stored = { ...bench.store.stored, cursor: { epoch: 'e1', rev: 2 }, sound, seq: 1 };
    const answer = bench.answer;
    bench.answer = undefined;
    const startedMs = bench.clock.nowMs();
    const intake = await bench.start(mark);
    await bench.clock.pass(500);
    bench.store.failures.push(full());
    bench.answer = answer;
    bench.reconnect();
    await bench.clock.pass(0);
    t.is(bench.store.failures.length, 0);
    t.deepEqual(
      intake.state().problems.toSorted((a, b) => a.since - b.since),
      [
        { code, since: startedMs },
        { code: 'STORE_UNWRITABLE', since: startedMs + 500 },
      ],
    );
    t.deepEqual(bench.told, []);
    await bench.clock.pass(5000);
    t.deepEqual(standing(intake), ['follows']);
  });
}

/** In step, and then contradicted by its log: rule R5. */
async function contradicted(bench: Bench): Promise<Intake> {
  const intake = await bench.inStep();
  bench.answer = (request) => ({ ...bench.controller.page(request), digest: '0'.repeat(32) });
  await bench.clock.pass(40_000);
  bench.answer = (request) => bench.controller.page(request);
  return intake;
}

test('intake: what was contradicted stays held, whatever is pushed or answered, and one page is asked for', async (t) => {
  using bench = new Bench();
  const intake = await contradicted(bench);
  const problems = [{ code: 'HISTORY_LOST', since: intake.state().problems[0]?.since }];
  const { stored } = bench.store;
  bench.controller.write(puts(4));
  await bench.send(bench.controller.update(3)); // would connect
  t.deepEqual(intake.state().problems, problems);
  bench.asked.length = 0;
  await bench.clock.pass(40_000);
  t.is(bench.asked.length, 1);
  await bench.send(bench.controller.update(0)); // a repeat
  t.deepEqual(standing(intake), ['held', 'HISTORY_LOST']);
  t.deepEqual(intake.state().problems, problems);
  t.is(bench.store.stored, stored);
  t.deepEqual([bench.told, bench.again], [[], []]);
});

test('intake: what was contradicted is taken anew when its epoch is superseded', async (t) => {
  using bench = new Bench();
  const intake = await contradicted(bench);
  bench.controller.recover();
  bench.controller.write(puts(4));
  await bench.send(bench.controller.update(3));
  await bench.clock.pass(40_000);
  t.deepEqual(standing(intake), ['follows']);
  t.is(bench.store.stored.digest, bench.controller.digest);
});

test('intake: what the log did not know goes on with an update that connects', async (t) => {
  using bench = new Bench();
  const intake = await bench.inStep();
  bench.answer = (request) => ({ ...bench.controller.page(request), standing: 'unknown' });
  await bench.clock.pass(40_000);
  t.deepEqual([standing(intake), bench.held.at(-1)], [['held', 'FOREIGN_EPOCH'], true]);
  bench.controller.write(puts(4));
  await bench.send(bench.controller.update(3));
  t.deepEqual([standing(intake), bench.held.at(-1)], [['follows'], false]);
  t.is(bench.store.stored.digest, bench.controller.digest);
});

test('intake: a store of a newer agent is neither synced nor changed, and that is said', async (t) => {
  using bench = new Bench();
  bench.controller.write(puts(1, 2));
  const changes = [put(1, 1), put(2, 2)];
  await bench.store.accept(candidate('stored', { epoch: 'e1', rev: 2 }, changes));
  bench.store.writeAsNewer({ ...intent(3, 2), body: '{"of":"tomorrow"}' });
  const before = await bench.store.load();
  const intake = await bench.start({ epoch: 'e1', rev: 2, seq: 9 });
  bench.controller.write(puts(4));
  await bench.send(bench.controller.update(2));
  await bench.send(bench.controller.update(0));
  bench.reconnect();
  await bench.clock.pass(120_000);
  t.deepEqual([bench.asked, bench.told, bench.again], [[], [], []]);
  t.deepEqual(await bench.store.load(), before);
  t.deepEqual(standing(intake), ['held', 'STORE_NEWER']);
});

test('intake: a store that turns out to be damaged is fetched whole', async (t) => {
  using bench = new Bench();
  const intake = await bench.inStep();
  bench.store.stored = { ...bench.store.stored, sound: false };
  bench.controller.write(puts(4));
  const answer = bench.answer;
  bench.answer = undefined;
  await bench.send(bench.controller.update(3));
  t.deepEqual([standing(intake), bench.held.at(-1)], [['unproven', 'STORE_DAMAGED'], true]);
  bench.answer = answer;
  await bench.clock.pass(2000);
  t.like(bench.asked.at(-1), { from: NO_CURSOR });
  t.deepEqual([standing(intake), bench.held.at(-1)], [['follows'], false]);
});

test('intake: a disk that fails ends it', async (t) => {
  using bench = new Bench();
  await bench.inStep();
  bench.store.failures.push(new StoreError('IO', '/state/agent.db', 'accept: fsync failed'));
  bench.controller.write(puts(4));
  await bench.send(bench.controller.update(3));
  await t.throwsAsync(bench.running ?? Promise.resolve(), { name: 'StoreError' });
});

test('intake: it ends with its signal', async (t) => {
  const bench = new Bench();
  await bench.inStep();
  bench[Symbol.dispose]();
  await t.notThrowsAsync(bench.running ?? Promise.reject(new Error('never ran')));
});

function standing(intake: Intake): readonly string[] {
  const { footing, problems } = intake.state();
  return [footing.is, ...problems.map(({ code }) => code)];
}

function digestOf1(): string {
  const controller = new MemoryController(HOST);
  controller.write(puts(1));
  return controller.digest;
}
