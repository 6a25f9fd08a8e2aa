import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { pino } from 'pino';
import { startController } from '../../controller/main.ts';
import { type Clock, makeSystemClock } from '../../daemon/clock.ts';
import { type NatsServer, startNats } from '../support/nats.ts';
import { type Session, shunt } from '../unit/cli/session.ts';
import { Folder } from '../unit/controller/fleet.ts';

/** A server, a controller on it, and a folder for its database and for files. */
export class House implements AsyncDisposable {
  readonly server: NatsServer;
  readonly #folder: Folder;
  readonly #held: AsyncDisposableStack;

  private constructor(server: NatsServer, folder: Folder, held: AsyncDisposableStack) {
    this.server = server;
    this.#folder = folder;
    this.#held = held;
  }

  static async open(clock: Clock = makeSystemClock()): Promise<House> {
    await using held = new AsyncDisposableStack();
    const folder = held.use(new Folder());
    const server = held.use(await startNats());
    const config = { nats: [server.url], db: folder.file(), rootSubject: 'shunt.v1' };
    const log = pino({ level: process.env.SHUNT_TEST_LOG ?? 'silent' });
    held.use(
      await startController(
        config,
        log,
        (error) => {
          throw error;
        },
        clock,
      ),
    );
    return new House(server, folder, held.move());
  }

  /** Writes a file; answers its name. */
  write(name: string, text: string): string {
    const file = this.file(name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  }

  file(name: string): string {
    return this.#folder.file(name);
  }

  /** Runs a command; the address and the folder, new each time, do not appear in what it wrote. */
  async shunt(words: readonly string[], given: Parameters<typeof shunt>[1] = {}): Promise<Session> {
    const env = { SHUNT_NATS: this.server.url, ...given.env };
    const { exit, stdout, stderr } = await shunt(words, { ...given, env });
    const hidden = (text: string) =>
      text.replaceAll(this.server.url, 'nats://BUS').replaceAll(`${this.#folder.path}/`, '');
    return { exit, stdout: hidden(stdout), stderr: hidden(stderr) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#held.disposeAsync();
  }
}
