import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, type Msg, type NatsConnection } from 'nats';
import { type NatsServer, startNats } from '../support/nats.ts';
import { KeptTerminal, type Session, shunt } from '../unit/cli/session.ts';

/** A terminal of the usual size: nothing that says which redirect it is may be cut. */
export function narrow(width = 80) {
  return { terminal: new KeptTerminal(width) };
}

export function fixture(name: string) {
  return JSON.parse(readFileSync(join(import.meta.dirname, `../../protocol/fixtures/${name}.json`), 'utf8'));
}

/** A bus of its own with whatever answers a test puts there. */
export class Bench implements AsyncDisposable {
  readonly server: NatsServer;
  readonly #connection: NatsConnection;

  private constructor(server: NatsServer, connection: NatsConnection) {
    this.server = server;
    this.#connection = connection;
  }

  static async open(...args: readonly string[]): Promise<Bench> {
    await using held = new AsyncDisposableStack();
    const server = held.use(await startNats(...args));
    const connection = await connect({ servers: server.url, reconnect: false, timeout: 60_000 });
    held.move();
    return new Bench(server, connection);
  }

  async answers(subject: string, answer: (data: Uint8Array, message: Msg) => Uint8Array | undefined): Promise<void> {
    const callback = (_error: unknown, message: Msg): void => {
      const reply = answer(message.data, message);
      if (reply !== undefined) message.respond(reply);
    };
    this.#connection.subscribe(subject, { callback });
    await this.#connection.flush();
  }

  /** Runs a command against this bus; the address, new each time, does not appear in what it wrote. */
  async shunt(words: readonly string[], given: Parameters<typeof shunt>[1] = {}): Promise<Session> {
    const { exit, stdout, stderr } = await shunt(words, {
      ...given,
      env: { SHUNT_NATS: this.server.url, ...given.env },
    });
    const hidden = (text: string) => text.replaceAll(this.server.url, 'nats://BUS');
    return { exit, stdout: hidden(stdout), stderr: hidden(stderr) };
  }

  say(subject: string, data: Uint8Array): void {
    this.#connection.publish(subject, data);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection.close();
    await this.server[Symbol.asyncDispose]();
  }
}
