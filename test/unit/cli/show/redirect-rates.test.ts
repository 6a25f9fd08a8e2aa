import test from 'ava';
import { redirectTable } from '../../../../cli/show/redirect-table.ts';
import type { GetItem } from '../../../../protocol/listings.ts';
import type { LiveGroup } from '../../../../protocol/live.ts';

const NOW = 1_790_000_000_000;
const INSTALLED: LiveGroup = { state: 'installed', total: 2, hosts: ['a', 'b'] };

function item(name: string, rate?: GetItem['rate'], states: readonly LiveGroup[] = [INSTALLED]): GetItem {
  return {
    spec: { name, hosts: 'all', enabled: true, match: { src: '0.0.0.0/0', dst: '203.0.113.10/32' }, to: 'drop' },
    ...{ hosts: ['a', 'b'], hostsTotal: 2, shadowed: [], shadowedTotal: 0, rev: 1 },
    ...(rate !== undefined && { rate }),
    live: { hosts: 2, total: 2, states },
    since: NOW - 60_000,
  };
}

/** The column PKT/S. */
function ratesOf(...rows: readonly GetItem[]): readonly string[] {
  const lines = redirectTable(rows, NOW, { width: undefined, colour: false }).split('\n');
  const at = lines[0]?.indexOf('PKT/S') ?? -1;
  return lines.slice(0, rows.length + 1).map((line) => line.slice(at, at + 5).trim());
}

test('get: PKT/S is the sum over hosts, at least so much where one is not known, and never 0 where none is', (t) => {
  const rates = ratesOf(
    item('busy', { packets: 20_064.2, bytes: 1, hosts: 2 }),
    item('part', { packets: 3.5, bytes: 1, hosts: 1 }),
    item('quiet', { packets: 0, bytes: 0, hosts: 2 }),
    item('unknown'),
  );
  t.deepEqual(rates, ['PKT/S', '20k', '≥3.5', '0', '-']);
});

test('get: PKT/S is at least so much while a host is held: without a store it does not know whose packets it has', (t) => {
  const held = (code: string): readonly LiveGroup[] => [
    { state: 'held', code, total: 1, hosts: ['a'] },
    { state: 'installed', total: 1, hosts: ['b'] },
  ];
  const rates = ratesOf(
    item('busy', { packets: 20_064.2, bytes: 1, hosts: 2 }, held('ADOPTING')),
    item('quiet', { packets: 0, bytes: 0, hosts: 2 }, held('FOREIGN_EPOCH')),
    item('other', { packets: 3.5, bytes: 1, hosts: 2 }),
    item('unknown', undefined, held('ADOPTING')),
  );
  t.deepEqual(rates, ['PKT/S', '≥20k', '≥0', '3.5', '-']);
});
