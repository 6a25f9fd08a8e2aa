import test from 'ava';
import { redirectTable } from '../../../../cli/show/redirect-table.ts';
import type { GetItem } from '../../../../protocol/listings.ts';

const NOW = 1_790_000_000_000;

function item(name: string, rate?: GetItem['rate']): GetItem {
  return {
    spec: { name, hosts: 'all', enabled: true, match: { src: '0.0.0.0/0', dst: '203.0.113.10/32' }, to: 'drop' },
    ...{ hosts: ['a', 'b'], hostsTotal: 2, shadowed: [], shadowedTotal: 0, rev: 1 },
    ...(rate !== undefined && { rate }),
    live: { hosts: 2, total: 2, states: [{ state: 'installed', total: 2, hosts: ['a', 'b'] }] },
    since: NOW - 60_000,
  };
}

test('get: PKT/S is the sum over hosts, at least so much where one is not known, and never 0 where none is', (t) => {
  const rows = [
    item('busy', { packets: 20_064.2, bytes: 1, hosts: 2 }),
    item('part', { packets: 3.5, bytes: 1, hosts: 1 }),
    item('quiet', { packets: 0, bytes: 0, hosts: 2 }),
    item('unknown'),
  ];
  const lines = redirectTable(rows, NOW, { width: undefined, colour: false }).split('\n');
  const at = lines[0]?.indexOf('PKT/S') ?? -1;
  t.deepEqual(
    lines.slice(0, 5).map((line) => line.slice(at, at + 5).trim()),
    ['PKT/S', '20k', '≥3.5', '0', '-'],
  );
});
