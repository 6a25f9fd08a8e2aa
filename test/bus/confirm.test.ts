/** What `--confirm` says, with real controllers on a real bus, of hosts that stay in reach, are cut off by a change, or are too old. */
import test, { type ExecutionContext } from 'ava';
import { connect, type NatsConnection } from 'nats';
import { pino } from 'pino';
import { startController } from '../../controller/main.ts';
import { type Cursor, NO_CURSOR } from '../../protocol/cursor.ts';
import type { Change } from '../../protocol/intent.ts';
import type { UnconfirmedStatus } from '../../protocol/own-decisions.ts';
import { encodeSyncRequest, parsePageReply } from '../../protocol/page.ts';
import { type Exception, encodeStatus } from '../../protocol/status.ts';
import { makeSubjects } from '../../protocol/subjects.ts';
import { parseUpdate } from '../../protocol/update.ts';
import { type NatsServer, startNats } from '../support/nats.ts';
import { makeQuickClock } from '../support/quick-clocks.ts';
import { matchesGolden } from '../unit/cli/golden.ts';
import { KeptTerminal, type Session, shunt } from '../unit/cli/session.ts';
import { Folder, status } from '../unit/controller/fleet.ts';
import { until } from './rig.ts';

const subjects = makeSubjects();
/** Ten seconds of a controller take two. */
const QUICKER = 5;
const SAYS_EVERY_MS = 200;

const ATTACHED = { name: 'eth0', ifindex: 2, mode: 'native', zone: 1, up: true, attached: true } as const;

/** A host on the bus that takes what it is told, arms what is to be confirmed, and takes that back when a test says so. */
class FakeHost implements AsyncDisposable {
  readonly #nats: NatsConnection;
  readonly #host: string;
  readonly #can: readonly string[];
  readonly #names = new Map<string, string>();
  readonly #armed = new Map<string, Change & { readonly name: string }>();
  readonly #reverted = new Map<string, Exception>();
  readonly #timer: NodeJS.Timeout;
  #cursor: Cursor = NO_CURSOR;
  /** The highest mark that it was told. */
  confirmed = 0;
  /** Nothing goes out or comes in. */
  cutOff = false;
  /** Cuts itself off once it has something to be confirmed. */
  isCutByChange = false;

