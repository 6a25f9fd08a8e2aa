import test from 'ava';
import fc from 'fast-check';
import { Best } from '../../../../controller/serve/best.ts';
import { NameTable } from '../../../../controller/serve/name-table.ts';

test('best: the first of many, as if all of them had been ordered; of equals who came first', (t) => {
  const items = fc.array(fc.record({ rank: fc.nat(9), at: fc.nat() }), { maxLength: 60 });
  fc.assert(
    fc.property(items, fc.integer({ min: 1, max: 20 }), (all, limit) => {
      const best = new Best<(typeof all)[number]>(limit, (a, b) => a.rank - b.rank);
      for (const item of all) best.offer(item);
      t.deepEqual(best.items, all.toSorted((a, b) => a.rank - b.rank).slice(0, limit));
      t.is(best.offered, all.length);
    }),
  );
});

test('names: a number is of one name while somebody holds it, and then of another', (t) => {
  const names = new NameTable();
  const [web, dns] = [names.hold('web'), names.hold('dns')];
  t.is(names.hold('web'), web);
  t.deepEqual([names.nameOf(web), names.nameOf(dns), names.size], ['web', 'dns', 2]);
  names.release(web);
  t.is(names.idOf('web'), web, 'once more');
  names.release(web);
  t.is(names.idOf('web'), undefined);
  t.is(names.hold('mail'), web);
  t.deepEqual([names.nameOf(web), names.size], ['mail', 2]);
});
