import test from 'ava';
import fc from 'fast-check';
import { formatGate, type Gate, parseGate, readGates } from '../../../protocol/gate.ts';

const RIGHT: readonly (readonly [string, Gate])[] = [
  ['verified>=100%', { kind: 'verified', atLeastPercent: 100 }],
  ['verified>=97.5%', { kind: 'verified', atLeastPercent: 97.5 }],
  ['exceptions<=0', { kind: 'exceptions', atMost: 0 }],
  ['hits>=100', { kind: 'hits', atLeast: 100 }],
  ['losses<=0.1%', { kind: 'losses', atMostPercent: 0.1 }],
  ['losses<=0.0001%', { kind: 'losses', atMostPercent: 0.0001 }],
  ['drops<=10%', { kind: 'drops', atMostPercent: 10 }],
  ['external', { kind: 'external' }],
];

test('gates: each is read, and written as it was', (t) => {
  for (const [text, gate] of RIGHT) {
    t.deepEqual(parseGate(text), gate);
    t.is(formatGate(gate), text);
  }
  t.is(formatGate(parseGate('losses<=0.10%')), 'losses<=0.1%');
});

const WRONG: readonly (readonly [string, RegExp])[] = [
  ['', /expected verified>=100%, exceptions<=0/],
  ['hit>=1', /did you mean hits\?/],
  ['loses<=1%', /did you mean losses\?/],
  ['hits<=1', /such as hits>=100/],
  ['hits>1', /such as hits>=100/],
  ['hits', /such as hits>=100/],
  ['hits>=1%', /such as hits>=100/],
  ['hits>=1.5', /whole number/],
  ['losses<=1', /such as losses<=0.1%/],
  ['losses>=1%', /such as losses<=0.1%/],
  ['losses<=0%', /0.0001 to 100 percent/],
  ['losses<=0.00001%', /0.0001 to 100 percent/],
  ['losses<=1e1%', /expected verified/],
  ['verified>=101%', /0.0001 to 100 percent/],
  ['verified>=0%', /0.0001 to 100 percent/],
  ['external>=1', /such as external/],
  ['constructor>=1', /expected verified/],
];

test('gates: what is none is refused with what was meant', (t) => {
  for (const [text, message] of WRONG) t.throws(() => parseGate(text), { code: 'BAD_FIELD', message }, text);
});

test('gates: a list has one of a kind, and is never empty', (t) => {
  t.deepEqual(readGates(['hits>=5', 'external'], 'gates'), ['hits>=5', 'external']);
  t.throws(() => readGates(['hits>=5', 'hits>=6'], 'gates'), { code: 'BAD_FIELD', message: /hits stands there twice/ });
  t.throws(() => readGates([], 'gates'), { code: 'BAD_FIELD' });
  t.throws(() => readGates([5], 'gates'), { code: 'BAD_FIELD' });
});

test('gates: whatever is read is written so that it reads back the same', (t) => {
  const percent = fc.integer({ min: 1, max: 1_000_000 }).map((tenThousandths) => tenThousandths / 10_000);
  const gate = fc.oneof<fc.Arbitrary<Gate>[]>(
    percent.map((atLeastPercent) => ({ kind: 'verified', atLeastPercent })),
    fc.nat().map((atMost) => ({ kind: 'exceptions', atMost })),
    fc.nat().map((atLeast) => ({ kind: 'hits', atLeast })),
    fc
      .tuple(fc.constantFrom('losses' as const, 'drops' as const), percent)
      .map(([kind, atMostPercent]) => ({ kind, atMostPercent })),
  );
  t.notThrows(() => fc.assert(fc.property(gate, (one) => t.deepEqual(parseGate(formatGate(one)), one))));
});
