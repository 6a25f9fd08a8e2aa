import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { openConnection } from '../../bus/connect.ts';
import { BusError } from '../../bus/error.ts';
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

/** Begins its first line, and never ends it. */
function sayOn(socket: Socket): void {
  const more = Buffer.alloc(64 * 1024, 'a');
  const write = (): void => {
    while (!socket.destroyed && socket.write(more));
  };
  socket.write('INFO {');
  socket.on('drain', write);
  write();
}

test('strange servers: one whose first line has no end is given up, and takes neither memory nor time', async (t) => {
  const sockets: Socket[] = [];
  const endless = await listen(t, (socket) => {
    sockets.push(socket);
    sayOn(socket);
  });
  const began = performance.now();
  await t.throwsAsync(openConnection({ servers: [endless.address], timeout: 60_000 }), {
    instanceOf: BusError,
    message: `connect to ${endless.address}: the first line that it says is longer than 65536 bytes; is that a NATS server?`,
  });
  t.true(performance.now() - began < 30_000);
  await until('its socket is closed', 20_000, () => sockets.every((socket) => socket.destroyed));
});

test('strange servers: of those that say nothing, or too much, no socket is left, also where a connection was lost', async (t) => {
  const sockets: Socket[] = [];
  const kinds = [(socket: Socket) => sendOn(socket, []), sayOn, () => {}];
  const strange = await listen(t, (socket) => {
    kinds[sockets.length % kinds.length]?.(socket);
    sockets.push(socket);
  });
  const connection = await openConnection({
    servers: [strange.address],
    timeout: 500,
    reconnect: true,
    maxReconnectAttempts: -1,
    reconnectDelayHandler: () => 10,
  });
  await until('it comes back', 60_000, () => strange.visits >= 2 * kinds.length);
  await until('those before are closed', 20_000, () => sockets.slice(0, -1).every((socket) => socket.destroyed));
  await connection.close();
  await until('and the last', 20_000, () => sockets.every((socket) => socket.destroyed));
  await t.throwsAsync(openConnection({ servers: [(await listen(t, () => {})).address], timeout: 300 }), {
    message: /no answer within/,
  });
});
