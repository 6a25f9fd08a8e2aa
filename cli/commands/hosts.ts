import { MAX_LIMIT } from '../../protocol/ask.ts';
import { encodeHostsRequest, type HostItem, parseHostsReply, type SpecsDamage } from '../../protocol/listings.ts';
import { compareNames } from '../../protocol/order.ts';
import { Bus } from '../client.ts';
import { command } from '../line/command.ts';
import { EXIT } from '../line/failure.ts';
import { BUS_OPTIONS } from '../line/options.ts';
import { collect } from '../paging.ts';
import { damageText } from '../show/damage.ts';
import { troubleOf } from '../show/fleet-health.ts';
import { ageText, labelsText } from '../show/format.ts';
import { type Cell, type Column, table } from '../show/table.ts';
import { fill, paint, type Terminal } from '../show/terminal.ts';

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
/** Only where some host has any. */
const IDLE: Column = { title: 'IDLE', align: 'right' };
/** Only where hosts run several. */
const VERSION: Column = { title: 'VERSION' };
/** Only where some host is not as it should be. */
const TROUBLE: Column = { title: 'TROUBLE', below: true, prose: true };

export const hosts = command({
  synopsis: '[forget HOST...]',
  about: `Shows every host that the controller knows, as the host last said: the revision that it has stored, of those made for it
(head), applied to its kernel and read back from it (verified), and the redirects installed, of those desired. Where
something is wrong, TROUBLE says what: shunt status and shunt doctor say more. A host says how it is every 15 s,
and is silent when it was not heard for a minute. VERSION is there where hosts run several. Below the table stands what
is missing from the controller's own database, if anything is.`,
  examples: ['shunt hosts', 'shunt hosts forget edge-9'],
  options: BUS_OPTIONS,
  async run({ options, terminal }) {
    await using bus = await Bus.open(options);
    const { items, damage } = await readFleet(bus, terminal);
    if (options.output === 'json') terminal.print(JSON.stringify({ items, ...(damage !== undefined && { damage }) }));
    else terminal.print([layOut(items, Date.now(), terminal), ...damageLines(damage, terminal)].join('\n'));
    return EXIT.done;
  },
});

/** Reads every host that the controller knows, and what is missing from its database. */
export async function readFleet(
  bus: Pick<Bus, 'api'>,
  terminal: Pick<Terminal, 'progress'>,
): Promise<{ readonly items: readonly HostItem[]; readonly damage: SpecsDamage | undefined }> {
  let damage: SpecsDamage | undefined;
  const items = await collect(async (after) => {
    const request = encodeHostsRequest({ v: 1, ...(after !== undefined && { after }), limit: MAX_LIMIT });
    const page = await bus.api('hosts', request, parseHostsReply);
    damage = page.damage;
    return page;
  }, terminal);
  return { items: items.toSorted((a, b) => compareNames(a.host, b.host)), damage };
}

function damageLines(damage: SpecsDamage | undefined, terminal: Parameters<typeof table>[2]): readonly string[] {
  if (damage === undefined) return [];
  const { found, mend } = damageText(damage);
  const room = (terminal.width ?? Number.POSITIVE_INFINITY) - 2;
  return ['', ...fill(found, room).map((line) => paint(terminal, 'bad', line)), ...fill(`→ ${mend}`, room)];
}

function layOut(items: readonly HostItem[], nowMs: number, terminal: Parameters<typeof table>[2]): string {
  if (items.length === 0) return 'no hosts';
  const troubles = items.map((item) => troubleOf(item, nowMs));
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
