import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { connect, credsAuthenticator } from 'nats';
import { NatsBus } from '../../agent/bus/nats-bus.ts';
import type { BusTrouble } from '../../agent/ports.ts';
import { startController } from '../../controller/main.ts';
import { type Clock, makeSystemClock } from '../../daemon/clock.ts';
import type { Log, RootLog } from '../../daemon/log.ts';
import { NO_CURSOR } from '../../protocol/cursor.ts';
import { encodeSyncRequest } from '../../protocol/page.ts';
import { makeSubjects } from '../../protocol/subjects.ts';
import { type NatsServer, startNats } from '../support/nats.ts';
import { Account } from '../support/nats-jwt.ts';
import { Folder } from '../unit/controller/fleet.ts';

const HOST = 'edge-1';
const subjects = makeSubjects();
const REQUEST = encodeSyncRequest({ v: 1, host: HOST, have: NO_CURSOR, from: NO_CURSOR });
/** Whoever connects has a minute to say who it is: the server's own second is over too soon on a busy machine. */
const ONLY_U = 'authorization: { timeout: 60, users: [{ user: u, password: p }] }\n';

/** A tenth of each delay: what waits for half a minute is seen to be back. */
function makeQuickClock(): Clock {
  const clock = makeSystemClock();
  return { ...clock, delay: (delayMs, signal) => clock.delay(delayMs / 10, signal) };
}

/** What a program logs of its bus: the code of each trouble, `up`, and the subjects that it may not listen to. */
class BusLog implements RootLog {
  readonly lines: string[] = [];
  readonly debug = (): void => {};
  readonly info: Log['info'] = (_, message) => this.#note(message === 'bus: connected', 'up');
  readonly warn: Log['warn'] = (facts) => this.#note('code' in facts, 'code' in facts && facts.code);
  readonly error: Log['error'] = (facts, message) => {
    this.warn(facts, message);
    this.#note(message.includes('subscription'), 'subject' in facts && facts.subject);
  };

  child(): Log {
    return this;
  }

  #note(counts: boolean, what: unknown): void {
    if (counts) this.lines.push(String(what));
  }
}

/** A server whose configuration changes, and the controller and an agent on it. */
class Rig implements AsyncDisposable {
  readonly folder: Folder;
  readonly server: NatsServer;
  readonly controller = new BusLog();
  readonly agent = new BusLog();
  readonly creds: string;
  bus: NatsBus | undefined;
  trouble: BusTrouble | undefined;
  readonly #held = new AsyncDisposableStack();

  private constructor(folder: Folder, server: NatsServer) {
    this.folder = folder;
    this.server = server;
    this.creds = folder.file('bus.creds');
    this.#held.use(folder);
    this.#held.use(server);
  }

  static async open(config: string): Promise<Rig> {
    const folder = new Folder();
    writeFileSync(folder.file('nats.conf'), config);
    return new Rig(folder, await startNats('--config', folder.file('nats.conf'), '--log', folder.file('nats.log')));
  }

  /** Starts both, with the credentials that are there if `withCreds`. */
  async start(t: ExecutionContext, withCreds: boolean): Promise<void> {
    const clock = makeQuickClock();
    const { url } = this.server;
    const creds = withCreds ? { creds: this.creds } : {};
    const config = { nats: [url], db: this.folder.file(), rootSubject: subjects.root, ...creds };
    this.#held.use(await startController(config, this.controller, (error) => t.fail(error.message), clock));
    const servers = { urls: [url], ...(withCreds && { credsPath: this.creds }) };
    const note = (trouble: BusTrouble | undefined): void => {
      this.trouble = trouble;
    };
    const bus = new NatsBus({ host: HOST, subjects, servers, clock, log: this.agent, note });
    this.#held.defer(() => bus.close());
    this.bus = bus;
    await this.together(t, 'at the start');
  }

  configure(config: string): void {
    writeFileSync(this.folder.file('nats.conf'), config);
    this.server.reload();
  }

  writeCreds(text: string): void {
    writeFileSync(`${this.creds}.new`, text);
    renameSync(`${this.creds}.new`, this.creds);
  }

  /** Both have said this last of their bus, and say it no more than once however long it lasts. */
  async bothSaid(t: ExecutionContext, code: string): Promise<void> {
    const last = (log: BusLog) => log.lines.at(-1) === code;
    await until(t, `both say ${code}`, () => last(this.controller) && last(this.agent));
  }

  /** The server has refused more attempts than the client makes: it gives up at the second of each. */
  async gaveUp(t: ExecutionContext): Promise<void> {
    await until(t, 'attempts go on', () => {
      const said = readFileSync(this.folder.file('nats.log'), 'utf8');
      return said.split('authentication error').length > 10;
    });
  }

