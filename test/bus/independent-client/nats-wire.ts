/** A NATS client of about a hundred lines: the text protocol over a socket, with std alone. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface Message {
  readonly subject: string;
  readonly reply: string;
  readonly data: Buffer;
}

const END_OF_LINE = Buffer.from('\r\n');
const REPLY_WITHIN_MS = 300_000;

/** One connection. `inbox` is the prefix of the subjects on which it waits for replies. */
export class NatsWire implements Disposable {
  readonly #socket: Socket;
  readonly #inbox: string;
  readonly #receivers = new Map<string, (message: Message) => void>();
  readonly #pongs: (() => void)[] = [];
  #buffer = Buffer.alloc(0);
  #lastSid = 0;

  private constructor(socket: Socket, inbox: string) {
    this.#socket = socket;
    this.#inbox = inbox;
    socket.on('data', (bytes) => this.#receive(bytes));
  }

  static async open(url: string, inbox: string): Promise<NatsWire> {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    const wire = new NatsWire(socket, inbox);
    socket.write('CONNECT {"verbose":false,"pedantic":false,"lang":"none","version":"1"}\r\n');
    await wire.flush();
    return wire;
  }

  subscribe(subject: string, receive: (message: Message) => void): () => void {
    const sid = String(++this.#lastSid);
    this.#receivers.set(sid, receive);
    this.#socket.write(`SUB ${subject} ${sid}\r\n`);
    return () => {
      this.#receivers.delete(sid);
      this.#socket.write(`UNSUB ${sid}\r\n`);
    };
  }

  publish(subject: string, body: string | Uint8Array, reply = ''): void {
    const data = Buffer.from(body);
    this.#socket.write(`PUB ${subject} ${reply === '' ? '' : `${reply} `}${data.length}\r\n`);
    this.#socket.write(Buffer.concat([data, END_OF_LINE]));
  }

  /** Publishes with a reply subject of its own and resolves with the first reply. Errors: Error when none comes. */
  async request(subject: string, body: string | Uint8Array): Promise<Buffer> {
    const inbox = `${this.#inbox}.${++this.#lastSid}`;
    const reply = Promise.withResolvers<Buffer>();
    const late = setTimeout(() => reply.reject(new Error(`no reply from ${subject}`)), REPLY_WITHIN_MS);
    const unsubscribe = this.subscribe(inbox, ({ data }) => reply.resolve(data));
    this.publish(subject, body, inbox);
    try {
      return await reply.promise;
    } finally {
      clearTimeout(late);
      unsubscribe();
    }
  }

  /** Resolves when the server has what was sent before. */
  flush(): Promise<void> {
    const pong = Promise.withResolvers<void>();
    this.#pongs.push(pong.resolve);
    this.#socket.write('PING\r\n');
    return pong.promise;
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #receive(bytes: Buffer): void {
    this.#buffer = Buffer.concat([this.#buffer, bytes]);
    while (this.#takeOne());
  }

  /** Takes one protocol line, with its payload, from the buffer; false when it is not there in full. */
  #takeOne(): boolean {
    const end = this.#buffer.indexOf(END_OF_LINE);
    if (end < 0) return false;
    const [verb = '', ...words] = this.#buffer.toString('latin1', 0, end).split(' ');
    const start = end + END_OF_LINE.length;
    const size = verb === 'MSG' ? Number(words.at(-1)) + END_OF_LINE.length : 0;
    if (this.#buffer.length < start + size) return false;
    const data = this.#buffer.subarray(start, start + Math.max(0, size - END_OF_LINE.length));
    this.#buffer = this.#buffer.subarray(start + size);
    if (verb === 'MSG') this.#deliver(words, data);
    else if (verb === 'PING') this.#socket.write('PONG\r\n');
    else if (verb === 'PONG') this.#pongs.shift()?.();
    else if (verb === '-ERR') this.#socket.destroy(new Error(words.join(' ')));
    return true;
  }

  #deliver([subject = '', sid = '', ...rest]: readonly string[], data: Buffer): void {
    const reply = rest.length === 2 ? (rest[0] as string) : '';
    this.#receivers.get(sid)?.({ subject, reply, data });
  }
}
