import test, { type ExecutionContext } from 'ava';
import { pino } from 'pino';
import { Declined } from '../../../../controller/model/declined.ts';
import { StoreError } from '../../../../controller/model/store-error.ts';
import type { Desk, Hear, Incoming, Logs, Rollouts } from '../../../../controller/ports.ts';
import { ApiService } from '../../../../controller/serve/api-service.ts';
import { Refusals } from '../../../../controller/serve/refusals.ts';
import { SyncService } from '../../../../controller/serve/sync-service.ts';
import { Traffic } from '../../../../controller/serve/traffic.ts';
import { type ApplyReply, type ApplyRequest, encodeApplyRequest } from '../../../../protocol/api.ts';
import { type Cursor, NO_CURSOR } from '../../../../protocol/cursor.ts';
import { encodeDeleteRequest, parseDeleteReply } from '../../../../protocol/delete.ts';
import { encodeSyncRequest, type Page, parsePageReply, type SyncRequest } from '../../../../protocol/page.ts';
import { encodePlanRequest, type PlanReply, type PlanRequest, parsePlanReply } from '../../../../protocol/plan.ts';
import { makeSubjects } from '../../../../protocol/subjects.ts';
import { parseWorking } from '../../../../protocol/working.ts';
import { ManualClock } from '../../../fakes/manual-clock.ts';
import { readFixtureBytes } from '../../protocol/messages.ts';

const subjects = makeSubjects();
const log = pino({ level: 'silent' });

/** A bus that keeps the answers. */
function bus() {
  const answers: { readonly subject: string; readonly data: Uint8Array }[] = [];
  return {
    maxPayloadBytes: 1_048_576,
    answers,
    publish: (subject: string, data: Uint8Array) => answers.push({ subject, data }),
  };
}

/** Nobody asks for any. */
const NO_ROLLOUTS = {} as unknown as Rollouts;

/** An api at which nothing is to change. */
function unchanging(t: ExecutionContext, desk: Desk, taken: ReturnType<typeof bus>): ApiService {
  const clock = new ManualClock();
  return new ApiService({
    ...{ desk, rollouts: NO_ROLLOUTS, subjects, clock, log },
    traffic: new Traffic(clock),
    bus: taken,
    onChange: () => t.fail(),
  });
}

function syncService(logs: Pick<Logs, 'page'>, taken: ReturnType<typeof bus>, clock = new ManualClock()): SyncService {
  return new SyncService({ logs, bus: taken, subjects, refusals: new Refusals(log, clock), clock, log });
}

const FAILURES: readonly [string, Error, string][] = [
  ['a refusal', new Declined('TOO_LARGE', 'too much'), 'TOO_LARGE'],
  ['a lock that somebody holds', new StoreError('BUSY', 'locked'), 'BUSY'],
  ['a full disk', new StoreError('FULL', 'no room'), 'INTERNAL'],
  ['a fault of ours', new TypeError('oops'), 'INTERNAL'],
];

for (const [title, error, code] of FAILURES) {
  test(`api: ${title} is answered as ${code}, and no change is announced`, async (t) => {
    const taken = bus();
    const desk = { delete: () => Promise.reject(error) } as unknown as Desk;
    const api = unchanging(t, desk, taken);
    await api.receive(request(subjects.api('delete'), 'inbox', encodeDeleteRequest({ v: 1, names: ['a'] })));
    t.like(parseDeleteReply(taken.answers[0]?.data), { error: { code } });
  });

  test(`sync: ${title} is answered, and names no internals`, async (t) => {
    const taken = bus();
    const logs = { page: () => Promise.reject(error) } as Pick<Logs, 'page'>;
    const sync = syncService(logs, taken);
    const data = encodeSyncRequest({ v: 1, host: 'a', have: NO_CURSOR, from: NO_CURSOR });
    await sync.receive(request(subjects.sync('a'), `${subjects.inbox('a')}.1`, data));
    const expected = error instanceof Declined ? error.code : 'INTERNAL';
    t.like(parsePageReply(taken.answers[0]?.data, 'a'), { error: { code: expected } });
  });
}

test('api: parts of a plan are staged, the last is planned, and no change is announced', async (t) => {
  const taken = bus();
  const done: string[] = [];
  const reply = parsePlanReply(readFixtureBytes('plan-reply')) as PlanReply;
  const desk = {
    stage: async ({ part }: PlanRequest) => void done.push(`stage ${part}`),
    plan: async ({ part, delete: names }: PlanRequest) => {
      done.push(`plan ${part} ${names}`);
      return reply;
    },
  } as unknown as Desk;
  const api = unchanging(t, desk, taken);
  const part = { v: 1, upload: 'u', parts: 2, specs: [] } as const;
  for (const data of [encodePlanRequest({ ...part, part: 0 }), encodePlanRequest({ ...part, part: 1, delete: ['a'] })])
    await api.receive(request(subjects.api('plan'), 'inbox', data));
  t.deepEqual(done, ['stage 0', 'plan 1 a']);
  t.deepEqual(
    taken.answers.map(({ data }) => parsePlanReply(data)),
    [{ v: 1, upload: 'u', part: 0 }, reply],
  );
});

