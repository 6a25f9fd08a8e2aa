import type { SpecsDamage } from '../../protocol/damage.ts';
import type { HostItem } from '../../protocol/listings.ts';
import { Bus } from '../client.ts';
import { chosenBy, readFleet } from '../fleet.ts';
import { command } from '../line/command.ts';
import { EXIT } from '../line/failure.ts';
import { BUS_OPTIONS } from '../line/options.ts';
import { damageText } from '../show/damage.ts';
import { healthOf, type Sum, sumOf, sumText } from '../show/fleet-health.ts';
import { ageText, labelsText } from '../show/format.ts';
import { type Cell, type Column, table } from '../show/table.ts';
import { fill, paint } from '../show/terminal.ts';

const COLUMNS: readonly Column[] = [
  { title: 'HOST', whole: true },
  { title: 'LABELS' },
  { title: 'SEEN' },
  { title: 'STORED', align: 'right' },
  { title: 'APPLIED', align: 'right' },
  { title: 'VERIFIED', align: 'right' },
  { title: 'INSTALLED', align: 'right' },
  { title: 'EXCEPTIONS', align: 'right' },
];
const NARROW: readonly Column[] = [
  { title: 'HOST', whole: true },
  { title: 'SEEN' },
  { title: 'STORED', align: 'right' },
  { title: 'INSTALLED', align: 'right' },
  { title: 'EXC', align: 'right' },
  { title: 'LABELS, TROUBLE', below: true, prose: true },
];
/** Only where a host has some. */
const IDLE: Column = { title: 'IDLE', align: 'right' };
/** Only where hosts run several. */
const VERSION: Column = { title: 'VERSION' };
/** Only where some host is not as it should be. */
const TROUBLE: Column = { title: 'TROUBLE', below: true, prose: true };

export const hosts = command({
  synopsis: '[-l LABELS] [--troubled] [--exit-code]',
  about: `Shows every host that the controller knows, as the host last said: the revision that it has stored, of those made for it
(head), applied to its kernel and read back from it (verified), and the redirects installed, of those desired. Where something is
wrong, TROUBLE says what, and of which redirects: shunt explain NAME, shunt status and shunt doctor say more. A host says how it
is every 15 s, and is silent when it was not heard for a minute. VERSION is there where hosts run several. Below the table stands
how many are well, and what is missing from the controller's own database, if anything is. With -l only hosts that have all the
labels are shown and counted; with --troubled only those that are not well. With --exit-code, the exit status is 3 where not all
of them are well.

With -o json, \`state\` says how each is: ok, troubled, silent (one that ended, too), unheard (never) or behind (not up to date);
\`trouble\` is what TROUBLE says. \`standing\` is its history alone: ok also of a host that nobody hears.`,
  examples: [
    'shunt hosts',
    'shunt hosts -l role=edge,zone=a --troubled',
    'shunt hosts --exit-code',
    'shunt hosts forget edge-9',
  ],
  options: ['selector', 'troubled', 'exit-code', ...BUS_OPTIONS],
  helps: { 'exit-code': 'end with 3 where not all are well' },
  async run({ options, terminal }) {
    await using bus = await Bus.open(options);
    const { items: all, damage, nowMs } = await readFleet(bus, terminal);
    const chosen = chosenBy(options.selector, all);
    const sum = sumOf(chosen, nowMs);
    const items = options.troubled ? chosen.filter((item) => healthOf(item, nowMs).state !== 'ok') : chosen;
    const exit = options['exit-code'] && sum.ok < sum.hosts ? EXIT.unfinished : EXIT.done;
    if (options.output === 'json') {
      const told = items.map((item) => ({ ...item, ...healthOf(item, nowMs) }));
      terminal.print(JSON.stringify({ items: told, sum, ...(damage !== undefined && { damage }) }));
      return exit;
    }
    const listed = items.length > 0 ? [layOut(items, nowMs, terminal), ''] : [];
    const none = all.length === 0 ? 'no hosts' : sumText(sum);
    terminal.print([...listed, ...sumLine(sum, none, terminal), ...damageLines(damage, terminal)].join('\n'));
    return exit;
  },
});

