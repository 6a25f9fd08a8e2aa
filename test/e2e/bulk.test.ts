import test from 'ava';
import { bulk } from '../../bench/bulk.ts';

const REDIRECTS = 5_000;

test.serial(
  `bulk: ${REDIRECTS} redirects from a file are the keys in the kernel, and deleting them empties it`,
  async (t) => {
    const { rounds } = await bulk({ redirects: REDIRECTS, maxRedirects: REDIRECTS });
    const [round] = rounds;
    t.deepEqual(round?.kernel, { keys: REDIRECTS, missing: 0, foreign: 0 });
    t.deepEqual([round?.installed, round?.waiting, round?.codes], [REDIRECTS, 0, []]);
    t.is(round?.keysAfterDelete, 0);
  },
);
