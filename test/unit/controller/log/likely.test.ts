import test from 'ava';
import { likely } from '../../../../controller/log/likely.ts';
import type { EpochRow } from '../../../../controller/store/schema.ts';

const ROW: EpochRow = { epoch: '3f6c.9b1f', ordinal: 2, first_rev: 41, superseded: 0, checksum: '' };
const has = (row: object, is: Partial<EpochRow>) =>
  likely({ ...ROW, ...row }).some((one) => one.epoch === is.epoch && one.first_rev === is.first_rev);

test('likely: what one flip made of an epoch is among what it may have been', (t) => {
  t.true(has({ epoch: '3f6c.9b1g' }, ROW));
  t.true(has({ first_rev: 41 + 2 ** 40 }, ROW));
  t.false(has({ epoch: '3f6c.9b1g', first_rev: 42 }, ROW));
});

test('likely: of what is no text and no number any more nothing is guessed', (t) => {
  for (const broken of [null, new Uint8Array(3), 1.5, 2 ** 60]) {
    t.true(likely({ ...ROW, epoch: broken as never }).every(({ epoch }) => epoch === (broken as never)));
    t.true(likely({ ...ROW, first_rev: broken as never }).every(({ first_rev }) => first_rev === (broken as never)));
  }
});
