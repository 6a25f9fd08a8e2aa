import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { NatsBus } from '../../agent/bus/nats-bus.ts';
import type { BusTrouble } from '../../agent/ports.ts';
import type { BusAccess } from '../../bus/access.ts';
import { startController } from '../../controller/main.ts';
import type { Log, RootLog } from '../../daemon/log.ts';
import { NO_CURSOR } from '../../protocol/cursor.ts';
import { encodeSyncRequest } from '../../protocol/page.ts';
import { makeSubjects } from '../../protocol/subjects.ts';
import { type NatsServer, startNats } from '../support/nats.ts';
import { makeShortDelays } from '../support/quick-clocks.ts';
import { Folder } from '../unit/controller/fleet.ts';

export const HOST = 'edge-1';
export const subjects = makeSubjects();
const REQUEST = encodeSyncRequest({ v: 1, host: HOST, have: NO_CURSOR, from: NO_CURSOR });

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
export class Rig implements AsyncDisposable {
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

  /** Starts both; `url` is where they look for the server. */
  async start(t: ExecutionContext, access: BusAccess, url = this.server.url): Promise<void> {
    const clock = makeShortDelays();
    const config = { nats: [url], db: this.folder.file(), rootSubject: subjects.root, ...access };
    this.#held.use(await startController(config, this.controller, (error) => t.fail(error.message), clock));
    const servers = { urls: [url], ...access };
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
    this.write(this.creds, text);
  }

  /** As an operator does it who writes a file anew. */
  write(path: string, text: string): void {
    writeFileSync(`${path}.new`, text, { mode: 0o600 });
    renameSync(`${path}.new`, path);
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
      const answer = await this.bus?.sync(REQUEST, AbortSignal.timeout(300_000)).catch(() => undefined);
      return answer !== undefined;
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#held.disposeAsync();
  }
}

export async function until(t: ExecutionContext, what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = Date.now() + 300_000;
  while (!(await holds())) {
    if (Date.now() > deadlineMs) return t.fail(`not in five minutes: ${what}`);
    await setTimeout(20);
  }
  t.pass(what);
}
