import test from 'ava';
import { Misuse, parseWords } from '../support/arguments.ts';

const OPTIONS = {
  runs: { takes: 'number', from: 1, to: 99, default: 3 },
  most: { takes: 'number', from: 1, to: 99 },
  bits: { takes: 'nothing' },
  output: { takes: 'word', short: 'o', of: ['table', 'json'], default: 'table' },
} as const;
const NONE = { runs: 3, most: undefined, bits: false, output: 'table', help: false };

test('arguments: options have their values, or their defaults', (t) => {
  const cases: readonly (readonly [words: readonly string[], values: object])[] = [
    [[], {}],
    [['--runs', '9', '--bits'], { runs: 9, bits: true }],
    [['--runs=09', '-o', 'json'], { runs: 9, output: 'json' }],
    [['-ojson', '--most', '1'], { output: 'json', most: 1 }],
  ];
  for (const [words, values] of cases) {
    const given = parseWords('tool', words, OPTIONS);
    t.deepEqual({ ...given.values }, { ...NONE, ...values }, words.join(' '));
    t.false(given.help);
  }
  t.true(parseWords('tool', ['--runs', '1', '-h'], OPTIONS).help);
  t.deepEqual(parseWords('tool', ['a', '--bits', 'b'], OPTIONS, 'operands').operands, ['a', 'b']);
});

test('arguments: what is not understood is refused in a sentence', (t) => {
  const cases: readonly (readonly [words: readonly string[], message: string])[] = [
    [['--runs'], '--runs: expected a number from 1 to 99'],
    ...['0', '100', '-1', '1.5', '1e1', '0x1', 'many', '', ' 1', '9'.repeat(400)].map(
      (text) => [[`--runs`, text], `--runs ${text}: expected a number from 1 to 99`] as const,
    ),
    [['--bits=1'], '--bits takes no value'],
    [['-o', 'xml'], '-o xml: expected table or json'],
    [['-o'], '-o: expected table or json'],
    [['--rnus', '1'], 'there is no option --rnus; see ./dev tool --help'],
    [['-x'], 'there is no option -x; see ./dev tool --help'],
    [['--constructor'], 'there is no option --constructor; see ./dev tool --help'],
    [['now'], '"now" is not expected; see ./dev tool --help'],
    [['--', '--runs'], '"--runs" is not expected; see ./dev tool --help'],
  ];
  for (const [words, message] of cases)
    t.throws(() => parseWords('tool', words, OPTIONS), { instanceOf: Misuse, message }, words.join(' '));
});
