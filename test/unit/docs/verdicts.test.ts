import test from 'ava';
import { VERDICTS } from '../../../agent/kernel/abi.ts';
import { read } from './pages.ts';

test('operations page: every verdict has its line, at its index', (t) => {
  const lines = [...read('docs/operations.md').matchAll(/^\| (\d+) \| `([A-Z_]+)` \| .+ \|$/gm)];
  t.deepEqual(
    lines.map(([, index, name]) => [Number(index), name]),
    [...VERDICTS.entries()],
  );
});
