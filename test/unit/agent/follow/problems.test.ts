import test from 'ava';
import { carryOn } from '../../../../agent/follow/problems.ts';
import { CODES, type Code } from '../../../../protocol/codes.ts';
import { MAX_HOST_PROBLEMS } from '../../../../protocol/status.ts';

test('problems: each code once, the gravest first, and since when it is so', (t) => {
  const first = carryOn([], ['ADOPTING', 'STORE_UNWRITABLE', 'ADOPTING'], 5);
  t.deepEqual(first, [
    { code: 'STORE_UNWRITABLE', since: 5 },
    { code: 'ADOPTING', since: 5 },
  ]);
  const second = carryOn(first, ['ADOPTING', 'FOREIGN_EPOCH'], 9);
  t.deepEqual(second, [
    { code: 'FOREIGN_EPOCH', since: 9 },
    { code: 'ADOPTING', since: 5 },
  ]);
  t.deepEqual(carryOn(carryOn(second, [], 10), ['ADOPTING'], 11), [{ code: 'ADOPTING', since: 11 }]);
});

test('problems: no more than a status may list', (t) => {
  t.is(carryOn([], Object.keys(CODES) as Code[], 1).length, MAX_HOST_PROBLEMS);
});
