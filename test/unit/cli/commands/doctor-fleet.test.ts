import test from 'ava';
import type { Level } from '../../../../agent/doctor/finding.ts';
import { judgeFleet } from '../../../../cli/commands/doctor.ts';
import { type HostItem, type HostsReply, parseHostsReply } from '../../../../protocol/listings.ts';
import { readFixture } from '../../protocol/messages.ts';

const NOW_MS = 1_700_000_000_000;
const [SAMPLE] = (parseHostsReply(readFixture('hosts-reply')) as HostsReply).items;
const { problem: _, bypass: __, undelivered: ___, passed: ____, notSent: _____, ...SOUND } = SAMPLE as HostItem;

function host(name: string, agoMs: number | null, more: Partial<HostItem> = {}): HostItem {
  return { ...SOUND, host: name, standing: 'ok', seenAt: agoMs === null ? null : NOW_MS - agoMs, ...more };
}

const well = host('well', 15_000);
const many = (make: (name: string, at: number) => HostItem): HostItem[] =>
  Array.from({ length: 150 }, (_none, at) => make(`edge-${at}`, at));

const FLEETS: Readonly<Record<string, readonly [fleet: readonly HostItem[], level: Level, found: RegExp]>> = {
  'nobody yet': [[], 'ok', /^answers; 0 hosts/],
  'one that is well': [[well], 'ok', /^answers; 1 host,/],
  'one that is silent': [[host('a', 61_000)], 'bad', /not heard any of its 1 host for a minute/],
  'all silent': [many((name) => host(name, 3_600_000)), 'bad', /not heard any of its 150 hosts/],
  'some silent, some never heard, nobody else': [[host('a', null), host('b', 90_000)], 'bad', /any of its 2 hosts/],
  'one whose agent has just ended, of two': [
    [well, host('a', 5_000, { ended: true })],
    'warn',
    /of 2 hosts 1 in trouble \(a\)$/,
  ],
  'one silent of two': [[well, host('a', 61_000)], 'warn', /of 2 hosts 1 in trouble \(a\), 1 of them not heard/],
  'one never heard of two': [[well, host('a', null)], 'warn', /^answers; of 2 hosts 1 never heard \(a\)$/],
  'one never heard, one silent, of three': [
    [well, host('a', null), host('b', 61_000)],
    'warn',
    /^answers; of 3 hosts 1 in trouble \(b\), 1 of them not heard for a minute or more; 1 never heard \(a\)$/,
  ],
  'only the last of many silent': [
    many((name, at) => host(name, at === 149 ? 61_000 : 1000)),
    'warn',
    /of 150 hosts 1 in trouble \(edge-149\)/,
  ],
  bypassed: [[well, host('a', 5, { bypass: true })], 'warn', /1 in trouble \(a\)$/],
  'of another history': [[well, host('a', 5, { standing: 'lost' })], 'warn', /1 in trouble \(a\)$/],
  'with a problem': [[host('a', 5, { problem: 'STORE_UNWRITABLE' })], 'warn', /1 in trouble \(a\)$/],
  'that delivers not': [
    [host('a', 5, { undelivered: 1 }), host('b', 5, { passed: 2 })],
    'warn',
    /2 in trouble \(a,b\)$/,
  ],
};

for (const [title, [fleet, level, found]] of Object.entries(FLEETS)) {
  test(`doctor: a fleet, ${title}, is ${level}`, (t) => {
    const finding = judgeFleet(fleet, NOW_MS);
    t.is(finding.level, level);
    t.regex(finding.found, found);
    t.is(finding.mend !== undefined, level !== 'ok');
  });
}
