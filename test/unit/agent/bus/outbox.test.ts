import test from 'ava';
import { BusOutbox } from '../../../../agent/bus/outbox.ts';
import { type Event, parseEvent } from '../../../../protocol/event.ts';
import { HOST } from '../follow/samples.ts';

test('outbox: what is told before there is a bus is dropped, and goes out from then on', (t) => {
  const outbox = new BusOutbox();
  const event = (at: number): Event => ({ v: 1, host: HOST, at, kind: 'refused', code: 'BAD_JSON' });
  const sent: (readonly [string, Event])[] = [];
  let changes = 0;
  outbox.event(event(1));
  outbox.changed();
  const changed = (): void => {
    changes += 1;
  };
  outbox.to({ publish: (telling, bytes) => sent.push([telling, parseEvent(bytes)]) }, { changed });
  t.deepEqual([sent, changes], [[], 0]);
  outbox.event(event(2));
  outbox.changed();
  t.deepEqual([sent, changes], [[['event.refused', event(2)]], 1]);
});
