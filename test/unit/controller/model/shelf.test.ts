import test from 'ava';
import { Shelf } from '../../../../controller/model/shelf.ts';

test('shelf: what was put first goes first, as far as others need its room', (t) => {
  const shelf = new Shelf<number>(10, (weight) => weight);
  const kept = () => ['a', 'b', 'c', 'd'].filter((key) => shelf.get(key) !== undefined).join('');
  for (const key of ['a', 'b', 'c']) shelf.put(key, 3);
  t.is(kept(), 'abc');
  shelf.put('d', 4);
  t.is(kept(), 'bcd');
  shelf.put('b', 1); // what it weighed is free again, and it is the newest now
  shelf.put('a', 5);
  t.is(kept(), 'abd');
  shelf.drop('d');
  shelf.put('c', 4);
  t.is(kept(), 'abc');
  shelf.put('d', 99);
  t.is(kept(), 'd');
  shelf.put('a', 1);
  t.is(kept(), 'a');
  shelf.clear();
  for (const key of ['a', 'b', 'c']) shelf.put(key, 3);
  t.is(kept(), 'abc');
  t.is(shelf.size, 3);
});
