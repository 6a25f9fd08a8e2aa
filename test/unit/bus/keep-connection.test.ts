import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { ErrorCode, Events } from 'nats';
import { NONE_GIVEN } from '../../../bus/access.ts';
import { BusError } from '../../../bus/error.ts';
import { keepConnection } from '../../../bus/keep-connection.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';
import { FakeConnection, find, lose } from '../../fakes/nats-connection.ts';

const REFUSED = new BusError('REFUSED', 'connect', `the server does not let everybody in; ${NONE_GIVEN}`);
const AWAY = new BusError('UNREACHABLE', 'connect', 'connection refused');

/** A kept connection to servers that do what `next` says: each attempt takes one, and the last again and again. */
class Bench implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly attemptsAtMs: number[] = [];
  /** What is asked on the side while the client looks for a server, and what comes of it. */
  readonly inquiriesAtMs: number[] = [];
  answer = AWAY;
  /** What was told: `opened`, `up`, or why it is down. */
  readonly told: string[] = [];
  readonly logged: object[] = [];
  next: (FakeConnection | BusError)[] = [];
  readonly #over = new AbortController();
  readonly #kept: Promise<void>;

  constructor(first?: FakeConnection, creds?: string) {
    const note = (facts: object, message: string): void => void this.logged.push({ ...facts, message });
    this.#kept = keepConnection(
      {
        servers: { urls: ['nats://bus'], ...(creds !== undefined && { creds }) },
        who: { name: 'test' },
        clock: this.clock,
        log: { debug: () => {}, info: note, warn: note, error: note },
        open: async ({ reconnect }) => {
          if (reconnect === false) {
            this.inquiriesAtMs.push(this.clock.monotonicMs());
            throw this.answer;
          }
          this.attemptsAtMs.push(this.clock.monotonicMs());
          const outcome = this.next.length > 1 ? this.next.shift() : this.next[0];
          if (outcome instanceof FakeConnection) return outcome.asClients;
          throw outcome ?? AWAY;
        },
      },
      {
        opened: () => this.told.push('opened'),
        up: () => this.told.push('up'),
        down: ({ code }) => this.told.push(code),
        deaf: (subject) => this.told.push(`deaf on ${subject}`),
      },
      this.#over.signal,
      first?.asClients,
    );
  }

  async end(): Promise<void> {
    this.#over.abort();
    await this.#kept;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end();
  }
}

/** Between each and the next. */
function gapsOf(timesMs: readonly number[]): number[] {
  return timesMs.slice(1).map((atMs, index) => Math.round(atMs - (timesMs[index] ?? 0)));
}

test('keep: a connection that the client gives up is followed by another one, ever later, and half a minute at most', async (t) => {
  const first = new FakeConnection();
  await using bench = new Bench(first);
  bench.next = [REFUSED];
  await bench.clock.pass(100_000);
  first.giveUp(ErrorCode.AuthorizationViolation);
  await bench.clock.pass(180_000);
  t.deepEqual(
    gapsOf([100_000, ...bench.attemptsAtMs]),
    [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000, 30_000],
  );
  const second = new FakeConnection();
  bench.next = [second];
  await bench.clock.pass(30_000);
  t.deepEqual(bench.told, ['opened', 'up', 'REFUSED', 'opened', 'up']);
  t.deepEqual(
    bench.logged.map((facts) => ('code' in facts ? facts.code : 'connected')),
    ['connected', 'REFUSED', 'connected'],
  );
});

test('keep: one that is let in and thrown out at once is not asked at once again, and one that stood is', async (t) => {
  const thrownOut = (): FakeConnection => {
    const connection = new FakeConnection();
    connection.giveUp(ErrorCode.AuthenticationExpired);
    return connection;
  };
  const last = new FakeConnection();
  await using bench = new Bench(thrownOut());
  bench.next = [thrownOut(), thrownOut(), last, new FakeConnection()];
  await bench.clock.pass(40_000);
  t.deepEqual(gapsOf([0, ...bench.attemptsAtMs]), [500, 1000, 2000]);
  last.giveUp(undefined);
  await bench.clock.pass(1000);
  t.deepEqual(gapsOf([40_000, ...bench.attemptsAtMs.slice(3)]), [500]);
  t.deepEqual(bench.told.slice(-4), ['up', 'DOWN', 'opened', 'up']);
});

