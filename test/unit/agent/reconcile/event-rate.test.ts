import test from 'ava';
import { EventRate } from '../../../../agent/reconcile/event-rate.ts';
import { EVENT_KINDS, type Event, type EventKind, encodeEvent } from '../../../../protocol/event.ts';
import { intentOf, NOW } from './world.ts';

const teller = { host: 'edge-1', at: NOW };
const eventsOf = (kind: EventKind, count: number, more: Partial<Event> = {}): Event[] =>
  Array.from({ length: count }, (_, n): Event => ({ v: 1, ...teller, kind, key: intentOf(n).key, ...more }));

test('event rate: what is few is told as it comes, and there is nothing to sum up', (t) => {
  const rate = new EventRate();
  for (let second = 0; second < 10; second += 1) t.is(rate.admit(eventsOf('applied', 30), second * 1_000).length, 30);
  t.is(rate.dueMs, Number.POSITIVE_INFINITY);
  t.deepEqual(rate.summaries(teller, 1e9, true), []);
});

test('event rate: of a flood the first are told, and once it is quiet for a second, how many more there were and why', (t) => {
  const rate = new EventRate();
  t.is(rate.admit(eventsOf('blocked', 50, { code: 'NO_ROUTE' }), 0).length, 38);
  t.is(rate.admit(eventsOf('blocked', 100, { code: 'MAP_FULL' }), 2_500).length, 0, 'nor later, before the sum');
  t.is(rate.dueMs, 3_500);
  t.deepEqual(rate.summaries(teller, 3_499), []);
  const [sum, ...rest] = rate.summaries(teller, 3_500);
  t.deepEqual(sum, {
    ...{ v: 1, ...teller, kind: 'blocked', more: 112 },
    detail: '112 more within 2.5 s, MAP_FULL 100, NO_ROUTE 12',
  });
  t.deepEqual(rest, []);
  t.is(rate.admit(eventsOf('blocked', 1), 3_500).length, 1);
});

test('event rate: where all have one code, the sum has it', (t) => {
  const rate = new EventRate();
  rate.admit(eventsOf('failed', 40, { code: 'READ_BACK' }), 0);
  t.like(rate.summaries(teller, 0, true), [{ kind: 'failed', code: 'READ_BACK', more: 2 }]);
});

test('event rate: of a flood without end there is a sum a minute', (t) => {
  const rate = new EventRate();
  const told: Event[] = [];
  let happened = 0;
  for (let ms = 0; ms < 600_000; ms += 100) {
    told.push(...rate.summaries(teller, ms), ...rate.admit(eventsOf('drift', 10), ms));
    happened += 10;
  }
  told.push(...rate.summaries(teller, 600_000, true));
  const sums = told.filter(({ more }) => more !== undefined);
  t.true(sums.length >= 9 && sums.length <= 10);
  t.is(told.length - sums.length + sums.reduce((all, { more = 0 }) => all + more, 0), happened, 'none is forgotten');
});

test('event rate: floods of all kinds together are at most a hundred a second, and another kind is heard beside one', (t) => {
  const rate = new EventRate();
  const times: number[] = [];
  const note = (events: readonly Event[], ms: number): void => void times.push(...events.map(() => ms));
  for (let ms = 0; ms < 20_000; ms += 50) {
    note(rate.summaries(teller, ms), ms);
    const quiet = ms % 3_000 > 1_500;
    for (const kind of quiet ? [] : EVENT_KINDS) {
      note(rate.admit(eventsOf(kind, 20), ms), ms);
      note(rate.admit([{ v: 1, ...teller, kind, detail: 'of the host' }], ms), ms);
    }
  }
  t.true(times.length > 100);
  for (const from of times) t.true(times.filter((ms) => ms >= from && ms < from + 1_000).length <= 100);

  const other = new EventRate();
  other.admit(eventsOf('expired', 100_000), 0);
  t.is(other.admit(eventsOf('drift', 5), 0).length, 5);
  const attached: Event = { v: 1, ...teller, kind: 'expired', detail: 'what concerns the host' };
  t.is(other.admit([attached], 0).length, 1);
});

test('event rate: a sum is an event that a command of any age can read', (t) => {
  const rate = new EventRate();
  rate.admit(
    eventsOf('failed', 500).map((event, n) => ({ ...event, code: `CODE_${n}` })),
    0,
  );
  for (const sum of rate.summaries(teller, 0, true)) t.true(encodeEvent(sum).length < 1_024);
});
