import test from 'ava';
import {
  asks,
  atStart,
  claimOf,
  type FootingEvent,
  next,
  problemsOf,
  takesUpdates,
} from '../../../../agent/follow/footing.ts';
import { type Footing, mayPrune, mayTouch } from '../../../../agent/model/footing.ts';
import { NO_CURSOR } from '../../../../protocol/cursor.ts';
import { EMPTY_DIGEST } from '../../../../protocol/digest.ts';

type Is<I extends Footing['is']> = Extract<Footing, { is: I }>;
type Kind<K extends FootingEvent['kind']> = Extract<FootingEvent, { kind: K }>;

const D1 = '1'.repeat(32);
const D2 = '2'.repeat(32);
const at = (rev: number) => ({ epoch: 'e1', rev });
const here = { at: at(4), digest: D1 };
const there = { at: at(6), digest: D2 };

const follows: Is<'follows'> = { is: 'follows', ...here };
const fresh: Is<'unproven'> = { is: 'unproven', at: NO_CURSOR, digest: EMPTY_DIGEST, have: NO_CURSOR, why: 'EMPTY' };
const adopting: Is<'unproven'> = { is: 'unproven', ...here, have: at(9), why: 'ADOPTING' };
const damaged: Is<'unproven'> = { is: 'unproven', ...here, have: at(4), why: 'STORE_DAMAGED' };
const refused: Is<'unproven'> = { ...adopting, besides: 'FOREIGN_EPOCH' };
const lost: Is<'held'> = { is: 'held', ...here, why: 'HISTORY_LOST', until: 'sync' };
const foreign: Is<'held'> = { is: 'held', ...here, why: 'FOREIGN_EPOCH', until: 'sync' };
const contradicted: Is<'held'> = { is: 'held', ...here, why: 'HISTORY_LOST', until: 'resync' };
const newer: Is<'held'> = { is: 'held', ...here, why: 'STORE_NEWER', until: 'upgrade' };

const laidOver: Kind<'accepted'> = { kind: 'accepted', ...there, whole: false };
const laidAnew: Kind<'accepted'> = { kind: 'accepted', ...there, whole: true };
const nothing: Kind<'accepted'> = { kind: 'accepted', at: NO_CURSOR, digest: EMPTY_DIGEST, whole: true };
const current: Kind<'current'> = { kind: 'current' };
const unknown: Kind<'held'> = { kind: 'held', hold: { why: 'FOREIGN_EPOCH', until: 'sync' } };
const wrong: Kind<'held'> = { kind: 'held', hold: { why: 'HISTORY_LOST', until: 'resync' } };
const unsound: Kind<'unsound'> = { kind: 'unsound' };

/** Each footing and each event meet: a pair that is left out does not compile. */
type Table = Readonly<{
  [I in Footing['is']]: Readonly<{ [K in FootingEvent['kind']]: readonly (readonly [Is<I>, Kind<K>, Footing])[] }>;
}>;

const TABLE: Table = {
  follows: {
    accepted: [
      [follows, laidOver, { is: 'follows', ...there }],
      [follows, laidAnew, { is: 'follows', ...there }],
      [follows, nothing, fresh],
    ],
    current: [[follows, current, follows]],
    held: [
      [follows, unknown, foreign],
      [follows, wrong, contradicted],
    ],
    unsound: [[follows, unsound, damaged]],
  },
  unproven: {
    accepted: [
      [fresh, laidAnew, { is: 'follows', ...there }],
      [fresh, nothing, fresh],
      [adopting, laidAnew, { is: 'follows', ...there }],
      [refused, laidAnew, { is: 'follows', ...there }],
      [damaged, laidAnew, { is: 'follows', ...there }],
      [adopting, laidOver, { ...adopting, ...there }],
    ],
    current: [
      [fresh, current, fresh],
      [{ ...fresh, besides: 'BAD_DIGEST' }, current, fresh],
      [adopting, current, adopting],
      [refused, current, adopting],
    ],
    held: [
      [adopting, unknown, refused],
      [refused, wrong, { ...adopting, besides: 'HISTORY_LOST' }],
      [fresh, unknown, { ...fresh, besides: 'FOREIGN_EPOCH' }],
    ],
    unsound: [
      [adopting, unsound, { ...damaged, have: at(9) }],
      [refused, unsound, { ...damaged, have: at(9), besides: 'FOREIGN_EPOCH' }],
      [damaged, unsound, damaged],
    ],
  },
  held: {
    accepted: [
      [lost, laidOver, { is: 'follows', ...there }],
      [lost, laidAnew, { is: 'follows', ...there }],
      [contradicted, laidOver, { ...contradicted, ...there }],
      [contradicted, laidAnew, { is: 'follows', ...there }],
      [newer, laidOver, newer],
      [newer, laidAnew, newer],
    ],
    current: [
      [lost, current, follows],
      [contradicted, current, contradicted],
      [newer, current, newer],
    ],
    held: [
      [lost, unknown, foreign],
      [lost, wrong, contradicted],
      [contradicted, unknown, contradicted],
      [newer, unknown, newer],
    ],
    unsound: [
      [lost, unsound, { ...damaged, besides: 'HISTORY_LOST' }],
      [contradicted, unsound, damaged],
      [newer, unsound, newer],
    ],
  },
};

