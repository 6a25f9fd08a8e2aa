import test from 'ava';
import { caveat, frame, heading, rows, sums } from '../../../../cli/top/lay-out.ts';
import type { View } from '../../../../cli/top/view.ts';
import { encodeTopReply, SERIES_POINTS, type TopItem, type TopReply } from '../../../../protocol/top.ts';

const AT = Date.UTC(2026, 10, 29, 14, 3, 22);
const FLEET: View = { sort: 'packets', of: 'fleet', filter: '' };

function series(...last: readonly (number | null)[]): readonly (number | null)[] {
  return [...Array(SERIES_POINTS - last.length).fill(null), ...last];
}

function item(name: string, packets: number | null, more: Partial<TopItem> = {}): TopItem {
  const bytes = packets === null ? null : packets * 700;
  return { name, packets, bytes, passed: packets === null ? null : 0, series: series(1, 2, packets), ...more };
}

function reply(items: readonly TopItem[], more: Partial<TopReply> = {}): TopReply {
  const told: TopReply = {
    ...{ v: 1, at: AT, since: AT - 600_000, everyMs: 15_000, hosts: 33, hostsKnown: 32, lost: 12 },
    ...{ verdicts: { SENT: 20_000, SENT_BACK: 400, DROPPED: 7, NO_MATCH: 1_200_000, TTL: 80 } },
    ...{ items, total: items.length, ...more },
  };
  encodeTopReply(told);
  return told;
}

const ROWS = [
  item('drain-web-2', 20_064.2, { passed: 80.2, state: 'passed', code: 'HITS_PASSED', stateHosts: 2 }),
  item('drain-db', 0.07, { state: 'blocked', code: 'NO_NEIGHBOUR', stateHosts: 1 }),
  item('quiet', 0, { series: series(0, 0, 0) }),
  item('unheard', null, { state: 'silent', stateHosts: 1 }),
];

test('top: rows of 80 columns; what is not known is no 0, and the line of five minutes is half as long', (t) => {
  t.deepEqual(rows(reply(ROWS), { width: 80, colour: false }).split('\n'), [
    'NAME         PKT/S  BYTE/S  PASSED/S  STATE                      5 MINUTES',
    'drain-web-2    20k     14M        80  HITS_PASSED on 2                   ▁█',
    'drain-db      0.07      49         0  blocked NO_NEIGHBOUR on 1          ▅█',
    'quiet            0       0         0                                     ··',
    'unheard          -       -         -  silent on 1                        ▅█',
  ]);
  t.regex(rows(reply(ROWS), { width: undefined, colour: false }), /\n {0}drain-web-2 .* {17}▁▁█\n/);
});

test('top: on a narrow terminal what people need least gives way, and the rate stays', (t) => {
  const titles = (width: number) => rows(reply(ROWS), { width, colour: false }).split('\n')[0]?.split(/ {2,}/);
  t.deepEqual(titles(50), ['NAME', 'PKT/S', 'BYTE/S', 'PASSED/S', 'STATE']);
  t.deepEqual(titles(40), ['NAME', 'PKT/S', 'PASSED/S', 'STATE']);
  t.deepEqual(titles(10), ['NAME', 'PKT/S']);
});

test('top: a row for each host names it, and says of it alone what is wrong', (t) => {
  const split = [item('web', 3, { host: 'edge-7', state: 'undelivered', code: 'UNDELIVERED', stateHosts: 1 })];
  t.deepEqual(rows(reply(split), { width: 80, colour: false }).split('\n'), [
    'NAME  HOST    PKT/S  BYTE/S  PASSED/S  STATE        5 MINUTES',
    'web   edge-7      3    2.1k         0  UNDELIVERED          ▃█',
  ]);
});

test('top: the sums by what became of packets, and whose they are', (t) => {
  t.is(sums(reply([])), 'seen 1.2M   redirected 20k   dropped 7   passed 1.2M   lost after that 12');
  t.regex(sums(reply([], { lost: null })), /lost after that -$/);
  t.is(heading(reply(ROWS), FLEET), '33 hosts, 32 with rates: 4 redirects');
  t.is(heading(reply(ROWS, { total: 1_000 }), FLEET), '33 hosts, 32 with rates: 1000 redirects, the first 4');
  const one = reply(ROWS, { hosts: 1, hostsKnown: 1 });
  t.is(heading(one, { ...FLEET, of: 'host', host: 'edge-7' }), 'host edge-7: 4 redirects');
  t.is(heading(one, { ...FLEET, of: 'each' }), '1 host: 4 redirects by host');
});

test('top: what keeps it from being all is said', (t) => {
  t.is(caveat(reply(ROWS), FLEET), undefined);
  t.is(
    caveat(reply([], { since: AT - 12_000 }), FLEET),
    'the controller has listened for 12s; hosts tell rates every 15 s',
  );
  t.is(caveat(reply([], { hosts: 0, hostsKnown: 0 }), FLEET), 'no host was heard within five minutes');
  const edge = caveat(reply([], { hosts: 0, hostsKnown: 0 }), { ...FLEET, of: 'host', host: 'edge-9' });
  t.is(edge, 'no status of edge-9 came within five minutes');
  t.regex(String(caveat(reply([], { hostsKnown: 0 }), FLEET)), /^no host told its rates within 45 s/);
});

test('top: a screen is as high and no wider than the terminal, keys below, and what is wrong on top', (t) => {
  const many = reply(Array.from({ length: 99 }, (_, at) => item(`r${at}`, 99 - at)));
  for (const [columns, height] of [
    [80, 24],
    [200, 60],
    [20, 5],
    [80, 3],
    [10, 1],
  ] as const) {
    const lines = frame(many, FLEET, { columns, rows: height, colour: false });
    t.is(lines.length, height);
    if (columns >= 80) t.true(lines.every((line) => line.length <= columns));
    t.regex(String(lines.at(-1)), /^p packets/);
  }
  const lines = frame(reply(ROWS), FLEET, { columns: 80, rows: 24, colour: false });
  t.is(lines[0], `${'33 hosts, 32 with rates: 4 redirects   by packets'.padEnd(71)}14:03:22Z`);
  t.is(lines[2], '');
  t.is(lines[4]?.slice(0, 11), 'drain-web-2');
  const filtered = { ...FLEET, filter: 'web', writing: 'web-' };
  const written = frame(reply(ROWS), filtered, { columns: 80, rows: 24, colour: false }, 'no answer\x1b[2J');
  t.regex(String(written[0]), / filter web /);
  t.is(written[2], 'no answer [2J');
  t.is(written[23], 'filter: web-_');
});