function sumLine({ hosts, ok }: Sum, text: string, terminal: Parameters<typeof paint>[0]): readonly string[] {
  return [paint(terminal, ok === hosts ? undefined : 'warn', text)];
}

function damageLines(damage: SpecsDamage | undefined, terminal: Parameters<typeof table>[2]): readonly string[] {
  if (damage === undefined) return [];
  const { found, mend } = damageText(damage);
  const room = (terminal.width ?? Number.POSITIVE_INFINITY) - 2;
  return ['', ...fill(found, room).map((line) => paint(terminal, 'bad', line)), ...fill(`→ ${mend}`, room)];
}

function layOut(items: readonly HostItem[], nowMs: number, terminal: Parameters<typeof table>[2]): string {
  const troubles = items.map((item) => healthOf(item, nowMs).trouble);
  const versions = versionsOf(items);
  const extra = [
    ...(new Set(versions.filter((version) => version !== '')).size > 1 ? [VERSION] : []),
    ...(items.some(({ idle = 0 }) => idle > 0) ? [IDLE] : []),
    ...(troubles.some((trouble) => trouble !== '') ? [TROUBLE] : []),
  ];
  const columns = [...COLUMNS, ...extra];
  const rows = items.map((item, at) => [
    ...row(item, nowMs),
    ...extra.map((column): Cell => {
      if (column === VERSION) return versions[at] ?? '';
      return column === IDLE ? String(item.idle ?? 0) : { text: troubles[at] ?? '', tone: 'bad' };
    }),
  ]);
  const wide = table(columns, rows, { ...terminal, colour: false });
  const width = terminal.width ?? Number.POSITIVE_INFINITY;
  if (wide.split('\n').some((line) => line.length > width))
    return layNarrow(items, { versions: extra.includes(VERSION) ? versions : [], troubles }, nowMs, terminal);
  return table(columns, rows, terminal);
}

/** Where all columns do not fit: what is as it should be is left out, and what has no room stands below its row. */
function layNarrow(
  items: readonly HostItem[],
  { versions, troubles }: { readonly versions: readonly string[]; readonly troubles: readonly string[] },
  nowMs: number,
  terminal: Parameters<typeof table>[2],
): string {
  const rows = items.map((item, at): Cell[] => {
    const { labels, stored, applied, verified, idle = 0 } = item;
    const [host = '', , seen = '', ofHead = '', , , installed = '', exceptions = ''] = row(item, nowMs);
    const more = [
      labelsText(labels),
      applied < stored && `applied ${applied}`,
      verified < stored && `verified ${verified}`,
      idle > 0 && `${idle} idle`,
      versions[at],
      troubles[at],
    ];
    const below = { text: more.filter(Boolean).join(', '), tone: troubles[at] === '' ? undefined : ('bad' as const) };
    return [host, seen, ofHead, installed, exceptions, below];
  });
  return table(NARROW, rows, terminal);
}

/** The release of each host's agent, and its program where that is of another release, or of other code than elsewhere. */
function versionsOf(items: readonly HostItem[]): readonly string[] {
  const codes = new Map(
    items.flatMap(({ program }) => (program === undefined ? [] : [[program.tag, program.version]])),
  );
  return items.map(({ agent = '', program }) => {
    if (program === undefined) return agent;
    const alike = [...codes.values()].filter((version) => version === program.version).length;
    const tag = alike > 1 ? ` ${program.tag}` : '';
    return program.version === agent && tag === '' ? agent : `${agent}, program ${program.version}${tag}`;
  });
}

function row(item: HostItem, nowMs: number): Cell[] {
  const { host, labels, seenAt, head, stored, applied, verified, installed, desired, exceptions } = item;
  return [
    host,
    labelsText(labels) || '-',
    seenAt === null ? { text: 'never', tone: 'warn' } : `${ageText(nowMs - seenAt)} ago`,
    { text: `${stored}/${head}`, tone: stored < head ? 'warn' : undefined },
    { text: String(applied), tone: applied < stored ? 'warn' : undefined },
    String(verified),
    `${installed}/${desired}`,
    { text: String(exceptions), tone: exceptions > 0 ? 'bad' : undefined },
  ];
}