for (const row of Object.values(TABLE)) {
  for (const [before, event, after] of Object.values(row).flat()) {
    test(`footing: ${nameOf(before)}, then ${nameOf(event)}`, (t) => {
      t.deepEqual(next(before, event), after);
    });
  }
}

function nameOf(value: object): string {
  return Object.values(value)
    .flatMap((part) => (typeof part === 'object' ? Object.values(part) : [part]))
    .filter((part) => part !== D1 && part !== D2 && part !== EMPTY_DIGEST)
    .join(' ');
}

/** What may be done on each footing: touch the kernel, prune it, lay updates over the set, ask the log; what is wrong. */
const ALLOWED: readonly (readonly [Footing, touch: boolean, prune: boolean, lay: boolean, ask: boolean, string])[] = [
  [follows, true, true, true, true, ''],
  [fresh, true, false, false, true, ''],
  [adopting, false, false, false, true, 'ADOPTING'],
  [damaged, false, false, false, true, 'STORE_DAMAGED'],
  [refused, false, false, false, true, 'ADOPTING FOREIGN_EPOCH'],
  [lost, true, true, true, true, 'HISTORY_LOST'],
  [contradicted, true, true, false, true, 'HISTORY_LOST'],
  [newer, false, false, false, false, 'STORE_NEWER'],
];

for (const [footing, touch, prune, lay, ask, problems] of ALLOWED) {
  test(`footing: what may be done that is ${nameOf(footing)}`, (t) => {
    t.deepEqual(
      [mayTouch(footing), mayPrune(footing), takesUpdates(footing), asks(footing), problemsOf(footing).join(' ')],
      [touch, prune, lay, ask, problems],
    );
  });
}

test('footing: a store is judged by its own checks and by the mark', (t) => {
  const stored = { cursor: at(4), digest: D1, seq: 7, sound: true, newer: false };
  const ahead = { ...at(9), seq: 8 };
  const empty = { ...stored, cursor: NO_CURSOR, digest: EMPTY_DIGEST };
  t.deepEqual(atStart(stored, undefined), follows);
  t.deepEqual(atStart(stored, { ...at(4), seq: 7 }), follows);
  t.deepEqual(atStart({ ...stored, seq: 8 }, { ...at(3), seq: 7 }), follows, 'it died before the mark');
  t.deepEqual(atStart({ ...stored, seq: 8 }, { ...at(9), seq: 7 }), adopting, 'a count that began anew');
  t.deepEqual(atStart(stored, ahead), adopting);
  const others = { epoch: 'e2', rev: 3 };
  t.deepEqual(atStart(stored, { ...others, seq: 7 }), { ...adopting, have: others }, 'another set of the same count');
  t.deepEqual(atStart({ ...stored, seq: 8 }, { ...others, seq: 7 }), follows, 'an epoch goes over into another one');
  t.deepEqual(atStart(empty, undefined), fresh);
  t.deepEqual(atStart(empty, ahead), { ...fresh, have: at(9), why: 'ADOPTING' });
  t.deepEqual(atStart({ ...stored, sound: false }, undefined), damaged);
  t.deepEqual(atStart({ ...stored, sound: false }, ahead), { ...damaged, have: at(9) });
  t.deepEqual(atStart({ ...stored, newer: true }, undefined), newer);
  t.deepEqual(atStart({ ...stored, newer: true, sound: false }, ahead), newer);
});

test('footing: a host claims what it holds, or what its kernel was told', (t) => {
  t.deepEqual([follows, lost, adopting, fresh].map(claimOf), [at(4), at(4), at(9), NO_CURSOR]);
});
