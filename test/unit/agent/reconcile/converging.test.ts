import test from 'ava';
import { admit } from '../../../../agent/reconcile/admission.ts';
import { atOnce } from '../../../../daemon/parts.ts';
import type { Intent } from '../../../../protocol/intent.ts';
import { ManualClock } from '../../../fakes/manual-clock.ts';
import { converge, intentOf, makeKernel, statesOf } from './world.ts';

/** So many that no part holds all of them. */
const MANY = 5_000;

/** A host on which so many redirects stand. */
function standing(count: number) {
  const kernel = makeKernel({ slots: count + 10 });
  const intents = Array.from({ length: count }, (_, n) => intentOf(n));
  const stored = { intents, entries: [], unconfirmed: [], confirmed: undefined };
  const { converging } = atOnce(admit({ kernel, clock: new ManualClock() }, stored));
  converge(converging.now);
  return { kernel, intents, converging };
}

/** Maps take the place of those before; whoever has a turn meanwhile does these, one a turn. Answers how many turns there were. */
async function renew({ kernel, converging }: ReturnType<typeof standing>, does: (() => void)[]): Promise<number> {
  kernel.openAnew();
  let turns = 0;
  const turn = async (): Promise<void> => {
    turns += 1;
    does.shift()?.();
  };
  await converging.renew({ turn });
  return turns;
}

test('converging: a large set is begun with a part at a time', (t) => {
  const { kernel, intents, converging } = standing(MANY);
  const entries = [...converging.now.ledger.states.values()];
  const stored = { intents, entries, unconfirmed: [], confirmed: undefined };
  const parts = admit({ kernel, clock: new ManualClock() }, stored);
  let yields = 0;
  for (let part = parts.next(); part.done !== true; part = parts.next()) yields += 1;
  t.true(yields >= 10, `${yields}`);
});

test('converging: what comes to be desired while other maps are taken is desired of these, too', async (t) => {
  const host = standing(MANY);
  const { kernel, converging } = host;
  const before = converging.now;
  const changed: readonly Intent[] = [intentOf(1, 'pass', { rev: 2 }), intentOf(MANY)];
  const gone = intentOf(2);
  const turns = await renew(host, [
    () => before.ledger.put(changed.slice(0, 1)),
    ...Array.from({ length: 12 }, () => () => {}),
    () => before.ledger.remove([gone.key]),
    ...Array.from({ length: 4 }, () => () => {}),
    () => before.ledger.put(changed.slice(1)),
  ]);
  t.true(turns > 20, `${turns}`);
  t.not(converging.now, before);
  const passes = converge(converging.now);
  t.deepEqual(
    passes.flatMap(({ forgotten }) => forgotten),
    [{ key: gone.key, name: gone.name }],
  );
  t.deepEqual(statesOf(converging.now, [...changed, gone]), ['installed', 'installed', undefined]);
  t.deepEqual(
    changed.map(({ key }) => kernel.peek().entries.get(key)?.value.action),
    ['pass', 'drop'],
  );
  t.is(kernel.peek().entries.size, MANY);
});

test('converging: what is desired no more by the time at which other maps are read leaves by its name', async (t) => {
  const host = standing(MANY);
  const { converging } = host;
  const [gone, late] = [intentOf(2), intentOf(3)];
  const before = converging.now;
  before.ledger.remove([gone.key]);
  const during = renew(host, []);
  t.true(converging.renewing);
  await during;
  t.false(converging.renewing);
  converging.now.ledger.remove([late.key]);
  const forgotten = converge(converging.now).flatMap((pass) => pass.forgotten);
  t.deepEqual(
    forgotten,
    [late, gone].map(({ key, name }) => ({ key, name })),
  );
});

test('converging: what is to be looked at again is, also where other maps are taken meanwhile', async (t) => {
  const host = standing(MANY);
  const { kernel, intents, converging } = host;
  const key = intents[3]?.key ?? '';
  await renew(host, [
    ...Array.from({ length: 12 }, () => () => {}),
    () => {
      kernel.uproot(key);
      converging.again([key]);
    },
  ]);
  t.truthy(converging.now.entryOf(key));
  converge(converging.now);
  t.truthy(kernel.peek().entries.get(key));
});
