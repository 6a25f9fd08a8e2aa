import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { openConnection } from '../../bus/connect.ts';
import { until } from '../support/process.ts';

const INFO = { server_id: 'x', version: '2.9.0', proto: 1, max_payload: 1_048_576, headers: true };
/** As often as a client comes back that is turned away. */
const VISITS = 5;

/** A server that is none of NATS, and how often it was come to. */
interface Strange {
  readonly address: string;
  visits: number;
}

async function listen(t: ExecutionContext, act: (socket: Socket) => void): Promise<Strange> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    strange.visits += 1;
    sockets.push(socket.on('error', () => {}));
    act(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const strange: Strange = { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, visits: 0 };
  return strange;
}

/** Lets whoever connects in, names other servers, and closes the connection. */
function sendOn(socket: Socket, connectUrls: readonly string[]): void {
  socket.write(`INFO ${JSON.stringify({ ...INFO, connect_urls: connectUrls })}\r\n`);
  socket.on('data', (data) => {
    if (!data.toString('latin1').includes('PING')) return;
    socket.write('PONG\r\n');
    setTimeout(() => socket.destroy(), 20);
  });
}

test('strange servers: a client goes to none that the operator did not name, whatever a server says', async (t) => {
  const other = await listen(t, (socket) => sendOn(socket, []));
  const named = await listen(t, (socket) => sendOn(socket, [other.address]));
  const connection = await openConnection({
    servers: [named.address],
    timeout: 5_000,
    reconnect: true,
    maxReconnectAttempts: -1,
    reconnectDelayHandler: () => 10,
  });
  t.teardown(() => connection.close());
  await until('it comes back', 20_000, () => named.visits + other.visits >= VISITS);
  t.is(other.visits, 0);
});
