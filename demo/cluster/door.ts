/**
 * A door into a network namespace, through a Unix socket, which is a file and so the same on both sides. Inside, this
 * program passes what comes through it to a port: `node door.ts PATH PORT`. Outside, `openDoor` listens.
 */
import { once } from 'node:events';
import { connect, createServer, type NetConnectOpts, type Server } from 'node:net';
import { pipeline } from 'node:stream';

/** Serves on the loopback of this namespace and passes every connection to the door; on another port if this one is taken. */
export async function openDoor(path: string, port: number): Promise<AsyncDisposable & { readonly port: number }> {
  const server = await listen(port, path).catch(() => listen(0, path));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a server on the loopback should have a port');
  return { port: address.port, [Symbol.asyncDispose]: async () => void server.close() };
}

async function listen(port: number, path: string): Promise<Server> {
  const server = pass({ path });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/** A server that passes each connection to `to`, both ways, until either side ends it. */
function pass(to: NetConnectOpts): Server {
  return createServer((near) => {
    const far = connect(to);
    pipeline(near, far, near, () => {}); // The end of either is the end of both.
  });
}

if (import.meta.main) {
  const [path, port] = process.argv.slice(2);
  pass({ host: '127.0.0.1', port: Number(port) }).listen(path);
}
