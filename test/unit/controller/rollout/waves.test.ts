import test from 'ava';
import fc from 'fast-check';
import { DEFAULT_WAVES, orderOf, wavesOf } from '../../../../controller/rollout/waves.ts';

const SIZES: readonly [readonly string[], number, readonly number[]][] = [
  [DEFAULT_WAVES, 1, [1]],
  [DEFAULT_WAVES, 2, [1, 1]],
  [DEFAULT_WAVES, 5, [1, 1, 1, 2]],
  [DEFAULT_WAVES, 500, [1, 49, 200, 250]],
  [['100%'], 7, [7]],
  [['10%'], 7, [1, 6]],
  [['3', '2', '50%'], 10, [3, 1, 1, 5]],
  [['1', '1', '1'], 10, [1, 1, 1, 7]],
  [['999'], 3, [3]],
];

for (const [shares, hosts, sizes] of SIZES)
  test(`waves: ${shares.join(',')} of ${hosts} hosts are ${sizes.join(', ')}`, (t) => {
    t.deepEqual(
      wavesOf(shares, hosts).map(({ size }) => size),
      sizes,
    );
  });

const share = fc.oneof(
  fc.integer({ min: 1, max: 2000 }).map(String),
  fc.integer({ min: 1, max: 100 }).map((percent) => `${percent}%`),
);

test('waves: whatever is asked for, each has a host, and together they have all', (t) => {
  fc.assert(
    fc.property(fc.array(share, { maxLength: 9 }), fc.integer({ min: 0, max: 3000 }), (shares, hosts) => {
      const sizes = wavesOf(shares, hosts).map(({ size }) => size);
      return sizes.every((size) => size >= 1) && sizes.reduce((sum, size) => sum + size, 0) === hosts;
    }),
  );
  t.pass();
});

const RACKS = Array.from({ length: 12 }, (_, at) => ({
  host: `h${at}`,
  labels: { rack: String(at < 6 ? 0 : at % 3) },
  moves: true,
}));

test('waves: the order is drawn by the seed, has each host once, and is the same each time', (t) => {
  const order = orderOf(RACKS, 'one', undefined);
  t.deepEqual(orderOf(RACKS.toReversed(), 'one', undefined), order);
  t.notDeepEqual(orderOf(RACKS, 'two', undefined), order);
  t.deepEqual(order.toSorted(), RACKS.map(({ host }) => host).toSorted());
});

test('waves: with a label, its values take turns as long as there are hosts of each', (t) => {
  const order = orderOf(RACKS, 'one', 'rack');
  const racks = order.slice(0, 6).map((name) => RACKS.find(({ host }) => host === name)?.labels.rack);
  t.is(new Set(racks.slice(0, 3)).size, 3);
  t.is(new Set(racks.slice(3)).size, 3);
});

test('waves: hosts on which nothing becomes different prove nothing, and come last', (t) => {
  const hosts = RACKS.map((one, at) => ({ ...one, moves: at % 2 === 0 }));
  const order = orderOf(hosts, 'one', undefined);
  t.true(order.slice(0, 6).every((name) => Number(name.slice(1)) % 2 === 0));
});