  constructor(nats: NatsConnection, host: string, can: readonly string[]) {
    [this.#nats, this.#host, this.#can] = [nats, host, can];
    nats.subscribe(subjects.live(host), { callback: (_, { data }) => void this.#hear(data) });
    this.#timer = setInterval(() => this.say(), SAYS_EVERY_MS);
  }

  async begin(t: ExecutionContext): Promise<void> {
    this.say();
    await until(t, `${this.#host} is served`, async () => {
      await this.sync();
      return this.#cursor.epoch !== '';
    });
  }

  get armed(): number {
    return this.#armed.size;
  }

  /** What it has of a change that is to be confirmed goes, as at its deadline; and it is on the bus again. */
  takeBack(): void {
    for (const [key, { rev, name }] of this.#armed)
      this.#reverted.set(key, { key, name, rev, state: 'denied', code: 'REVERTED' });
    this.#armed.clear();
    this.cutOff = false;
    this.say();
  }

  async sync(): Promise<void> {
    const request = encodeSyncRequest({ v: 1, host: this.#host, have: this.#cursor, from: this.#cursor });
    const { data } = await this.#nats.request(subjects.sync(this.#host), request, { timeout: 60_000 });
    const page = parsePageReply(data);
    if ('error' in page || this.cutOff) return;
    for (const change of page.changes) this.#take(change);
    this.#mark(page.confirmed);
    this.#cursor = { epoch: page.epoch, rev: page.rev };
    this.say();
    this.cutOff = this.isCutByChange && this.#armed.size > 0;
  }

  say(): void {
    if (this.cutOff || this.#nats.isClosed()) return;
    const { epoch, rev } = this.#cursor;
    const exceptions = [...this.#reverted.values()];
    const unconfirmed = [...this.#armed.values()].map(
      ({ key, rev: of, name }): UnconfirmedStatus => ({ key, name, rev: of, leftMs: 41_500 }),
    );
    const levels = { epoch, stored: rev, applied: rev, verified: rev, interfaces: [ATTACHED] };
    const {
      problem: _,
      problems: __,
      bypass: ___,
      unarmed: ____,
      ...said
    } = status(this.#host, {
      ...{ labels: { role: 'edge' }, can: this.#can, ...levels, confirmed: this.confirmed },
      ...{ exceptions, exceptionsTotal: exceptions.length, unconfirmed, unconfirmedTotal: unconfirmed.length },
    });
    this.#nats.publish(subjects.status(this.#host), encodeStatus(said));
  }

  async #hear(data: Uint8Array): Promise<void> {
    if (this.cutOff) return;
    const update = parseUpdate(data);
    this.#mark(update.confirmed);
    if (update.rev > this.#cursor.rev) await this.sync();
  }

  #take(change: Change): void {
    const { key } = change;
    const name = change.op === 'put' ? change.name : (this.#names.get(key) ?? 'web');
    this.#names.set(key, name);
    this.#reverted.delete(key);
    this.#armed.delete(key);
    if (change.confirm !== undefined) this.#armed.set(key, { ...change, name });
  }

  #mark(confirmed = 0): void {
    this.confirmed = Math.max(this.confirmed, confirmed);
    for (const [key, { rev }] of this.#armed) if (rev <= this.confirmed) this.#armed.delete(key);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#nats.close();
  }
}

class Bench implements AsyncDisposable {
  readonly #server: NatsServer;
  readonly #held: AsyncDisposableStack;

  private constructor(server: NatsServer, held: AsyncDisposableStack) {
    this.#server = server;
    this.#held = held;
  }

  static async open(t: ExecutionContext, controllers = 1): Promise<Bench> {
    await using held = new AsyncDisposableStack();
    const folder = held.use(new Folder());
    const server = held.use(await startNats());
    const config = { nats: [server.url], db: folder.file(), rootSubject: subjects.root };
    const log = pino({ level: 'silent' });
    for (let at = 0; at < controllers; at += 1)
      held.use(await startController(config, log, (error) => t.fail(error.message), makeQuickClock(QUICKER)));
    return new Bench(server, held.move());
  }

  async host(t: ExecutionContext, host: string, can: readonly string[] = ['confirm']): Promise<FakeHost> {
    const nats = await connect({ servers: this.#server.url, inboxPrefix: subjects.inbox(host) });
    const made = this.#held.use(new FakeHost(nats, host, can));
    await made.begin(t);
    return made;
  }

  /** Runs a command at 80 columns; ids and times, new each time, do not appear in what it wrote. */
  async shunt(words: readonly string[], stdin = '', terminal = new KeptTerminal(80)): Promise<Session> {
    const { exit, stdout, stderr } = await shunt(words, { env: { SHUNT_NATS: this.#server.url }, stdin, terminal });
    const hidden = (text: string) =>
      text
        .replaceAll(/\b[0-9a-f]{8}(?=$|[ :])/gm, '0b8e8b6a')
        .replaceAll(/after [0-9ms.]+/g, 'after 1s')
        .replaceAll(/\([0-9]+s left\)/g, '(41s left)')
        .replaceAll(/[0-9-]{10}T[0-9:]{8}Z/g, '2026-01-01T00:00:00Z');
    return { exit, stdout: hidden(stdout), stderr: hidden(stderr) };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#held.disposeAsync();
  }
}

function file(to = '10.0.0.7'): string {
  return `redirects:
  - name: web
    hosts: { role: edge }
    match: { dst: 203.0.113.10, proto: udp, dport: 443 }
    to: { nexthop: ${to} }
`;
}

const APPLY = ['apply', '-f', '-', '--confirm', '60s'];

test('confirm: hosts that stay in reach are confirmed, by one of two controllers and once', async (t) => {
  await using bench = await Bench.open(t, 2);
  const hosts = [await bench.host(t, 'edge-1'), await bench.host(t, 'edge-2')];
  const terminal = new KeptTerminal(80);
  await matchesGolden(t, 'done-apply-confirm', APPLY, await bench.shunt(APPLY, file(), terminal));
  t.true(hosts.every(({ armed, confirmed }) => armed === 0 && confirmed > 0));
  t.true(terminal.shown.some((line) => /hosts, [12] not yet; else taken back in [0-9]+s$/.test(line)));
  t.is(terminal.shown.at(-1), '');
  const again = await bench.shunt(APPLY, file());
  t.like(again, { exit: 0 });
  t.regex(again.stdout, /unchanged 1; hosts 0.*\nnothing is to be confirmed: no host had anything to change\n$/);
  const gone = await bench.shunt(['delete', 'web', '--confirm', '60s', '-o', 'json']);
  t.is(gone.exit, 0, gone.stderr);
  t.like(JSON.parse(gone.stdout), { deleted: ['web'], waited: [{ confirm: { withinMs: 60_000 }, total: 2, done: 2 }] });
});

test('confirm: a host that the change cuts off takes it back, and that is said everywhere until it is mended', async (t) => {
  await using bench = await Bench.open(t);
  await bench.host(t, 'edge-1');
  const cut = await bench.host(t, 'edge-2');
  cut.isCutByChange = true;
  const running = bench.shunt(APPLY, file());
  await until(t, 'the change reaches it', () => cut.cutOff);
  await until(t, 'it counts down', async () =>
    /unconfirmed \(41s left\) on .*edge-2: web/.test((await bench.shunt(['get', 'web'])).stdout),
  );
  cut.takeBack();
  await matchesGolden(t, 'done-apply-reverted', APPLY, await running);
  await until(t, 'the host says so', async () => (await bench.shunt(['hosts'])).stdout.includes('REVERTED'));
  const get = ['get', 'web'];
  t.regex((await bench.shunt(get)).stdout, /denied REVERTED on edge-2: web/);
  t.regex((await bench.shunt(['hosts'])).stdout, /denied\s+REVERTED web/);
  t.regex((await bench.shunt(['history', 'web'])).stdout, /to be confirmed within 1m/);
  const [{ change } = { change: '' }] = JSON.parse((await shuntJson(bench, ['history', 'web'])).stdout).items;
  const wait = await bench.shunt(['wait', change, '--timeout', '1s']);
  t.is(wait.exit, 3);
  t.regex(wait.stdout, /confirmed on 1 of 2 hosts within 1s, 1 failed\n.*\n.*denied REVERTED/);
  const other = await bench.shunt(
    ['apply', '-f', '-', '--confirm', '60s'],
    file().replace('web', 'db').replace('443', '53'),
  );
  t.is(other.exit, 1);
  t.regex(other.stderr.replaceAll(/\s+/g, ' '), /on a host that took a change back: web on edge-2/);
  cut.isCutByChange = false;
  const mended = await bench.shunt(APPLY, file());
  t.is(mended.exit, 0, mended.stdout + mended.stderr);
  t.regex(mended.stdout, /unchanged 1; hosts 1; change .*\nchange 0b8e8b6a: confirmed on 1 of 1 host/);
});

test('confirm: a host whose agent is too old is told nothing, and so nobody is', async (t) => {
  await using bench = await Bench.open(t);
  const host = await bench.host(t, 'edge-1');
  await bench.host(t, 'edge-2', []);
  await matchesGolden(t, 'done-apply-confirm-old', APPLY, await bench.shunt(APPLY, file()));
  t.is(host.armed, 0);
  t.is((await bench.shunt(['get', 'web'])).exit, 1);
});

function shuntJson(bench: Bench, words: readonly string[]): Promise<Session> {
  return bench.shunt([...words, '-o', 'json']);
}