  /** The agent asks the controller, and has its answer. */
  async together(t: ExecutionContext, when: string): Promise<void> {
    await until(t, `an answer ${when}`, async () => {
      const answer = await this.bus?.sync(REQUEST, AbortSignal.timeout(60_000)).catch(() => undefined);
      return answer !== undefined;
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#held.disposeAsync();
  }
}

async function until(t: ExecutionContext, what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = Date.now() + 60_000;
  while (!(await holds())) {
    if (Date.now() > deadlineMs) return t.fail(`not within a minute: ${what}`);
    await setTimeout(20);
  }
  t.pass(what);
}

test('refused: a bus that has users for a while gets both back, and each has said once why it was gone', async (t) => {
  await using rig = await Rig.open('');
  await rig.start(t, false);
  rig.configure(ONLY_U);
  await rig.bothSaid(t, 'REFUSED');
  t.like(rig.trouble, { code: 'REFUSED' });
  t.regex(rig.trouble?.reason ?? '', /does not let this user in/);
  await rig.gaveUp(t);
  rig.configure('');
  const began = performance.now();
  await rig.together(t, 'once there are no users any more');
  t.log(`together ${(performance.now() - began).toFixed(0)} ms after the reload`);
  t.is(rig.trouble, undefined);
  for (const { lines } of [rig.controller, rig.agent]) t.deepEqual(lines, ['up', 'REFUSED', 'up']);
});

test('refused: a server that comes back with users, and then without, gets both back', async (t) => {
  await using rig = await Rig.open('');
  await rig.start(t, false);
  await rig.server.kill();
  await rig.bothSaid(t, 'DOWN');
  writeFileSync(rig.folder.file('nats.conf'), ONLY_U);
  await rig.server.start();
  await rig.bothSaid(t, 'REFUSED');
  await rig.server.kill();
  writeFileSync(rig.folder.file('nats.conf'), '');
  await rig.server.start();
  await rig.together(t, 'once there are no users any more');
});

test('refused: credentials that ended, and a file without any, are followed by what is written next', async (t) => {
  const account = new Account();
  await using rig = await Rig.open(account.config);
  rig.writeCreds(account.creds());
  await rig.start(t, true);
  rig.writeCreds(account.endedCreds());
  await rig.server.kill();
  await rig.server.start();
  await rig.bothSaid(t, 'REFUSED');
  rig.writeCreds('half a file');
  await rig.bothSaid(t, 'NO_CREDS');
  rig.writeCreds(new Account().creds());
  await rig.bothSaid(t, 'REFUSED');
  rig.writeCreds(account.creds());
  await rig.together(t, 'with new credentials');
});

test('refused: who may not listen for a while listens again, without another connection', async (t) => {
  const userWho = (may: string): string =>
    `authorization: { timeout: 60, users: [{ user: u, password: p, permissions: { ${may} } }] }\nno_auth_user: u\n`;
  await using rig = await Rig.open(userWho('subscribe: ">"'));
  await rig.start(t, false);
  rig.configure(userWho('subscribe: { allow: ">", deny: "shunt.v1.*.*" }'));
  const deaf = [subjects.syncAll, subjects.statusAll, subjects.apiAll].toSorted();
  await until(t, 'the controller is deaf', () => rig.controller.lines.slice(1).toSorted().join() === deaf.join());
  await until(t, 'the agent is deaf', () => rig.agent.lines.includes(subjects.live(HOST)));
  rig.configure(userWho('subscribe: ">"'));
  await rig.together(t, 'once it may');
  t.false(rig.controller.lines.slice(1).includes('up'));
});

test('refused: what was asked over one connection is answered over the next', async (t) => {
  const account = new Account();
  await using rig = await Rig.open(account.config);
  rig.writeCreds(account.oldCreds());
  await rig.start(t, true);
  const authenticator = credsAuthenticator(new TextEncoder().encode(account.creds()));
  const asker = await connect({ servers: rig.server.url, authenticator, timeout: 60_000 });
  t.teardown(() => asker.close());
  const answer = Promise.withResolvers<Uint8Array>();
  const asked = Promise.withResolvers<void>();
  rig.bus?.onAsk(() => {
    asked.resolve();
    return answer.promise;
  });
  const heard = asker.request(subjects.ask(HOST, 'status'), '{"v":1}', { timeout: 60_000 });
  await asked.promise;
  rig.configure(account.withoutOld);
  await rig.bothSaid(t, 'REFUSED');
  await rig.gaveUp(t);
  rig.writeCreds(account.creds());
  await rig.together(t, 'with new credentials');
  answer.resolve(new TextEncoder().encode('{"v":1}'));
  t.is((await heard).string(), '{"v":1}');
});
