/** The page of redirects says of each value and of each frame what is tested, and nothing else. */
import test from 'ava';
import { parseSpec } from '../../../protocol/spec.ts';
import { type Becomes, VALUE_ROWS } from '../../support/match-values.ts';
import { FRAME_ROWS } from '../../support/odd-frames.ts';
import { refusal } from '../protocol/refusal.ts';
import { read } from './pages.ts';

const PAGE = read('docs/redirects.md');
const LINK = { interface: 'eth1', mac: '02:00:00:00:00:07' };

/** The first two cells of each row of the table under a head. */
function rowsUnder(head: string): readonly (readonly [string, string])[] {
  const [, table = ''] = PAGE.split(`\n| ${head} |`);
  const [body = ''] = table.split('\n\n');
  return [...body.matchAll(/^\| (.+?) \| (.+?) \| .*\|$/gm)].map(([, first = '', second = '']) => [first, second]);
}

function wordsFor(becomes: Becomes): string {
  if (becomes === 'taken') return becomes;
  return becomes === 'kept' ? 'taken with `drop` or `pass`, else `NEVER_MATCHES`' : `\`${becomes}\``;
}

test('redirects page: each row of matches is one that is tested, and each that is tested has its row', (t) => {
  t.deepEqual(
    rowsUnder('in `match` | becomes | because'),
    VALUE_ROWS.map(({ says, becomes }) => [says, wordsFor(becomes)]),
  );
});

test('redirects page: each row of frames is one that is tested, and each that is tested has its row', (t) => {
  t.deepEqual(
    rowsUnder('frame | known, or passes as | because'),
    FRAME_ROWS.map(({ says, known }) => [says, known === known.toLowerCase() ? known : `\`${known}\``]),
  );
});

/** What a spec of this match becomes: `accepted`, or the code of its refusal. */
function becomes(match: object, to: unknown): string {
  const [word = ''] = refusal(() => parseSpec({ name: 'a', hosts: 'all', match, to })).split(' ');
  return word;
}

for (const { says, becomes: wanted, matches } of VALUE_ROWS) {
  test(`redirects page: ${says}: ${wanted}`, (t) => {
    const kept = wanted === 'taken' || wanted === 'kept' ? 'accepted' : wanted;
    const sent = wanted === 'kept' ? 'NEVER_MATCHES' : kept;
    t.true(matches.length > 0);
    for (const match of matches) {
      const text = JSON.stringify(match);
      for (const to of ['drop', 'pass']) t.is(becomes(match, to), kept, text);
      t.is(becomes(match, LINK), sent, text);
      const nexthop = Object.values(match).some((value) => String(value).includes(':')) ? '2001:db8::7' : '10.0.0.7';
      t.is(becomes(match, { nexthop }), sent, text);
    }
  });
}
