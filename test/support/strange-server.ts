import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { ExecutionContext } from 'ava';

/** What a server of NATS says first. */
export const INFO = { server_id: 'x', version: '2.9.0', proto: 1, max_payload: 1_048_576, headers: true };

/** Takes connections until the test ends, and does with each what `act` does; answers where: `127.0.0.1:PORT`. */
export async function listen(t: ExecutionContext, act: (socket: Socket) => void = () => {}): Promise<string> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket.on('error', () => {}));
    act(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}
