import test from 'ava';
import { pino } from 'pino';
import { Refusals } from '../../../../controller/serve/refusals.ts';
import { Refused } from '../../../../protocol/refused.ts';
import { ManualClock } from '../../../fakes/manual-clock.ts';

test('refusals: all are counted, and a flood is one line', async (t) => {
  const lines: string[] = [];
  const clock = new ManualClock();
  const refusals = new Refusals(pino({}, { write: (line) => lines.push(line) }), clock);
  for (let count = 0; count < 1000; count += 1)
    refusals.add(new Refused('BAD_JSON', '', 'not JSON'), 'shunt.v1.status.a');
  refusals.count('FOREIGN_HOST', 'shunt.v1.status.a', 'addressed to b');
  t.is(lines.length, 1);
  await clock.pass(10_000);
  refusals.add(new Refused('BAD_JSON', '', 'not JSON'), 'shunt.v1.status.a');
  t.is(lines.length, 2);
  t.deepEqual(JSON.parse(lines[1] ?? '').refused, { BAD_JSON: 1001, FOREIGN_HOST: 1 });
});

test('refusals: an error that is ours is not counted as a message', (t) => {
  const refusals = new Refusals(pino({ level: 'silent' }), new ManualClock());
  t.throws(() => refusals.add(new TypeError('ours'), 'subject'), { message: 'ours' });
  t.is(refusals.byCode.size, 0);
});
