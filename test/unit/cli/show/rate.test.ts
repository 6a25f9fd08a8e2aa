import test from 'ava';
import { atLeast, rateText, sparkline } from '../../../../cli/show/rate.ts';

test('rates: some digits, and what is more than nothing is no 0', (t) => {
  const rates: [number, string][] = [
    ...([
      [0, '0'],
      [0.001, '<0.01'],
      [0.036, '0.04'],
      [0.094, '0.09'],
      [0.1, '0.1'],
      [1, '1'],
      [3.46, '3.5'],
    ] as const),
    ...([
      [9.96, '10'],
      [120.4, '120'],
      [999.6, '1k'],
      [1_234, '1.2k'],
      [20_064, '20k'],
      [999_600, '1M'],
      [3.4e9, '3.4G'],
    ] as const),
  ].map(([rate, text]) => [rate, text]);
  for (const [rate, text] of rates) t.is(rateText(rate), text);
  for (let rate = 1e-4; rate < 1e15; rate *= 1.01) t.true(rateText(rate).length <= 5, `${rate}`);
});

test('rates: what is known of some hosts alone is said so', (t) => {
  t.is(atLeast('1.2k', true), '≥1.2k');
  t.is(atLeast('0', false), '0');
});

test('sparkline: as high as its highest; nothing is a dot, and what is not known a space', (t) => {
  t.is(sparkline([null, 0, 1, 50, 100, null]), ' ·▁▅█ ');
  t.is(sparkline([null, null]), '  ');
  t.is(sparkline([0, 0]), '··');
  t.is(sparkline([]), '');
});
