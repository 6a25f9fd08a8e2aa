import test from 'ava';
import { parseApplyRequest } from '../../../protocol/api.ts';
import { decodeJson, encodeJson, listBudgetBytes, MAX_MESSAGE_BYTES } from '../../../protocol/json.ts';
import { Refused } from '../../../protocol/refused.ts';

const utf8 = new TextEncoder();

const REFUSED: readonly [title: string, bytes: Uint8Array, code: string][] = [
  ['an empty message', utf8.encode(''), 'BAD_JSON'],
  ['text that is no JSON', utf8.encode('{"v":1'), 'BAD_JSON'],
  ['NaN', utf8.encode('{"v":NaN}'), 'BAD_JSON'],
  ['a byte order mark', utf8.encode('\ufeff{"v":1}'), 'BAD_JSON'],
  ['broken UTF-8', Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d), 'BAD_JSON'],
  ['a list at the top', utf8.encode('[1]'), 'BAD_JSON'],
  ['null at the top', utf8.encode('null'), 'BAD_JSON'],
  ['17 levels', utf8.encode(`{"a":${'['.repeat(16)}${']'.repeat(16)}}`), 'TOO_DEEP'],
  ['100,000 levels', utf8.encode(`{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`), 'TOO_DEEP'],
  ['__proto__', utf8.encode('{"__proto__":{"v":1}}'), 'FORBIDDEN_KEY'],
  ['__proto__, escaped and deep', utf8.encode('{"a":[{"\\u005f_proto__":1}]}'), 'FORBIDDEN_KEY'],
  ['one byte too many', utf8.encode(`{"a":"${'x'.repeat(MAX_MESSAGE_BYTES - 7)}"}`), 'TOO_LARGE'],
];

for (const [title, bytes, code] of REFUSED) {
  test(`decode JSON: ${title} is refused`, (t) => {
    t.is(t.throws(() => decodeJson(bytes), { instanceOf: Refused })?.code, code as Refused['code']);
    t.is(({} as Record<string, unknown>).v, undefined);
  });
}

test('decode JSON: of a repeated key the last one counts', (t) => {
  t.deepEqual(decodeJson(utf8.encode('{"v":1,"v":2}')), { v: 2 });
});

test('decode JSON: 16 levels and the largest message are read', (t) => {
  t.notThrows(() => decodeJson(utf8.encode(`{"a":${'['.repeat(15)}${']'.repeat(15)}}`)));
  t.notThrows(() => decodeJson(utf8.encode(`{"a":"${'x'.repeat(MAX_MESSAGE_BYTES - 8)}"}`)));
});

test('encode JSON: what no peer would read is not sent', (t) => {
  t.is(t.throws(() => encodeJson({ a: 'x'.repeat(MAX_MESSAGE_BYTES) }), { instanceOf: Refused })?.code, 'TOO_LARGE');
});

test('list budget: the smaller of message and server limit, less what surrounds the list', (t) => {
  t.is(listBudgetBytes(1 << 20), 524_288 - 4096);
  t.is(listBudgetBytes(65_536), 61_440);
  t.is(listBudgetBytes(16_384), 12_288);
  t.is(listBudgetBytes(8192), 4096);
  t.is(listBudgetBytes(6000), 3072);
  t.is(listBudgetBytes(4096), 3072);
  t.is(listBudgetBytes(1000), 0);
});

test('json: a number beyond all bounds is refused wherever it stands, for nobody could say it again', (t) => {
  const request = (spec: string) =>
    new TextEncoder().encode(`{"v":1,"upload":"u","part":0,"parts":1,"specs":[${spec}]}`);
  for (const spec of ['{"expires":1e999}', '{"a":[{"b":-1e400}]}', '1e309']) {
    const refused = t.throws(() => parseApplyRequest(request(spec)), { instanceOf: Refused });
    t.regex(refused.message, /beyond all bounds/);
  }
  t.notThrows(() => parseApplyRequest(request('{"expires":1e12,"name":"r1e999"}')));
});
