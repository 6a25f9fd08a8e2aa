import { setTimeout } from 'node:timers/promises';
import test from 'ava';
import { connect } from 'nats';
import { NatsBus } from '../../controller/bus/nats-bus.ts';
import { RolloutCounts } from '../../controller/serve/rollout-counts.ts';
import { makeSystemClock } from '../../daemon/clock.ts';
import { makeSubjects } from '../../protocol/subjects.ts';
import { startNats } from '../support/nats.ts';
import { onlyUsers } from '../support/nats-users.ts';
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

test('controller bus: who may not ask is told so, goes on, and says it once', async (t) => {
  const permissions = 'publish: { deny: "shunt.v1.ask.>" }';
  await using server = await startNats(...onlyUsers(t, `{ user: c, password: p, permissions: { ${permissions} } }`));
  const clock = makeSystemClock();
  await using bus = await NatsBus.connect({ urls: [server.url], user: 'c', password: 'p' }, clock, silent);
  await t.throwsAsync(bus.request('shunt.v1.ask.a.counts', new Uint8Array(), NEVER), { code: 'NOT_ALLOWED' });
  t.true(bus.connected);

  const warned: string[] = [];
  const log = { ...silent, debug: () => {}, warn: (_: object, message: string) => void warned.push(message) };
  const counts = new RolloutCounts({ bus, subjects: makeSubjects(), clock, log });
  const end = new AbortController();
  const run = counts.run(end.signal);
  const keys = new Map([['v4 any 192.0.2.1/32:* > 0.0.0.0/0:*', 1]]);
  counts.watch(
    'r',
    ['a', 'b'].map((host) => ({ host, rev: 1, keys, isAll: true })),
    50,
  );
  while (warned.length === 0) await setTimeout(5);
  await setTimeout(300);
  end.abort();
  await run;
  t.deepEqual(warned, ['rollout: the bus does not let us ask hosts for their counts, so gates know nothing']);
});
