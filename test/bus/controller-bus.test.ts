import { setTimeout } from 'node:timers/promises';
import test from 'ava';
import { connect } from 'nats';
import { NatsBus } from '../../controller/bus/nats-bus.ts';
import { makeSystemClock } from '../../daemon/clock.ts';
import { startNats } from '../support/nats.ts';
import { silent } from '../unit/agent/follow/samples.ts';

const NEVER = AbortSignal.any([]);

test('controller bus: it asks, and takes one answer', async (t) => {
  await using server = await startNats();
  await using bus = await NatsBus.connect({ urls: [server.url] }, makeSystemClock(), silent);
  const host = await connect({ servers: server.url });
  host.subscribe('ask.a', { callback: (_, message) => void message.respond(message.data.slice(1)) });
  await host.flush();
  t.deepEqual([...(await bus.request('ask.a', Uint8Array.of(1, 2, 3), NEVER))], [2, 3]);
  await host.close();
});

test('controller bus: where nobody listens it says so at once, and who is not waited for any more keeps nobody', async (t) => {
  await using server = await startNats();
  await using bus = await NatsBus.connect({ urls: [server.url] }, makeSystemClock(), silent);
  await t.throwsAsync(bus.request('ask.nobody', new Uint8Array(), NEVER), {
    name: 'BusError',
    message: /nobody listens/,
  });
  const host = await connect({ servers: server.url });
  host.subscribe('ask.mute', { callback: () => {} });
  await host.flush();
  const ended = new AbortController();
  const asked = bus.request('ask.mute', new Uint8Array(), ended.signal);
  void setTimeout(50).then(() => ended.abort(new Error('it is over')));
  await t.throwsAsync(asked, { message: 'it is over' });
  await host.close();
});

test('controller bus: without a server it asks nobody', async (t) => {
  await using server = await startNats();
  await using bus = await NatsBus.connect({ urls: [server.url] }, makeSystemClock(), silent);
  await server.kill();
  while (bus.connected) await setTimeout(5);
  await t.throwsAsync(bus.request('ask.a', new Uint8Array(), NEVER), { name: 'BusError', code: 'DOWN' });
});
