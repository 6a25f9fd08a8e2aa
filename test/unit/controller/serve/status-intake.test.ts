import test from 'ava';
import { pino } from 'pino';
import type { Report } from '../../../../controller/ports.ts';
import { Refusals } from '../../../../controller/serve/refusals.ts';
import { StatusIntake } from '../../../../controller/serve/status-intake.ts';
import { Traffic } from '../../../../controller/serve/traffic.ts';
import { encodeStatus, type Status } from '../../../../protocol/status.ts';
import { makeSubjects } from '../../../../protocol/subjects.ts';
import { ManualClock } from '../../../fakes/manual-clock.ts';
import { status } from '../fleet.ts';

const subjects = makeSubjects();
const log = pino({ level: 'silent' });

/** A running intake over a roster that only remembers what it was told, and fails when told to. */
class Desk implements AsyncDisposable {
  readonly writes: Report[][] = [];
  readonly clock = new ManualClock();
  readonly refusals = new Refusals(log, this.clock);
  readonly traffic = new Traffic(this.clock);
  changes = 0;
  failing = false;
  readonly #intake = new StatusIntake({
    roster: {
      report: async (reports) => {
        if (this.failing) throw new Error('no room');
        this.writes.push([...reports]);
      },
    },
    traffic: this.traffic,
    subjects,
    refusals: this.refusals,
    clock: this.clock,
    log,
    onChange: () => {
      this.changes += 1;
    },
  });
  readonly #end = new AbortController();
  readonly #done = this.#intake.run(this.#end.signal);

  say(said: Status, subject = subjects.status(said.host)): Promise<void> {
    return this.receive(subject, encodeStatus(said));
  }

  receive(subject: string, data: Uint8Array): Promise<void> {
    return this.#intake.receive({ subject, replyTo: '', data });
  }

  get written(): string[][] {
    return this.writes.map((reports) => reports.map(({ status: { host, stored } }) => `${host}@${stored}`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    await this.#done;
  }
}

test('status: hosts that come together share a write, the newest word of each', async (t) => {
  await using desk = new Desk();
  await desk.say(status('a', { stored: 1 }));
  await desk.say(status('b', { stored: 1 }));
  await desk.say(status('a', { stored: 2 }));
  await desk.clock.pass(49);
  t.deepEqual(desk.written, []);
  await desk.clock.pass(1);
  t.deepEqual(desk.written, [['a@2', 'b@1']]);
  t.is(desk.changes, 1);
});

test('status: what is no news waits a second, and closing writes it', async (t) => {
  await using desk = new Desk();
  await desk.say(status('a', { stored: 1 }));
  await desk.clock.pass(50);
  await desk.say(status('a', { stored: 1 }));
  await desk.clock.pass(999);
  t.deepEqual(desk.written, [['a@1']]);
  await desk.clock.pass(1);
  t.deepEqual(desk.written, [['a@1'], ['a@1']]);
  await desk.say(status('a', { stored: 1 }));
  await desk[Symbol.asyncDispose]();
  t.deepEqual(desk.written, [['a@1'], ['a@1'], ['a@1']]);
});

for (const level of ['stored', 'applied', 'verified'] as const)
  test(`status: that a host has ${level} more waits a tenth of a second, together with others`, async (t) => {
    await using desk = new Desk();
    const before = { stored: 2, applied: 1, verified: 1 };
    await desk.say(status('a', before));
    await desk.say(status('b', before));
    await desk.clock.pass(50);
    await desk.say(status('a', { ...before, [level]: before[level] + 1 }));
    await desk.clock.pass(99);
    await desk.say(status('b', { ...before, [level]: before[level] + 1 }));
    t.is(desk.writes.length, 1);
    await desk.clock.pass(1);
    t.deepEqual(
      desk.writes[1]?.map((report) => report.status[level]),
      [before[level] + 1, before[level] + 1],
    );
  });

test('status: other labels do not wait, also behind what does', async (t) => {
  await using desk = new Desk();
  await desk.say(status('a', { stored: 1, labels: { role: 'edge' } }));
  await desk.clock.pass(50);
  await desk.say(status('a', { stored: 2, labels: { role: 'edge' } }));
  await desk.say(status('a', { stored: 3, labels: { role: 'core' } }));
  await desk.clock.pass(50);
  t.deepEqual(desk.written, [['a@1'], ['a@3']]);
});

test('status: a late or repeated one does not take the place of a newer one that waits', async (t) => {
  await using desk = new Desk();
  await desk.say(status('a', { boot: 'b2', seq: 5, stored: 5 }));
  await desk.say(status('a', { boot: 'b2', seq: 4, stored: 4 }));
  await desk.say(status('a', { boot: 'b1', seq: 9, stored: 3 }));
  await desk.clock.pass(50);
  t.deepEqual(desk.written, [['a@5', 'a@3']]); // which start is the newer, the roster knows
});

test('status: foreign and malformed ones are counted and change nothing', async (t) => {
  await using desk = new Desk();
  await desk.say(status('a'), subjects.status('b'));
  await desk.receive(subjects.status('b'), new Uint8Array([0xff]));
  await desk.receive(subjects.status('b'), new TextEncoder().encode('{"v":9}'));
  await desk[Symbol.asyncDispose]();
  t.deepEqual(desk.written, []);
  t.deepEqual([...desk.refusals.byCode.keys()].sort(), ['BAD_JSON', 'FOREIGN_HOST', 'WRONG_VERSION']);
});

test('status: after a failed write the next word of the host is news again', async (t) => {
  await using desk = new Desk();
  desk.failing = true;
  await desk.say(status('a', { stored: 1 }));
  await desk.clock.pass(50);
  desk.failing = false;
  await desk.say(status('a', { stored: 2 }));
  await desk.clock.pass(50);
  t.deepEqual(desk.written, [['a@2']]);
});

test('status: rates are kept in memory, and no others of a status; the database never has them', async (t) => {
  await using desk = new Desk();
  const rates = { spanMs: 10_000, busiest: [{ name: 'r1', packets: 50, bytes: 1 }], verdicts: {}, lost: 0 };
  await desk.say(status('a', { seq: 1, rates }));
  await desk.clock.pass(1_000);
  t.deepEqual(
    desk.writes.flat().map(({ status: said }) => ['rates' in said, said.seq]),
    [[false, 1]],
  );
  t.deepEqual(desk.traffic.now().of('r1', { total: 1, complete: 1 }), { packets: 5, bytes: 0.1, hosts: 1 });
});
