/** What `--wait`, `shunt wait` and `delete` say, with a real controller on a real bus, of hosts that are well, blocked, dead and late. */
import test, { type ExecutionContext } from 'ava';
import { connect, type NatsConnection } from 'nats';
import { pino } from 'pino';
import { startController } from '../../controller/main.ts';
import { type Cursor, NO_CURSOR } from '../../protocol/cursor.ts';
import type { Put } from '../../protocol/intent.ts';
import { encodeSyncRequest, parsePageReply } from '../../protocol/page.ts';
import { type Exception, encodeStatus } from '../../protocol/status.ts';
import { makeSubjects } from '../../protocol/subjects.ts';
import { type NatsServer, startNats } from '../support/nats.ts';
import { matchesGolden } from '../unit/cli/golden.ts';
import { KeptTerminal, type Session, shunt } from '../unit/cli/session.ts';
import { Folder, status } from '../unit/controller/fleet.ts';
import { until } from './rig.ts';

const subjects = makeSubjects();

function file(more = '{ role: edge }', to = '10.0.0.7'): string {
  return `redirects:
  - name: web
    hosts: ${more}
    match: { dst: 203.0.113.10, proto: udp, dport: 443 }
    to: { nexthop: ${to} }
`;
}

const ATTACHED = { name: 'eth0', ifindex: 2, mode: 'native', zone: 1, up: true, attached: true } as const;

/** A host on the bus that takes what it is told at once, and says so; blocked, nothing stands there. */
class FakeHost {
  readonly #nats: NatsConnection;
  readonly #host: string;
  readonly #blocked: boolean;
  readonly #puts = new Map<string, Put>();
  #cursor: Cursor = NO_CURSOR;

  constructor(nats: NatsConnection, host: string, blocked = false) {
    this.#nats = nats;
    this.#host = host;
    this.#blocked = blocked;
    nats.subscribe(subjects.live(host), { callback: () => void this.sync() });
  }

  /** Says that it is there, and from then on takes what it is told. */
  async begin(t: ExecutionContext): Promise<void> {
    this.#say();
    await until(t, `${this.#host} is served`, async () => {
      await this.sync();
      return this.#cursor.epoch !== '';
    });
  }

