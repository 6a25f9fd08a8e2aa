import test from 'ava';
import { PASS_REASONS } from '../../../../agent/kernel/abi.ts';
import { reasonOf, reasonsText, sumReasons } from '../../../../cli/show/passed.ts';

test('passed: every reason that the program counts has its meaning and what ends it, and a newer one is not hidden', (t) => {
  const unknown = reasonOf('IN_A_LATER_RELEASE');
  t.true(unknown.means.length > 0 && unknown.mend.length > 0);
  for (const name of PASS_REASONS) t.notDeepEqual(reasonOf(name), unknown, name);
  t.deepEqual(reasonOf('constructor'), unknown);
});

test('passed: reasons stand with their packets, the most first, and are added up over redirects', (t) => {
  t.is(
    reasonsText({ TTL: '3', TOO_BIG: '18446744073709551615', VLAN: '4' }),
    'TOO_BIG 18446744073709551615, VLAN 4, TTL 3',
  );
  const of = (reasons: Record<string, string>) => ({ name: 'x', reasons, since: 1 });
  const sums = sumReasons([of({ TTL: '3', TOO_BIG: '2' }), of({ TTL: '4' })]);
  t.deepEqual(
    [...sums],
    [
      ['TTL', 7n],
      ['TOO_BIG', 2n],
    ],
  );
});
