import test from 'ava';
import { encodeOrigin, parseOrigin } from '../../../protocol/origin.ts';
import { Refused } from '../../../protocol/refused.ts';

test('origin: any text goes through a header as ASCII, on one line', (t) => {
  const origin = { actor: 'jürgen@ops-1', sources: ['a b.yaml', '漏.jsonl', 'web “2” is\u00a0replaced 🚚'] };
  const header = encodeOrigin(origin);
  t.regex(header, /^[\x20-\x7e]+$/);
  t.deepEqual(parseOrigin(header), origin);
  t.is(parseOrigin(encodeOrigin({ actor: 'two\r\nlines' })).actor, 'two  lines');
});

test('origin: none is an empty one, a newer one is read as far as it is known, nonsense is refused', (t) => {
  t.deepEqual(parseOrigin(''), {});
  t.deepEqual(parseOrigin('{"ticket":7,"actor":"ann@ops-1"}'), { actor: 'ann@ops-1' });
  for (const header of ['{', '[]', '{"actor":1}', '{"sources":"a"}'])
    t.throws(() => parseOrigin(header), { instanceOf: Refused }, header);
});