  async sync(): Promise<void> {
    const [have, from] = [this.#cursor, this.#cursor];
    const request = encodeSyncRequest({ v: 1, host: this.#host, have, from });
    const reply = parsePageReply(
      (await this.#nats.request(subjects.sync(this.#host), request, { timeout: 60_000 })).data,
    );
    if ('error' in reply) return;
    for (const change of reply.changes)
      if (change.op === 'put') this.#puts.set(change.key, change);
      else this.#puts.delete(change.key);
    this.#cursor = { epoch: reply.epoch, rev: reply.rev };
    this.#say();
  }

  #say(): void {
    const { epoch, rev } = this.#cursor;
    const exceptions = this.#blocked ? [...this.#puts.values()].map(exceptionOf) : [];
    const levels = { epoch, stored: rev, applied: rev, verified: rev };
    const {
      problem: _,
      problems: __,
      bypass: ___,
      ...said
    } = status(this.#host, { labels: { role: 'edge' }, interfaces: [ATTACHED], ...levels });
    const data = encodeStatus({ ...said, exceptions, exceptionsTotal: exceptions.length });
    this.#nats.publish(subjects.status(this.#host), data);
  }
}

function exceptionOf({ key, name, rev }: Put): Exception {
  return { key, name, rev, state: 'blocked', code: 'NO_NEIGHBOUR' };
}

class Bench implements AsyncDisposable {
  readonly #server: NatsServer;
  readonly #held: AsyncDisposableStack;

  private constructor(server: NatsServer, held: AsyncDisposableStack) {
    this.#server = server;
    this.#held = held;
  }

  static async open(t: ExecutionContext): Promise<Bench> {
    await using held = new AsyncDisposableStack();
    const folder = held.use(new Folder());
    const server = held.use(await startNats());
    const config = { nats: [server.url], db: folder.file(), rootSubject: subjects.root };
    held.use(await startController(config, pino({ level: 'silent' }), (error) => t.fail(error.message)));
    return new Bench(server, held.move());
  }

  async host(t: ExecutionContext, host: string, blocked = false): Promise<FakeHost> {
    const nats = await connect({ servers: this.#server.url, inboxPrefix: subjects.inbox(host) });
    this.#held.defer(() => nats.close());
    const made = new FakeHost(nats, host, blocked);
    await made.begin(t);
    return made;
  }

  /** Runs a command at 80 columns; ids and times, new each time, do not appear in what it wrote. */
  async shunt(words: readonly string[], stdin = '', terminal = new KeptTerminal(80)): Promise<Session> {
    const { exit, stdout, stderr } = await shunt(words, { env: { SHUNT_NATS: this.#server.url }, stdin, terminal });
    const hidden = (text: string) =>
      text
        .replaceAll(/\b[0-9a-f]{8}(?=$|[ :])/gm, '0b8e8b6a')
        .replaceAll(/after [0-9.]+s/g, 'after 1s')
        .replaceAll(/(deleting.*\S) +[0-9]+m?s$/gm, '$1   1s')
        .replaceAll(/CHANGE +AGE$/gm, 'CHANGE    AGE');
    return { exit, stdout: hidden(stdout), stderr: hidden(stderr) };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#held.disposeAsync();
  }
}

const APPLY = ['apply', '-f', '-', '--wait', '--timeout', '60s'];
const BRIEF = ['apply', '-f', '-', '--wait', '--timeout', '2s'];

test('wait: all hosts well: done, with exit status 0', async (t) => {
  await using bench = await Bench.open(t);
  for (const host of ['edge-1', 'edge-2', 'edge-3']) await bench.host(t, host);
  const terminal = new KeptTerminal(80);
  await matchesGolden(t, 'done-apply-wait', APPLY, await bench.shunt(APPLY, file(), terminal));
  t.is(terminal.shown.at(-1), '');
  const stored = ['apply', '-f', '-', '--wait=stored', '-o', 'json'];
  const { exit, stdout } = await bench.shunt(stored, file('{ role: edge }', '10.0.0.8'));
  t.is(exit, 0);
  t.like(JSON.parse(stdout), { changed: 1, waited: { level: 'stored', total: 3, done: 3, items: [], verb: 'apply' } });
});

test('wait: one host blocked, one that never was heard: named with their reasons, with exit status 3, in time', async (t) => {
  await using bench = await Bench.open(t);
  await bench.host(t, 'edge-1');
  await bench.host(t, 'edge-2', true);
  const began = performance.now();
  const given = file('[edge-1, edge-2, edge-9]');
  await matchesGolden(t, 'done-apply-wait-not', BRIEF, await bench.shunt(BRIEF, given));
  t.true(performance.now() - began < 60_000);
  t.is((await bench.shunt(BRIEF, given)).exit, 3, 'the same again, which changes nothing, is no success either');
  const history = JSON.parse((await bench.shunt(['history', 'web', '-o', 'json'])).stdout);
  const [{ change, actor, sources }] = history.items;
  t.regex(actor, /^.+@.+$/);
  t.deepEqual(sources, ['standard input']);
  const wait = (...more: readonly string[]) => bench.shunt(['wait', change.slice(0, 8), '--timeout', '1s', ...more]);
  t.is((await wait()).exit, 3);
  const { exit, stdout } = await wait('-o', 'json', '--level', 'stored');
  t.is(exit, 3);
  t.like(JSON.parse(stdout), { done: 2, failed: 0, unreachable: 1, items: [{ host: 'edge-9', state: 'unheard' }] });
  const unknown = await bench.shunt(['wait', 'beef', '--timeout', '1s']);
  t.is(unknown.exit, 1);
  t.regex(unknown.stderr, /no change beef/);
  for (const name of ['web', 'b.c']) {
    const hint =
      /CHANGE is what apply or delete\s+printed, .*whether\s+a\s+redirect\s+is\s+in\s+force\s+shunt\s+get\s+NAME\s+--exit-code\s+says/s;
    t.regex((await bench.shunt(['wait', name])).stderr, hint);
  }
});

test('wait: a host that joins meanwhile is waited for, too', async (t) => {
  await using bench = await Bench.open(t);
  await bench.host(t, 'edge-1');
  t.is((await bench.shunt(['apply', '-f', '-'], file('[edge-1, edge-9]'))).exit, 0);
  const history = JSON.parse((await bench.shunt(['history', '-o', 'json'])).stdout);
  const waiting = bench.shunt(['wait', history.items[0].change, '--timeout', '2m', '-o', 'json']);
  await bench.host(t, 'edge-9');
  const { exit, stdout } = await waiting;
  t.is(exit, 0);
  t.like(JSON.parse(stdout), { total: 2, done: 2 });

  const labels = await bench.shunt(['apply', '-f', '-', '-o', 'json'], file());
  const { change } = JSON.parse(labels.stdout);
  await bench.host(t, 'edge-3');
  await until(t, 'edge-3 is told', async () =>
    (await bench.shunt(['get', 'web', '-o', 'json'])).stdout.includes('edge-3'),
  );
  const all = await bench.shunt(['wait', change, '--timeout', '2m', '-o', 'json']);
  t.like(JSON.parse(all.stdout), { total: 3, done: 3, joined: 1 });
});

test('wait: for no host at all there is no success', async (t) => {
  await using bench = await Bench.open(t);
  await bench.host(t, 'edge-1');
  await matchesGolden(t, 'done-apply-wait-nobody', BRIEF, await bench.shunt(BRIEF, file('{ role: core }')));
});

test('delete: names who may still redirect, get keeps a line of it until they confirm, and --wait waits', async (t) => {
  await using bench = await Bench.open(t);
  await bench.host(t, 'edge-1');
  const given = file('[edge-1, edge-8, edge-9]');
  await bench.shunt(['apply', '-f', '-'], given);
  const words = ['delete', 'web', '--reason', 'it is over'];
  await matchesGolden(t, 'done-delete-remaining', words, await bench.shunt(words));
  await until(t, 'edge-1 confirms', async () => (await bench.shunt(['get'])).stdout.includes('1/3'));
  const shown = async () => ({ ...(await bench.shunt(['get'])) });
  await matchesGolden(t, 'done-get-deleting', ['get'], await shown());
  const one = await bench.shunt(['get', 'web']);
  t.is(one.exit, 0);
  t.regex(one.stdout, /web +deleting 1\/3/);
  const json = JSON.parse((await bench.shunt(['get', '-o', 'json'])).stdout);
  t.like(json, { items: [], deleting: [{ name: 'web', confirmed: 1, total: 3, hosts: ['edge-8', 'edge-9'] }] });
  for (const host of ['edge-8', 'edge-9']) await bench.shunt(['hosts', 'forget', host]);
  t.notRegex((await bench.shunt(['get'])).stdout, /deleting/);
  await bench.shunt(['apply', '-f', '-', '--wait'], file());
  const waiting = ['delete', 'web', '--wait'];
  await matchesGolden(t, 'done-delete-wait', waiting, await bench.shunt(waiting));
  const history = await bench.shunt(['history', 'web']);
  t.regex(history.stdout, /deleted .*\n.*created .*\n.*deleted .*it is over/s);
});
