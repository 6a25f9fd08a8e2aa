import test from 'ava';
import { Subscriptions } from '../../../bus/subscriptions.ts';
import { ManualClock } from '../../fakes/manual-clock.ts';
import { FakeConnection } from '../../fakes/nats-connection.ts';

function bench() {
  const clock = new ManualClock();
  const logged: string[] = [];
  const note = (_: object, message: string): void => void logged.push(message);
  const over = new AbortController();
  const subscriptions = new Subscriptions(clock, { debug: note, info: note, warn: note, error: note }, over.signal);
  const heard: string[] = [];
  return { clock, logged, over, subscriptions, heard, hear: ({ subject }: { subject: string }) => heard.push(subject) };
}

test('subscriptions: they stand on each connection in turn, whenever they were asked for', (t) => {
  const { subscriptions, heard, hear } = bench();
  const [one, two] = [new FakeConnection(), new FakeConnection()];
  subscriptions.add('a', hear, 'q');
  subscriptions.moveTo(one.asClients);
  subscriptions.add('b', hear);
  t.deepEqual(one.heard, ['a', 'b']);
  one.giveUp(undefined);
  subscriptions.add('c', hear);
  subscriptions.moveTo(two.asClients);
  t.deepEqual(two.heard, ['a', 'b', 'c']);
  t.deepEqual(
    two.subscriptions.map(({ queue }) => queue),
    ['q', undefined, undefined],
  );
  two.deliver('b');
  t.deepEqual(heard, ['b']);
});

test('subscriptions: one that the server takes away is asked for every half minute, and said once', async (t) => {
  const { clock, logged, subscriptions, heard, hear } = bench();
  const connection = new FakeConnection();
  subscriptions.add('a', hear, 'q');
  subscriptions.moveTo(connection.asClients);
  subscriptions.deaf('a');
  subscriptions.deaf('a');
  t.deepEqual(connection.heard, []);
  const willing = connection.subscribe.bind(connection);
  connection.subscribe = (subject, options) => {
    const placed = willing(subject, options);
    placed.closed = true;
    queueMicrotask(() => subscriptions.deaf(subject));
    return placed;
  };
  await clock.pass(100_000);
  t.is(connection.subscriptions.length, 4);
  t.is(logged.length, 1);
  connection.subscribe = willing;
  await clock.pass(30_000);
  connection.deliver('a');
  t.deepEqual(heard, ['a']);
  t.deepEqual(logged, ['bus: a subscription was refused, and is asked for again', 'bus: a subscription stands again']);
});

test('subscriptions: what was refused is not asked for on a connection that is gone, nor after the end', async (t) => {
  const { clock, over, subscriptions, hear } = bench();
  const [one, two] = [new FakeConnection(), new FakeConnection()];
  subscriptions.add('a', hear);
  subscriptions.moveTo(one.asClients);
  one.forbid('a');
  subscriptions.deaf('a');
  one.giveUp(undefined);
  subscriptions.moveTo(two.asClients);
  await clock.pass(60_000);
  t.deepEqual([one.subscriptions.length, two.heard.length], [1, 1]);
  two.forbid('a');
  subscriptions.deaf('a');
  over.abort();
  await clock.pass(60_000);
  t.deepEqual(two.heard, []);
});

test('subscriptions: drained, they take nothing more, on no connection', async (t) => {
  const { clock, subscriptions, hear } = bench();
  const [one, two] = [new FakeConnection(), new FakeConnection()];
  subscriptions.add('a', hear);
  subscriptions.add('b', hear);
  subscriptions.moveTo(one.asClients);
  one.forbid('b');
  subscriptions.deaf('b');
  await subscriptions.drain();
  t.deepEqual(one.heard, []);
  subscriptions.moveTo(two.asClients);
  await clock.pass(60_000);
  t.deepEqual([one.heard, two.heard], [[], []]);
});
