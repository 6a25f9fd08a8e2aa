import test from 'ava';
import { layOut } from '../../../../cli/commands/history.ts';
import type { HistoryItem } from '../../../../protocol/history.ts';

const PIPE = { width: undefined, colour: false };

function item(verb: string, hosts: number, redirects: number): HistoryItem {
  return { change: '5c1d', verb, made: 1_790_000_000_000, hosts, redirects };
}

test('history: a history that was begun anew has no hosts that are counted: each takes its set when it is heard', (t) => {
  const rows = layOut([item('recover', 0, 0), item('delete', 0, 1), item('apply', 3, 2)], PIPE).split('\n');
  const at = (rows[0]?.indexOf('HOSTS') ?? 0) + 'HOSTS'.length;
  t.deepEqual(
    rows.map((row) => row.slice(0, at).split(' ').at(-1)),
    ['HOSTS', '-', '0', '3'],
  );
});
