import test from 'ava';
import { layOut } from '../../../../cli/commands/dump.ts';
import type { DumpEntry } from '../../../../protocol/ask.ts';

const LONG = `drain-${'x'.repeat(54)}-11`;

function entry(name: string, more: Partial<DumpEntry> = {}): DumpEntry {
  const key = 'v4 udp 0.0.0.0/0:* > 203.0.113.10/32:443';
  const counted = { slot: 0, packets: '10000', bytes: '980000', seenMsAgo: 12 };
  return { key, name, rev: 1, state: 'installed', to: { nexthop: '10.0.0.7' }, ...counted, entry: null, ...more };
}

test('dump: a name of 63 characters is cut where the terminal is too narrow for it, and no line wraps', (t) => {
  const entries = [entry(LONG), entry('web', { state: 'blocked', code: 'NO_NEIGHBOUR' })];
  t.is(LONG.length, 63);
  for (const width of [80, 100]) {
    const lines = layOut(entries, { width, colour: false }).split('\n');
    for (const line of lines) t.true(line.length <= width, line);
    t.regex(lines[2] ?? '', /^drain-x+… +installed +10000 +980000 /);
    t.regex(lines[4] ?? '', /^web +blocked NO_NEIGHBOUR +10000 +980000 /);
    t.deepEqual([lines[3], lines[5]], Array(2).fill('  v4 udp 0.0.0.0/0:* > 203.0.113.10/32:443'));
  }
  t.regex(layOut(entries, { width: undefined, colour: false }), new RegExp(`${LONG} `), 'in a pipe it is whole');
  t.regex(layOut(entries, { width: 160, colour: false }), new RegExp(`${LONG} `), 'and where there is room');
});

test('dump: names that have room are never cut', (t) => {
  const name = 'drain-web-2-of-rack-12-b';
  const entries = [entry(name, { packets: '9'.repeat(20), bytes: '9'.repeat(20) }), entry('web')];
  t.true(layOut(entries, { width: 80, colour: false }).includes(`${name} `));
});