test('keep: a server that is away is looked for every second or so, and that is said once', async (t) => {
  await using bench = new Bench();
  bench.next = [AWAY];
  await bench.clock.pass(60_000);
  t.deepEqual([...new Set(gapsOf(bench.attemptsAtMs))], [1100]);
  t.deepEqual(bench.told, ['UNREACHABLE']);
  bench.next = [REFUSED];
  await bench.clock.pass(60_000);
  t.deepEqual(bench.told, ['UNREACHABLE', 'REFUSED']);
});

test('keep: what the client loses and finds by itself is told, and no other connection is made', async (t) => {
  const first = new FakeConnection();
  await using bench = new Bench(first);
  lose(first);
  lose(first);
  await bench.clock.pass(60_000);
  t.deepEqual(bench.inquiriesAtMs, [5000, 35_000]);
  find(first);
  await bench.clock.pass(60_000);
  t.is(bench.inquiriesAtMs.length, 2);
  first.say(Events.Error, ErrorCode.AuthenticationExpired);
  lose(first);
  find(first);
  await bench.clock.pass(0);
  t.deepEqual(bench.told, ['opened', 'up', 'DOWN', 'up', 'REFUSED', 'up']);
  t.deepEqual(bench.attemptsAtMs, []);
});

for (const code of ['TLS', 'NO_FILES'] as const) {
  test(`keep: what no looking mends (${code}) is found out on the side, told, and followed by other connections, ever later`, async (t) => {
    const first = new FakeConnection();
    const second = new FakeConnection();
    await using bench = new Bench(first);
    bench.answer = new BusError(code, 'connect', 'why');
    bench.next = [bench.answer, bench.answer, second];
    lose(first);
    await bench.clock.pass(10_000);
    t.true(first.isClosed());
    t.deepEqual(bench.told, ['opened', 'up', 'DOWN', code, 'opened', 'up']);
    t.deepEqual(gapsOf([5000, ...bench.attemptsAtMs]), [500, 1000, 2000]);
    t.deepEqual(bench.logged.filter((facts) => 'code' in facts && facts.code === code).length, 1);
    t.deepEqual(bench.inquiriesAtMs, [5000]);
  });
}

test('keep: a subscription that the server refuses is told by its subject, and other objections are logged', async (t) => {
  const first = new FakeConnection();
  await using bench = new Bench(first);
  first.forbid('a');
  first.say(Events.Error, ErrorCode.PermissionsViolation);
  await bench.clock.pass(0);
  t.deepEqual(bench.told, ['opened', 'up', 'deaf on a']);
  t.like(bench.logged.at(-1), { reason: ErrorCode.PermissionsViolation });
});

test('keep: credentials are read anew at each attempt, and none are a reason like another', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'shunt-creds-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const creds = join(directory, 'bus.creds');
  const first = new FakeConnection();
  await using bench = new Bench(first, creds);
  bench.next = [new FakeConnection()];
  first.giveUp(ErrorCode.AuthorizationViolation);
  await bench.clock.pass(1000);
  writeFileSync(creds, 'nonsense', { mode: 0o600 });
  await bench.clock.pass(60_000);
  t.deepEqual(bench.told, ['opened', 'up', 'REFUSED', 'NO_CREDS', 'NO_CREDS']);
  t.deepEqual(bench.attemptsAtMs, []);
  t.like(bench.logged.at(-1), { code: 'NO_CREDS', reason: 'it holds no credentials' });
});

test('keep: the end closes the connection, and is no trouble', async (t) => {
  const first = new FakeConnection();
  const bench = new Bench(first);
  await bench.clock.pass(0);
  await bench.end();
  t.true(first.isClosed());
  t.deepEqual(bench.told, ['opened', 'up']);
});
