/** An operator as docs/protocol.md describes one, and nothing else of the project. */
import { randomUUID } from 'node:crypto';
import { NatsWire } from './nats-wire.ts';

type Reply = Readonly<Record<string, unknown>>;

/** Lets the size gate by. */
const LARGE = { allowShrink: true, allowGrowth: true, reason: 'all of it is meant' };

export class IndependentOperator implements Disposable {
  readonly #wire: NatsWire;

  private constructor(wire: NatsWire) {
    this.#wire = wire;
  }

  static async open(url: string): Promise<IndependentOperator> {
    return new IndependentOperator(await NatsWire.open(url, '_INBOX.operator'));
  }

  /** Uploads in parts; the reply to the last one says what was done. */
  async apply(specs: readonly object[], partSize = 20): Promise<Reply> {
    const upload = randomUUID();
    const parts = Math.max(1, Math.ceil(specs.length / partSize));
    for (let part = 0; ; part += 1) {
      const some = specs.slice(part * partSize, (part + 1) * partSize);
      const reply = await this.#api('apply', { v: 1, upload, part, parts, specs: some, ...LARGE });
      if (reply.error !== undefined || part === parts - 1) return reply;
    }
  }

  delete(...names: readonly string[]): Promise<Reply> {
    return this.#api('delete', { v: 1, names });
  }

  /** Reads a list to its end. */
  async list(verb: 'get' | 'hosts', limit: number): Promise<readonly Reply[]> {
    const items: Reply[] = [];
    let page = await this.#api(verb, { v: 1, limit });
    for (;;) {
      items.push(...(page.items as readonly Reply[]));
      if (page.next === null) return items;
      page = await this.#api(verb, { v: 1, limit, after: page.next });
    }
  }

  async ask(host: string, verb: string): Promise<Reply> {
    return JSON.parse((await this.#wire.request(`shunt.v1.ask.${host}.${verb}`, '{"v":1}')).toString()) as Reply;
  }

  /** Publishes whatever it is given: what a stranger on the bus might do. */
  say(subject: string, text: string): void {
    this.#wire.publish(subject, text);
  }

  [Symbol.dispose](): void {
    this.#wire[Symbol.dispose]();
  }

  async #api(verb: string, request: object): Promise<Reply> {
    return JSON.parse((await this.#wire.request(`shunt.v1.api.${verb}`, JSON.stringify(request))).toString()) as Reply;
  }
}
