import test from 'ava';
import { bulk } from '../../bench/bulk.ts';

const REDIRECTS = 5_000;

test.serial(
  `bulk: ${REDIRECTS} redirects from a file are the keys in the kernel, and deleting them empties it`,
  async (t) => {
    const report = await bulk({ redirects: REDIRECTS, maxRedirects: REDIRECTS });
    t.deepEqual(report.kernel, { keys: REDIRECTS, missing: 0, foreign: 0 });
    t.deepEqual([report.installed, report.waiting, report.codes], [REDIRECTS, 0, []]);
    t.is(report.keysAfterDelete, 0);
  },
);
