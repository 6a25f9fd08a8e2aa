import { mock } from 'node:test';
import test from 'ava';
import { Patience } from '../../../cli/patience.ts';

// Timers are those of the whole file.
test.before(() => mock.timers.enable({ apis: ['setTimeout'] }));
test.after.always(() => mock.timers.reset());

/** What has become of a wait by now: how long it was in vain, or undefined while it goes on. */
async function outcome(patience: Patience): Promise<string | undefined> {
  return Promise.race([
    patience.late.catch((error: Error) => error.message),
    new Promise<undefined>((resolve) => setImmediate(resolve, undefined)),
  ]);
}

function begin(firstMs: number, signMs: number): Patience {
  return new Patience(firstMs, signMs, (waitedMs) => new Error(`${waitedMs}`));
}

test.serial('patience: without a sign it is over after the first wait', async (t) => {
  using patience = begin(5100, 5000);
  mock.timers.tick(5099);
  t.is(await outcome(patience), undefined);
  mock.timers.tick(1);
  t.is(await outcome(patience), '5100');
});

test.serial('patience: it goes on as long as there are signs, and ends without one', async (t) => {
  using patience = begin(300_000, 20_000);
  for (let sign = 0; sign < 100; sign += 1) {
    patience.renew();
    mock.timers.tick(19_999);
  }
  t.is(await outcome(patience), undefined);
  mock.timers.tick(1);
  t.is(await outcome(patience), '20000');
});

test.serial('patience: however short the first wait, a sign may be late', async (t) => {
  using patience = begin(100, 100);
  patience.renew();
  mock.timers.tick(9999);
  t.is(await outcome(patience), undefined);
});

test.serial('patience: who has much to write at the end has more time for it', async (t) => {
  using patience = begin(5_000, 5_000);
  patience.renew(2_000_000);
  mock.timers.tick(39_999);
  t.is(await outcome(patience), undefined);
  mock.timers.tick(1);
  t.is(await outcome(patience), '40000');
});