for (const [workingTo, signs] of [
  ['_INBOX.operator.7', ['_INBOX.operator.7 2000', '_INBOX.operator.7 2000', '_INBOX.operator.7 3000']],
  ['', []],
  ['shunt.v1.live.edge-7', []],
  ['_INBOX.a b', []],
  ['_INBOX.>', []],
] as const) {
  test(`api: while it works, a sign of it goes each second to the inbox that was named: ${workingTo}`, async (t) => {
    const taken = bus();
    const clock = new ManualClock();
    const reply = Promise.withResolvers<ApplyReply>();
    let hear: Hear = () => {};
    const desk = {
      apply: (_last: ApplyRequest, heard: Hear) => {
        hear = heard;
        return reply.promise;
      },
    } as unknown as Desk;
    const api = new ApiService({
      desk,
      rollouts: NO_ROLLOUTS,
      traffic: new Traffic(new ManualClock()),
      bus: taken,
      subjects,
      clock,
      log,
      onChange: () => {},
    });
    const data = encodeApplyRequest({ v: 1, upload: 'u', part: 0, parts: 1, specs: [] });
    const done = api.receive({ subject: subjects.api('apply'), replyTo: 'inbox', workingTo, data });
    hear(2000);
    await clock.pass(2000);
    hear(3000);
    await clock.pass(1000);
    reply.resolve({ v: 1, upload: 'u', created: 1, changed: 0, unchanged: 0, hosts: 1, rev: 1 });
    await done;
    await clock.pass(5000);
    const told = taken.answers.map(({ subject, data }) => [subject, data] as const);
    t.deepEqual(
      told.slice(0, -1).map(([subject, data]) => `${subject} ${parseWorking(data).done}`),
      signs,
    );
    t.is(told.at(-1)?.[0], 'inbox');
  });
}

test('api: a request that nobody waits for is not done', async (t) => {
  const taken = bus();
  const desk = { delete: () => Promise.reject(t.fail()) } as unknown as Desk;
  const api = unchanging(t, desk, taken);
  await api.receive(request(subjects.api('delete'), '', encodeDeleteRequest({ v: 1, names: ['a'] })));
  t.deepEqual(taken.answers, []);
});

test('sync: past what can be at hand, hosts are told to come again', async (t) => {
  const taken = bus();
  let release: (error: Error) => void = () => {};
  const gate = new Promise<never>((_, reject) => {
    release = reject;
  });
  const logs = { page: () => gate } as Pick<Logs, 'page'>;
  const sync = syncService(logs, taken);
  const data = encodeSyncRequest({ v: 1, host: 'a', have: NO_CURSOR, from: NO_CURSOR });
  const asked = Array.from({ length: 4097 }, () =>
    sync.receive(request(subjects.sync('a'), `${subjects.inbox('a')}.1`, data)),
  );
  await asked.at(-1);
  t.is(taken.answers.length, 1);
  t.like(parsePageReply(taken.answers[0]?.data, 'a'), { error: { code: 'BUSY' } });
  release(new Error('over'));
  await Promise.all(asked);
  t.is(taken.answers.length, 4097);
});

test('sync: of hosts that ask whether they have all, the first are answered at once, and the others together', async (t) => {
  const taken = bus();
  const clock = new ManualClock();
  const page = parsePageReply(readFixtureBytes('page')) as Page;
  const logs = { page: async ({ host, have, from }: SyncRequest) => ({ ...page, host, have, from }) };
  const sync = syncService(logs as unknown as Pick<Logs, 'page'>, taken, clock);
  const ask = (host: string, from: Cursor, have = from): Promise<void> =>
    sync.receive(
      request(subjects.sync(host), `${subjects.inbox(host)}.1`, encodeSyncRequest({ v: 1, host, have, from })),
    );
  const head = { epoch: page.epoch, rev: page.prev };
  const asked = Array.from({ length: 9 }, (_, number) => ask(`edge-${number}`, head));
  await Promise.all(asked.slice(0, 4));
  t.is(taken.answers.length, 4);
  await ask('edge-10', NO_CURSOR);
  await ask('edge-11', head, NO_CURSOR);
  t.is(taken.answers.length, 6);
  await clock.pass(50);
  await Promise.all(asked);
  t.is(taken.answers.length, 11);
  await ask('edge-12', head);
  t.is(taken.answers.length, 12);
});

function request(subject: string, replyTo: string, data: Uint8Array): Incoming {
  return { subject, replyTo, data };
}
