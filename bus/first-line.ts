import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { BusError } from './error.ts';

/** Node.js says here which sockets are made; https://nodejs.org/api/diagnostics_channel.html#net */
const CHANNEL = 'net.client.socket';
/** What a server says first is some hundred bytes, and some more for each server of its cluster. */
const MOST_BYTES = 64 * 1024;

/**
 * Looks after the sockets that a client makes while it looks for a server. The client itself keeps all that comes until the
 * first line ends, and leaves a socket open that it waited for in vain: a server that never ends that line, or says nothing,
 * would take memory and open files without bound. Here the line has a limit, and a socket goes when the next is made.
 */
export class FirstLines implements Disposable {
  readonly #tried: string;
  readonly #ours = new AsyncLocalStorage<FirstLines>();
  #socket: Socket | undefined;

  constructor(tried: string) {
    this.#tried = tried;
    subscribe(CHANNEL, this.#note);
  }

  /** Whatever connects within this call, or comes of it later, is looked after. */
  during<T>(connect: () => T): T {
    return this.#ours.run(this, connect);
  }

  /** The client has no use for a socket any more. */
  [Symbol.dispose](): void {
    unsubscribe(CHANNEL, this.#note);
    this.#socket?.destroy();
  }

  readonly #note = (message: unknown): void => {
    if (this.#ours.getStore() !== this) return;
    const { socket } = message as { readonly socket: Socket };
    this.#socket?.destroy(); // a client has one at a time
    this.#socket = socket;
    this.#limit(socket);
  };

  /** Until we say something ourselves, which is what the first line is waited for. */
  #limit(socket: Socket): void {
    const push = socket.push;
    socket.push = (...chunk: Parameters<Socket['push']>): boolean => {
      const begun = socket.bytesWritten > 0;
      if (begun) socket.push = push;
      if (begun || socket.bytesRead <= MOST_BYTES) return push.apply(socket, chunk);
      const reason = `the first line that it says is longer than ${MOST_BYTES} bytes; is that a NATS server?`;
      socket.destroy(new BusError('UNREACHABLE', this.#tried, reason));
      return false;
    };
  }
}
