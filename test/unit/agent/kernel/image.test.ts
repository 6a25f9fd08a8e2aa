import test from 'ava';
import fc from 'fast-check';
import { Image, type Packed } from '../../../../agent/kernel/image.ts';

const [KEY, VALUE] = [8, 12];

/** Rows of these keys, each with a value. */
function packed(rows: readonly (readonly [key: number, value: number])[]): Packed {
  const keys = new Uint32Array(rows.length * (KEY / 4));
  const values = new Uint32Array(rows.length * (VALUE / 4));
  for (const [i, [key, value]] of rows.entries()) {
    keys[i * 2] = key;
    values.fill(value, i * 3, (i + 1) * 3);
  }
  return { keys: new Uint8Array(keys.buffer), values: new Uint8Array(values.buffer), count: rows.length };
}

function keysOf({ keys }: Pick<Packed, 'keys'>): number[] {
  const words = new Uint32Array(keys.slice().buffer);
  return Array.from({ length: words.length / 2 }, (_, i) => words[i * 2] ?? -1).sort((a, b) => a - b);
}

const unmet = (image: Image): number[] =>
  image
    .takeUnmet()
    .flatMap((keys) => keysOf({ keys }))
    .sort((a, b) => a - b);

test('image: rows that are new or other than before are told, and those that no round met', (t) => {
  const image = new Image(KEY, VALUE);
  image.beginRound();
  t.deepEqual(
    image.take(
      packed([
        [1, 10],
        [2, 20],
        [3, 30],
      ]),
    ),
    [0, 1, 2],
  );
  t.deepEqual(unmet(image), []);
  image.beginRound();
  t.deepEqual(
    image.take(
      packed([
        [3, 30],
        [1, 11],
      ]),
    ),
    [1],
  );
  t.deepEqual(image.take(packed([[4, 40]])), [0], 'in parts');
  t.deepEqual(unmet(image), [2]);
  t.deepEqual(keysOf(image.rows), [1, 3, 4]);
});

test('image: what is written between two parts of a round is met', (t) => {
  const image = new Image(KEY, VALUE);
  image.beginRound();
  image.take(packed([[1, 1]]));
  image.beginRound();
  image.take(packed([[2, 2]]));
  image.delete(packed([[1, 0]]).keys);
  t.deepEqual(unmet(image), []);
  t.deepEqual(keysOf(image.rows), [2]);
});

test('image: bytes that do not lie as words do are taken, too', (t) => {
  const image = new Image(KEY, VALUE);
  const { keys, values } = packed([[7, 7]]);
  const moved = (bytes: Uint8Array): Uint8Array => Uint8Array.from([0, ...bytes]).subarray(1);
  t.deepEqual(image.take({ keys: moved(keys), values: moved(values), count: 1 }), [0]);
  t.deepEqual(image.take({ keys, values, count: 1 }), []);
});

type Step = { readonly put: readonly [number, number] } | { readonly del: number };

test('image: it says what a map says, whatever comes and goes', (t) => {
  const key = fc.integer({ min: 0, max: 3_000 });
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 3, arbitrary: fc.record({ put: fc.tuple(key, fc.nat(3)) }) },
    { weight: 2, arbitrary: fc.record({ del: key }) },
  );
  const property = fc.property(fc.array(step, { maxLength: 4_000, size: 'max' }), (steps) => {
    const image = new Image(KEY, VALUE);
    const map = new Map<number, number>();
    for (const it of steps) {
      if ('del' in it) {
        image.delete(packed([[it.del, 0]]).keys);
        map.delete(it.del);
        continue;
      }
      const isNew = map.get(it.put[0]) !== it.put[1];
      if ((image.take(packed([it.put])).length === 1) !== isNew) return false;
      map.set(...it.put);
    }
    image.beginRound();
    const same = image.take(packed([...map])).length === 0;
    return same && image.takeUnmet().length === 0 && image.count === map.size;
  });
  t.notThrows(() => fc.assert(property, { numRuns: 30 }));
});
