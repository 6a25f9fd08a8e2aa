import test from 'ava';
import { expiryHint } from '../../../../cli/specs/expiry.ts';
import { prepareSpecs } from '../../../../cli/specs/prepare.ts';

const NOW_MS = Date.UTC(2026, 0, 31, 12, 0, 0) - 1;
const plain = (more: string) => `- { name: a, hosts: all, match: { dst: 203.0.113.10 }, to: drop${more} }\n`;

async function prepare(redirects: string, expiresInMs?: number) {
  return prepareSpecs([{ name: 'x.yaml', bytes: Buffer.from(`redirects:\n${redirects}`) }], {
    nowMs: NOW_MS,
    expiresInMs,
  });
}

test('expires: a time from now on is refused with the time to write', async (t) => {
  const { problems } = await prepare(plain(', expires: in 2h'));
  t.is(problems.length, 1);
  t.like(problems[0], { line: 2, code: 'BAD_TIME', path: 'redirects[0].expires' });
  t.regex(
    problems[0]?.message ?? '',
    /not "in 2h"; write 2026-01-31T14:00:00Z, or leave it out and give --expires-in$/,
  );
});

const MEANT: Readonly<Record<string, string>> = {
  '2h': '2026-01-31T14:00:00Z',
  '+30m': '2026-01-31T12:30:00Z',
  'in 2 days': '2026-02-02T12:00:00Z',
  '90 Minutes from now': '2026-01-31T13:30:00Z',
  'now + 10s': '2026-01-31T12:00:10Z',
  'after 1w': '2026-02-07T12:00:00Z',
};

for (const [written, at] of Object.entries(MEANT)) {
  test(`expires: ${written} is answered with ${at}`, (t) =>
    t.true(expiryHint(written, { nowMs: NOW_MS }).includes(at)));
}

const NUMBERS: Readonly<Record<string, string>> = {
  '1798675200': 'in seconds; write 2026-12-31T00:00:00Z',
  '"1798675200"': 'write 2026-12-31T00:00:00Z',
  '1798675200000000': 'in microseconds; write 2026-12-31T00:00:00Z',
  '1798675200000000000': 'in nanoseconds; write 2026-12-31T00:00:00Z',
  '20261231': 'write 2026-12-31T00:00:00Z',
  '7200': 'counts milliseconds since 1970',
  '-1': 'expected',
  '0': 'leave it out for one that stays',
  never: 'leave it out for one that stays',
};

for (const [written, hint] of Object.entries(NUMBERS)) {
  test(`expires: the number ${written} in a file is refused once, with ${hint}`, async (t) => {
    const { problems, specs } = await prepare(plain(`, expires: ${written}`));
    t.is(problems.length, 1);
    t.is(specs.length, 0);
    t.like(problems[0], { line: 2, path: 'redirects[0].expires' });
    t.true(problems[0]?.message.includes(hint), problems[0]?.message);
  });
}

test('expires: milliseconds of this century are taken, as get -o json writes them, also in JSON lines', async (t) => {
  const { problems, specs } = await prepare(plain(', expires: 1798675200000'));
  t.deepEqual([problems.length, specs[0]?.json.expires], [0, 1_798_675_200_000]);
  const line = '{"name":"a","hosts":"all","match":{"dst":"203.0.113.10"},"to":"drop","expires":1798675200}';
  const lines = await prepareSpecs([{ name: 'x.jsonl', bytes: Buffer.from(line) }], { nowMs: NOW_MS });
  t.regex(lines.problems[0]?.message ?? '', /write 2026-12-31T00:00:00Z/);
});

for (const written of ['soon', '2 months', 'in', '', 7, null, '99999999999999h']) {
  test(`expires: ${written} is answered with no time`, (t) => t.is(expiryHint(written, { nowMs: NOW_MS }), ''));
}

test('expires-in: what says when it ends keeps that, and all else ends so long from now', async (t) => {
  const { specs } = await prepare(
    plain('') + plain(', expires: 2030-01-01T00:00:00Z').replace('name: a', 'name: b'),
    7_200_000,
  );
  t.deepEqual(
    specs.map(({ json }) => json.expires),
    [Date.UTC(2026, 0, 31, 14), Date.UTC(2030, 0, 1)],
  );
});
