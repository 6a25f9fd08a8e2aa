import test from 'ava';
import { compareNames } from '../../../protocol/order.ts';

test('names: numbers in them count as numbers', (t) => {
  const sorted = [
    'a',
    'a1',
    'a01',
    'edge',
    'edge-2',
    'edge-9z',
    'edge-10',
    'edge-10-2',
    'edge-10-11',
    'edge-x',
    '2',
    '10',
  ];
  const order = [
    '2',
    '10',
    'a',
    'a01',
    'a1',
    'edge',
    'edge-2',
    'edge-9z',
    'edge-10',
    'edge-10-2',
    'edge-10-11',
    'edge-x',
  ];
  t.deepEqual(sorted.toSorted(compareNames), order);
  t.deepEqual(sorted.toReversed().toSorted(compareNames), order);
  t.is(compareNames('9'.repeat(63), `1${'0'.repeat(63)}`), -1);
});
