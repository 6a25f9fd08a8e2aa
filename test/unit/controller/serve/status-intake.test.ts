import { setTimeout } from 'node:timers/promises';
import test from 'ava';
import { pino } from 'pino';
import type { Report } from '../../../../controller/ports.ts';
import { Refusals } from '../../../../controller/serve/refusals.ts';
import { StatusIntake } from '../../../../controller/serve/status-intake.ts';
import { encodeStatus, type Status } from '../../../../protocol/status.ts';
import { makeSubjects } from '../../../../protocol/subjects.ts';
import { status } from '../fleet.ts';

const subjects = makeSubjects();
const log = pino({ level: 'silent' });

/** An intake over a roster that only remembers what it was told, and fails when told to. */
class Desk {
  readonly writes: Report[][] = [];
  readonly refusals = new Refusals(log, Date.now);
  changes = 0;
  failing = false;
  readonly intake = new StatusIntake({
    roster: {
      report: async (reports) => {
        if (this.failing) throw new Error('no room');
        this.writes.push([...reports]);
      },
    },
    subjects,
    refusals: this.refusals,
    now: Date.now,
    log,
    onChange: () => {
      this.changes += 1;
    },
  });

  say(said: Status, subject = subjects.status(said.host)): Promise<void> {
    return this.intake.receive({ subject, replyTo: '', data: encodeStatus(said) });
  }

  get written(): string[][] {
    return this.writes.map((reports) => reports.map(({ status: { host, stored } }) => `${host}@${stored}`));
  }
}

test('status: hosts that come together share a write, the newest word of each', async (t) => {
  const desk = new Desk();
  await desk.say(status('a', { stored: 1 }));
  await desk.say(status('b', { stored: 1 }));
  await desk.say(status('a', { stored: 2 }));
  await setTimeout(200);
  t.deepEqual(desk.written, [['a@2', 'b@1']]);
  t.is(desk.changes, 1);
});

test('status: what is no news waits, and closing writes it', async (t) => {
  const desk = new Desk();
  await desk.say(status('a', { stored: 1 }));
  await setTimeout(200);
  await desk.say(status('a', { stored: 2 }));
  await setTimeout(200);
  t.deepEqual(desk.written, [['a@1']]);
  await desk.intake[Symbol.asyncDispose]();
  t.deepEqual(desk.written, [['a@1'], ['a@2']]);
  await desk.intake[Symbol.asyncDispose]();
  t.is(desk.writes.length, 2);
});

test('status: other labels do not wait, also behind what does', async (t) => {
  const desk = new Desk();
  await desk.say(status('a', { stored: 1, labels: { role: 'edge' } }));
  await setTimeout(200);
  await desk.say(status('a', { stored: 2, labels: { role: 'edge' } }));
  await desk.say(status('a', { stored: 3, labels: { role: 'core' } }));
  await setTimeout(200);
  t.deepEqual(desk.written, [['a@1'], ['a@3']]);
});

test('status: foreign and malformed ones are counted and change nothing', async (t) => {
  const desk = new Desk();
  await desk.say(status('a'), subjects.status('b'));
  await desk.intake.receive({ subject: subjects.status('b'), replyTo: '', data: new Uint8Array([0xff]) });
  await desk.intake.receive({ subject: subjects.status('b'), replyTo: '', data: new TextEncoder().encode('{"v":9}') });
  await desk.intake[Symbol.asyncDispose]();
  t.deepEqual(desk.written, []);
  t.deepEqual([...desk.refusals.byCode.keys()].sort(), ['BAD_JSON', 'FOREIGN_HOST', 'WRONG_VERSION']);
});

test('status: after a failed write the next word of the host is news again', async (t) => {
  const desk = new Desk();
  desk.failing = true;
  await desk.say(status('a', { stored: 1 }));
  await setTimeout(200);
  desk.failing = false;
  await desk.say(status('a', { stored: 2 }));
  await setTimeout(200);
  t.deepEqual(desk.written, [['a@2']]);
});
