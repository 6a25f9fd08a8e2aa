import test from 'ava';
import { adviceFor } from '../../../../agent/attach/large.ts';

const CASES: readonly (readonly [kind: string | null, mode: 'native' | 'generic', mend: RegExp | undefined])[] = [
  ['veth', 'generic', /tx off/],
  ['veth', 'native', /tx off/],
  ['tun', 'generic', /tx off/],
  ['tun', 'native', /tx off/],
  ['bridge', 'generic', /gro off/],
  ['vlan', 'generic', /gro off/],
  ['bond', 'generic', /gro off/],
  ['bond', 'native', undefined],
  [null, 'generic', undefined],
  [null, 'native', undefined],
];

for (const [kind, mode, mend] of CASES) {
  test(`advice: ${kind ?? 'hardware'} in ${mode} mode ${mend === undefined ? 'needs none' : `is told ${mend.source}`}`, (t) => {
    const advice = adviceFor({ kind }, mode);
    if (mend === undefined) t.is(advice, undefined);
    else t.regex(advice?.mend ?? '', mend);
  });
}
