import { stripVTControlCharacters } from 'node:util';
import test from 'ava';
import { fields, table } from '../../../../cli/show/table.ts';

const COLUMNS = [{ title: 'NAME' }, { title: 'REV', align: 'right' as const }, { title: 'KEY' }];
const ROWS = [
  ['web', '7', 'v4 udp 198.51.100.0/24:* > 203.0.113.10/32:443'],
  ['dns-of-the-lab', '12', 'v6 any [::/0]:* > [2001:db8::1/128]:*'],
];
const PIPE = { width: undefined, colour: false };

test('table: columns are aligned, numbers to the right, without trailing space', (t) => {
  t.is(
    table(COLUMNS, ROWS, PIPE),
    [
      'NAME            REV  KEY',
      'web               7  v4 udp 198.51.100.0/24:* > 203.0.113.10/32:443',
      'dns-of-the-lab   12  v6 any [::/0]:* > [2001:db8::1/128]:*',
    ].join('\n'),
  );
});

test('table: the widest column is cut on a narrow terminal, and every line fits', (t) => {
  const lines = table(COLUMNS, ROWS, { width: 40, colour: false }).split('\n');
  t.deepEqual(lines, [
    'NAME            REV  KEY',
    'web               7  v4 udp 198.51.100.…',
    'dns-of-the-lab   12  v6 any [::/0]:* > …',
  ]);
});

test('table: no column of text is cut below eight, and no number ever; where that does not help nothing is', (t) => {
  t.is(table(COLUMNS, ROWS, { width: 23, colour: false }).split('\n')[2], 'dns-of-…   12  v6 any …');
  t.is(table(COLUMNS, ROWS, { width: 22, colour: false }), table(COLUMNS, ROWS, PIPE));
});

test('table: a column that may stand below is never cut: where lines do not fit, it has its own', (t) => {
  const columns = [{ title: 'KEY', below: true }, ...COLUMNS.slice(0, 2)];
  const rows = ROWS.map(([name = '', rev = '', key = '']) => [key, name, rev]);
  t.is(table(columns, rows, { width: 67, colour: false }), table(columns, rows, PIPE));
  t.deepEqual(table(columns, rows, { width: 15, colour: false }).split('\n'), [
    'NAME        REV',
    '  KEY',
    'web           7',
    '  v4 udp 198.51.100.0/24:* > 203.0.113.10/32:443',
    'dns-of-th…   12',
    '  v6 any [::/0]:* > [2001:db8::1/128]:*',
  ]);
});

test('table: a long name shifts its own row on a narrow terminal, and is whole', (t) => {
  const columns = [{ title: 'NAME', whole: true }, { title: 'TO' }, { title: 'REV', align: 'right' as const }];
  const long = 'a-name-of-forty-characters-that-is-allowed';
  const rows = [
    ['web', '10.0.0.7', '7'],
    [long, '10.0.0.8', '12'],
  ];
  t.deepEqual(table(columns, rows, { width: 44, colour: false }).split('\n'), [
    'NAME                      TO        REV',
    'web                       10.0.0.7    7',
    `${long}  10.0.0.8   12`,
  ]);
});

test('table: a long cell that is never cut shifts no row where text gives way to it', (t) => {
  const whole = 'blocked NO_INTERFACE on 12';
  const rows = [
    ['eth9 02:00:00:00:00:09', whole],
    ['drop', 'installed'],
  ];
  const lines = table([{ title: 'TO' }, { title: 'STATE', whole: true }], rows, { width: 46, colour: false }).split(
    '\n',
  );
  t.deepEqual(lines, ['TO                  STATE', `eth9 02:00:00:00:…  ${whole}`, 'drop                installed']);
});

test('table: what a peer says does not command the terminal', (t) => {
  t.is(table([{ title: 'NAME' }], [['a\x1b[2J\u009b1m\u202eb']], PIPE), 'NAME\na [2J 1m b');
});

test('table: a fleet of redirects is laid out, too', (t) => {
  const rows = Array.from({ length: 200_000 }, (_, at) => [`r-${at}`]);
  t.is(
    table([{ title: 'NAME' }], rows, PIPE).length,
    'NAME'.length + rows.reduce((sum, [name = '']) => sum + 1 + name.length, 0),
  );
});

test('table: without rows only the titles stand', (t) => {
  t.is(table(COLUMNS, [], PIPE), 'NAME  REV  KEY');
});

test('table: colours change no alignment', (t) => {
  const rows = [[{ text: 'a', tone: 'bad' as const }, '1', 'x']];
  const painted = table(COLUMNS, rows, { width: undefined, colour: true });
  t.true(painted.includes('\x1b[31ma\x1b[0m'));
  t.is(stripVTControlCharacters(painted), table(COLUMNS, rows, PIPE));
});

test('fields: values stand in one column', (t) => {
  t.is(
    fields(
      [
        ['host', 'b'],
        ['labels', { text: 'role=edge' }],
      ],
      PIPE,
    ),
    'host    b\nlabels  role=edge',
  );
});
