/** What a machine itself takes for the least that could do a job, measured beside what is compared with it. */
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { connect, type NatsConnection } from 'nats';

const SUBJECT = 'bench.echo';

async function timed(work: () => unknown): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** A message to somebody on another connection, and back. */
export class RoundTrip implements AsyncDisposable {
  readonly #asker: NatsConnection;
  readonly #echo: NatsConnection;

  private constructor(asker: NatsConnection, echo: NatsConnection) {
    this.#asker = asker;
    this.#echo = echo;
    echo.subscribe(SUBJECT, { callback: (_error, message) => message.respond(message.data) });
  }

  static async open(url: string): Promise<RoundTrip> {
    const trip = new RoundTrip(await connect({ servers: url }), await connect({ servers: url }));
    await trip.#echo.flush();
    return trip;
  }

  async ms(data: Uint8Array): Promise<number> {
    return await timed(() => this.#asker.request(SUBJECT, data, { timeout: 10_000 }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#asker.close();
    await this.#echo.close();
  }
}

/** So many messages, each on a subject of its own, until somebody on another connection has heard them all. */
export class Spray implements AsyncDisposable {
  readonly #sayer: NatsConnection;
  readonly #hearer: NatsConnection;
  #left = 0;
  #come: () => void = () => {};

  private constructor(sayer: NatsConnection, hearer: NatsConnection) {
    this.#sayer = sayer;
    this.#hearer = hearer;
    hearer.subscribe('bench.spray.*', { callback: () => this.#hear() });
  }

  static async open(url: string): Promise<Spray> {
    const spray = new Spray(await connect({ servers: url }), await connect({ servers: url }));
    await spray.#hearer.flush();
    return spray;
  }

  async ms(messages: number, data: Uint8Array): Promise<number> {
    return await timed(() => {
      const { promise, resolve } = Promise.withResolvers<void>();
      [this.#left, this.#come] = [messages, resolve];
      for (let at = 0; at < messages; at += 1) this.#sayer.publish(`bench.spray.${at}`, data);
      return promise;
    });
  }

  #hear(): void {
    this.#left -= 1;
    if (this.#left === 0) this.#come();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sayer.close();
    await this.#hearer.close();
  }
}

/** One row into a database that has each commit on the disk before it returns, in a folder. */
export class FullCommit implements Disposable {
  readonly #database: Database.Database;
  readonly #put;
  #at = 0;

  constructor(folder: string) {
    this.#database = new Database(join(folder, 'floor.db'));
    this.#database.pragma('journal_mode = wal');
    this.#database.pragma('synchronous = full');
    this.#database.exec('create table if not exists floor (key text primary key, body text) strict');
    this.#put = this.#database.prepare('insert or replace into floor values (?, ?)');
  }

  async ms(): Promise<number> {
    this.#at += 1;
    return await timed(() => this.#put.run(`key-${this.#at}`, 'x'.repeat(200)));
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}

export interface Quantiles {
  readonly p50: number;
  readonly p99: number;
}

export function quantiles(values: readonly number[]): Quantiles {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99) };
}
