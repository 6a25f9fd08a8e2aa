import type { Socket } from 'node:net';
import test from 'ava';
import { openConnection } from '../../bus/connect.ts';
import { BusError } from '../../bus/error.ts';
import { until } from '../support/process.ts';
import { INFO, listen } from '../support/strange-server.ts';

/** As often as a client comes back that is turned away. */
const VISITS = 5;

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
  const visits = { other: 0, named: 0 };
  const other = await listen(t, (socket) => {
    visits.other += 1;
    sendOn(socket, []);
  });
  const named = await listen(t, (socket) => {
    visits.named += 1;
    sendOn(socket, [other]);
  });
  const connection = await openConnection({
    servers: [named],
    timeout: 5_000,
    reconnect: true,
    maxReconnectAttempts: -1,
    reconnectDelayHandler: () => 10,
  });
  t.teardown(() => connection.close());
  await until('it comes back', 20_000, () => visits.named + visits.other >= VISITS);
  t.is(visits.other, 0);
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
  await t.throwsAsync(openConnection({ servers: [endless], timeout: 60_000 }), {
    instanceOf: BusError,
    message: `connect to ${endless}: the first line that it says is longer than 65536 bytes; is that a NATS server?`,
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
    servers: [strange],
    timeout: 500,
    reconnect: true,
    maxReconnectAttempts: -1,
    reconnectDelayHandler: () => 10,
  });
  await until('it comes back', 60_000, () => sockets.length >= 2 * kinds.length);
  await until('those before are closed', 20_000, () => sockets.slice(0, -1).every((socket) => socket.destroyed));
  await connection.close();
  await until('and the last', 20_000, () => sockets.every((socket) => socket.destroyed));
  await t.throwsAsync(openConnection({ servers: [await listen(t)], timeout: 300 }), {
    message: /no answer within/,
  });
});
