import { createSocket } from 'node:dgram';
import { setServers } from 'node:dns';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { startNats } from '../support/nats.ts';
import { INFO, listen } from '../support/strange-server.ts';
import { type Session, shunt } from '../unit/cli/session.ts';

const TIMEOUT_MS = 1_500;
/** More than the time that was asked for, and much less than what it took when each part had that time for itself. */
const SOON_MS = 11_000;

/** Lets whoever connects in, and says nothing from then on. */
function letIn(socket: Socket): void {
  socket.write(`INFO ${JSON.stringify(INFO)}\r\n`);
  socket.on('data', (data) => {
    if (data.toString('latin1').startsWith('CONNECT')) socket.write('PONG\r\n');
  });
}

/** What a command says, and whether it did when it says that. */
async function saysInTime(t: ExecutionContext, words: readonly string[]): Promise<Session> {
  await shunt([...words.slice(0, 1), '--help']); // so that all is loaded
  const began = performance.now();
  const session = await shunt([...words, '--timeout', `${TIMEOUT_MS}ms`]);
  const tookMs = performance.now() - began;
  t.true(tookMs >= TIMEOUT_MS - 50 && tookMs < SOON_MS, `${tookMs} ms`);
  return session;
}

test.serial(
  'hangs: of servers that all hang it is said in the time that was asked for, however many they are',
  async (t) => {
    const urls = await Promise.all(Array.from({ length: 16 }, async () => `nats://${await listen(t)}`));
    const { exit, stderr } = await saysInTime(t, ['get', '--nats', urls.join(',')]);
    t.is(exit, 4);
    t.regex(stderr, /: no answer within 1\.5s; start nats-server there/);
  },
);

test.serial('hangs: one that answers is found behind those that hang', async (t) => {
  await using server = await startNats();
  const urls = [`nats://${await listen(t)}`, server.url];
  for (const nats of [urls, urls.toReversed()]) {
    const { stderr } = await shunt(['get', '--nats', nats.join(','), '--timeout', '6s']);
    t.regex(stderr, /the bus answers, but no controller/);
  }
});

test.serial(
  'hangs: a server that lets us in and then says nothing is told by every command in that time',
  async (t) => {
    const url = `nats://${await listen(t, letIn)}`;
    const get = await saysInTime(t, ['get', '--nats', url]);
    t.is(get.exit, 3);
    t.regex(get.stderr, /the controller did not answer on shunt\.v1\.api\.get within 1\.5s; /);
    const events = await saysInTime(t, ['events', '--all', '--nats', url]);
    t.is(events.exit, 4);
    t.regex(events.stderr, /no answer from nats:\/\/127\.0\.0\.1:\d+ within 1\.5s; /);
  },
);

test.serial('hangs: a name server that says nothing is no reason to wait for longer', async (t) => {
  const deaf = createSocket('udp4').bind(0, '127.0.0.1');
  await once(deaf, 'listening');
  t.teardown(() => deaf.close());
  setServers([`127.0.0.1:${deaf.address().port}`]);
  const { exit, stderr } = await saysInTime(t, ['get', '--nats', 'nats://bus.example:4222']);
  t.is(exit, 4);
  t.regex(stderr, /^shunt get: cannot reach NATS at nats:\/\/bus\.example:4222: no answer within 1\.5s; /);
});
