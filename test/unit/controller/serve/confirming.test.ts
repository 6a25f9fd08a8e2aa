import test from 'ava';
import { pino } from 'pino';
import { openPorts, type Ports } from '../../../../controller/open.ts';
import { Refusals } from '../../../../controller/serve/refusals.ts';
import { StatusIntake } from '../../../../controller/serve/status-intake.ts';
import { Traffic } from '../../../../controller/serve/traffic.ts';
import type { Put } from '../../../../protocol/intent.ts';
import { encodeStatus, type Status } from '../../../../protocol/status.ts';
import { makeSubjects } from '../../../../protocol/subjects.ts';
import { ManualClock } from '../../../fakes/manual-clock.ts';
import { ALLOWED, AMPLE_BYTES, Folder, hintOf, spec, status, updateOf } from '../fleet.ts';

const subjects = makeSubjects();
const log = pino({ level: 'silent' });
const HOST = 'edge-1';

/** A controller's word intake over a real database, both by one clock; and a host that arms what it is told. */
class Desk implements AsyncDisposable {
  readonly clock: ManualClock;
  readonly #store: Ports;
  readonly #intake: StatusIntake;
  readonly #end = new AbortController();
  readonly #done: Promise<void>;
  #writing: Promise<void> = Promise.resolve();
  /** What the host stores of its log, and the mark that it was told last. */
  epoch = '';
  rev = 0;
  confirmed = 0;
  /** When it got each change, by rev. */
  readonly armed = new Map<number, { readonly put: Put; readonly atMs: number }>();

  constructor(store: Ports, clock: ManualClock) {
    this.clock = clock;
    this.#store = store;
    const roster = {
      report: (reports: Parameters<Ports['roster']['report']>[0]) => {
        this.#writing = store.roster.report(reports);
        return this.#writing;
      },
    };
    const [refusals, traffic, onChange] = [new Refusals(log, clock), new Traffic(clock), () => {}];
    this.#intake = new StatusIntake({ roster, traffic, subjects, refusals, clock, log, onChange });
    this.#done = this.#intake.run(this.#end.signal);
  }

  /** Has the host say how it is, as it is now or as it says. */
  async say(more: Partial<Status> = {}): Promise<void> {
    const unconfirmed = [...this.armed].map(([rev, { put }]) => ({ name: put.name, key: put.key, rev, leftMs: 1 }));
    const levels = { epoch: this.epoch, stored: this.rev, applied: this.rev, verified: this.rev };
    const quiet = { can: ['confirm'], exceptions: [], unconfirmed, unconfirmedTotal: unconfirmed.length };
    const { unarmed: _, ...said } = status(HOST, { ...quiet, ...levels, ...more });
    const data = encodeStatus({ ...said, ...more });
    await this.#intake.receive({ subject: subjects.status(HOST), replyTo: '', data });
  }

  apply(...specs: readonly object[]) {
    const confirm = { withinMs: 60_000 };
    return this.#store.desk.apply({ v: 1, upload: 'test', part: 0, parts: 1, specs, ...ALLOWED, confirm });
  }

  /** Lets time pass, and what is due be written. */
  async pass(ms: number): Promise<void> {
    await this.clock.pass(ms);
    await this.#writing;
  }

  /** The host takes what is new, and its mark. Answers the changes that this confirmed, and after how long. */
  async sync(): Promise<readonly number[]> {
    const { logs } = this.#store;
    const update = (await updateOf(logs, HOST, this.rev, AMPLE_BYTES)) ?? (await hintOf(logs, HOST));
    if (update === undefined) return [];
    this.confirmed = Math.max(this.confirmed, update.confirmed ?? 0);
    [this.epoch, this.rev] = [update.epoch, update.rev];
    for (const change of update.changes)
      if (change.op === 'put') this.armed.set(change.rev, { put: change, atMs: this.clock.monotonicMs() });
    const done = [...this.armed].filter(([rev]) => rev <= this.confirmed);
    for (const [rev] of done) this.armed.delete(rev);
    return done.map(([, { atMs }]) => this.clock.monotonicMs() - atMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    await this.#done;
  }

  static async open(t: { readonly fail: (message: string) => void }, folder: Folder, held: AsyncDisposableStack) {
    const clock = new ManualClock();
    const store = held.use(await openPorts(folder.file(), clock, (error) => t.fail(error.message)));
    const desk = held.use(new Desk(store, clock));
    await desk.say({ labels: {}, epoch: '', stored: 0, unconfirmed: [] });
    await desk.pass(50);
    return desk;
  }
}

test('confirm: a host that gets a change every second is confirmed within 15 s of each', async (t) => {
  using folder = new Folder();
  await using held = new AsyncDisposableStack();
  const desk = await Desk.open(t, folder, held);
  const took: number[] = [];
  for (let second = 0; second < 60; second += 1) {
    await desk.apply(spec(`r-${second}`, second, { hosts: [HOST] }));
    took.push(...(await desk.sync()));
    await desk.say();
    await desk.pass(1000);
  }
  t.true(took.length >= 60 - 15, `${took.length} of 60 changes were confirmed`);
  t.true(Math.max(...took) <= 15_000, `the slowest took ${Math.max(...took)} ms`);
  t.true(Math.min(...took) >= 10_000, `the quickest took ${Math.min(...took)} ms`);
});

test('confirm: what a bus repeats, or brings late, is no proof that a host is still there', async (t) => {
  using folder = new Folder();
  await using held = new AsyncDisposableStack();
  const desk = await Desk.open(t, folder, held);
  await desk.apply(spec('r', 1, { hosts: [HOST] }));
  await desk.sync();
  await desk.say({ boot: 'now', seq: 7 });
  await desk.pass(9000);
  await desk.say({ boot: 'now', seq: 8 });
  await desk.pass(3000);
  for (const old of [
    { boot: 'now', seq: 8 },
    { boot: 'now', seq: 7 },
    { boot: 'now', seq: 6 },
  ]) {
    await desk.say(old);
    await desk.pass(1000);
  }
  await desk.sync();
  t.is(desk.confirmed, 0, 'the newest word came nine seconds after the first');
  await desk.say({ boot: 'other', seq: 1 });
  await desk.pass(1000);
  await desk.sync();
  t.is(desk.confirmed, 0, 'another start has to be heard for as long');
  await desk.say({ boot: 'other', seq: 2 });
  await desk.pass(9000);
  await desk.say({ boot: 'other', seq: 3 });
  await desk.pass(50);
  await desk.sync();
  t.is(desk.confirmed, 1);
});
