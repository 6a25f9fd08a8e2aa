import { bytesOf } from '../../protocol/json.ts';
import { matchOfKey } from '../../protocol/key.ts';
import { compareNames } from '../../protocol/order.ts';
import {
  encodePlanRequest,
  type PlanChange,
  type PlanHost,
  type PlanOver,
  type PlanOverlap,
  type PlanReply,
  parsePlanReply,
} from '../../protocol/plan.ts';
import { encodePlanPageRequest, parsePlanPage } from '../../protocol/plan-page.ts';
import { fixedBits, type Precedence, shapeOf } from '../../protocol/shape.ts';
import { Bus } from '../client.ts';
import { command } from '../line/command.ts';
import { EXIT, usage } from '../line/failure.ts';
import { BUS_OPTIONS } from '../line/options.ts';
import { knowingSets } from '../names.ts';
import { movedText, prunedBy, requireSetToPrune } from '../sets.ts';
import { nearText, someText, strangerTexts, whyNotSent } from '../show/format.ts';
import { type Cell, type Column, table } from '../show/table.ts';
import { noteText, type Terminal } from '../show/terminal.ts';
import type { Prepared } from '../specs/prepare.ts';
import { noteSpecs, readSpecs } from '../specs/read-specs.ts';
import { upload } from '../specs/upload.ts';

type Screen = Pick<Terminal, 'width' | 'colour'>;

export const plan = command({
  synopsis: '[-f FILE... [-R]] [--delete NAME...] [--set NAME [--prune]]',
  about: `Shows what an apply of the files and a delete of the names would do to each host, and does nothing: what would be
added, changed and deleted; which redirects another one shadows, because it has the same match and wins; which ones
overlap, and which of them has a packet that matches both; which hosts would be given more than they can hold, and which
are not sent a redirect because their agents are too old for it. With --set and --prune, what such an apply would take
out of the set is among what would be deleted.`,
  examples: ['shunt plan -f redirects.yaml', 'shunt plan -f redirects.yaml --delete drain-web-1'],
  options: ['file', 'recursive', 'delete', 'set', 'prune', 'expires-in', ...BUS_OPTIONS],
  async run({ options, terminal, stdin }) {
    requireSetToPrune(options);
    if (options.file.length + options.delete.length === 0)
      throw usage('name at least one file or redirect: -f FILE, -f - for standard input, or --delete NAME');
    const nowMs = Date.now();
    const specs = await readSpecs(options, stdin, { nowMs, expiresInMs: options['expires-in'] });
    noteSpecs(specs, nowMs, terminal);
    await using bus = await Bus.open(options);
    const gone = options.prune ? await prunedBy(specs, options.set, bus, terminal) : [];
    const names = [...new Set([...options.delete, ...gone])];
    const set = options.set === undefined ? {} : { set: options.set };
    const asking = upload(specs, bus, terminal, {
      verb: 'plan',
      encode: (part) => encodePlanRequest({ ...part, ...(part.part === part.parts - 1 && { delete: names, ...set }) }),
      parse: parsePlanReply,
      lastBytes: bytesOf({ delete: names, ...set }),
    });
    const first = await knowingSets(asking, options.set !== undefined);
    const reply = await completePlan(first, bus, terminal);
    terminal.print(options.output === 'json' ? JSON.stringify(reply) : layOut(reply, terminal, specs));
    return EXIT.done;
  },
});

/** Lines of one table on a terminal; in a pipe, and with -o json, there are all. */
const MAX_SHOWN = 40;

type Planned = Omit<PlanReply, 'v' | 'upload' | 'pages'>;

/** Reads the pages of what the first answer had no room for, and puts all together. */
async function completePlan(
  { v, upload, pages = 0, ...first }: PlanReply,
  bus: Pick<Bus, 'api'>,
  terminal: Pick<Terminal, 'progress'>,
): Promise<Planned> {
  const { notSent = [] } = first;
  const whole: Record<string, unknown> = { ...first, ...(notSent.length > 0 && { notSent: [...notSent] }) };
  for (let page = 0; page < pages; page += 1) {
    terminal.progress(`reading page ${page + 1} of ${pages}`);
    const asked = encodePlanPageRequest({ v, upload, page, pages });
    const { v: _, upload: __, page: ___, ...lists } = await bus.api('plan-page', asked, parsePlanPage);
    for (const [name, lines] of Object.entries(lists)) whole[name] = [...((whole[name] as unknown[]) ?? []), ...lines];
  }
  terminal.progress('');
  return whole as unknown as Planned;
}

function shownOn({ width }: Screen): number {
  return width === undefined ? Number.POSITIVE_INFINITY : MAX_SHOWN;
}

/** Lays a plan out for people: the sums, each host, each change, and at the end what deserves a second look. */
export function layOut(planned: Planned, screen: Screen, specs: readonly Prepared[] = []): string {
  const sections = [
    sums(planned),
    hostTable(planned, screen),
    changeTable(planned, screen),
    describedTable(specs, screen),
    shadowTable(planned, screen),
    notSentTable(planned, screen),
    overlapTable(planned, screen),
    warnings(planned, screen),
  ];
  return sections.filter((section) => section !== '').join('\n\n');
}

function sums({ created, changed, unchanged, deleted, absent, absentTotal, changesTotal }: Planned): string {
  const gone = absentTotal === 0 ? '' : `, already absent ${absentTotal} (${someText(absent, absentTotal)})`;
  const nothing = changesTotal === 0 ? '\nnothing would change on any host' : '';
  return `would create ${created}, change ${changed}, delete ${deleted}; unchanged ${unchanged}${gone}${nothing}`;
}

function hostTable({ hosts: all, hostsTotal }: Planned, screen: Screen): string {
  if (all.length === 0) return '';
  const hosts = all
    .toSorted((a, b) => b.over.length - a.over.length || compareNames(a.host, b.host))
    .slice(0, shownOn(screen));
  const right = (title: string): Column => ({ title, align: 'right' });
  const titles = ['ADD', 'CHANGE', 'DELETE', 'SHADOWED', 'OVERLAPS', 'REDIRECTS', 'SHAPES4', 'SHAPES6'].map(right);
  const columns = [{ title: 'HOST', whole: true }, ...titles];
  return more(table(columns, hosts.map(hostRow), screen), hostsTotal - hosts.length, 'hosts');
}

function hostRow(item: PlanHost): Cell[] {
  const { host, seen, added, changed, deleted, shadowed, overlaps, over } = item;
  const limited = (count: number, max: number | null, what: PlanOver): Cell => ({
    text: max === null ? String(count) : `${count}/${max}`,
    tone: over.includes(what) ? 'bad' : undefined,
  });
  return [
    { text: host, tone: seen ? undefined : 'warn' },
    ...[added, changed, deleted, shadowed, overlaps].map(String),
    limited(item.redirects, item.redirectsMax, 'redirects'),
    limited(item.shapes4, item.shapesMax, 'shapes4'),
    limited(item.shapes6, item.shapesMax, 'shapes6'),
  ];
}

const OPS: Readonly<Record<PlanChange['op'], Cell>> = {
  add: { text: 'add', tone: 'good' },
  change: { text: 'change', tone: 'warn' },
  delete: { text: 'delete', tone: 'bad' },
};

function changeTable({ changes: all, changesTotal }: Planned, screen: Screen): string {
  if (all.length === 0) return '';
  const changes = all.toSorted((a, b) => compareNames(a.name, b.name)).slice(0, shownOn(screen));
  const rows = changes.map(({ op, name, was, hosts, hostsTotal, key }): Cell[] => [
    OPS[op],
    was === undefined ? name : `${name} (was ${was})`,
    someText(hosts, hostsTotal),
    key,
  ]);
  const columns = [{ title: 'OP' }, { title: 'NAME', whole: true }, { title: 'HOSTS' }, { title: 'KEY', below: true }];
  return more(table(columns, rows, screen), changesTotal - onHosts(changes));
}

/** What the files say of their redirects for people. */
function describedTable(specs: readonly Prepared[], screen: Screen): string {
  const described = specs.filter(({ json }) => json.description !== undefined);
  if (described.length === 0) return '';
  const rows = described.slice(0, shownOn(screen)).map(({ name, json }) => [name, String(json.description)]);
  const columns = [
    { title: 'DESCRIBED', whole: true },
    { title: 'AS', below: true },
  ];
  return more(table(columns, rows, screen), described.length - rows.length, 'described');
}

function shadowTable({ shadowed: all, shadowedTotal }: Planned, screen: Screen): string {
  if (all.length === 0) return '';
  const shadowed = all.slice(0, shownOn(screen));
  const rows = shadowed.map(({ name, by, hosts, hostsTotal, key }): Cell[] => [
    name,
    by,
    someText(hosts, hostsTotal),
    key,
  ]);
  const columns = [
    { title: 'SHADOWED', whole: true },
    { title: 'BY', whole: true },
    { title: 'HOSTS' },
    { title: 'KEY', below: true },
  ];
  return more(table(columns, rows, screen), shadowedTotal - onHosts(shadowed));
}

function notSentTable({ notSent: all = [], notSentTotal = 0 }: Planned, screen: Screen): string {
  if (all.length === 0) return '';
  const notSent = all.slice(0, shownOn(screen));
  const rows = notSent.map(({ name, hosts, hostsTotal, ...why }): Cell[] => [
    name,
    { text: whyNotSent(why), tone: 'bad' },
    someText(hosts, hostsTotal),
  ]);
  const columns = [{ title: 'NOT SENT', whole: true }, { title: 'BECAUSE' }, { title: 'HOSTS' }];
  return more(table(columns, rows, screen), notSentTotal - onHosts(notSent));
}

function overlapTable({ overlaps: all, overlapsTotal }: Planned, screen: Screen): string {
  if (all.length === 0) return '';
  const overlaps = all.slice(0, shownOn(screen));
  const rows = overlaps.map((overlap): Cell[] => [
    overlap.winner,
    overlap.loser,
    reasonText(overlap),
    someText(overlap.hosts, overlap.hostsTotal),
  ]);
  const columns = [
    { title: 'OVERLAP: WINS', whole: true },
    { title: 'OVER', whole: true },
    { title: 'BECAUSE IT FIXES' },
    { title: 'HOSTS' },
  ];
  return more(table(columns, rows, screen), overlapsTotal - onHosts(overlaps));
}

const DECIDED: Readonly<Record<Exclude<Precedence, 'bits'>, string>> = {
  dst: 'more of the destination',
  src: 'more of the source',
  dport: 'the destination port',
  sport: 'the source port',
  proto: 'the protocol',
};

function reasonText({ winnerKey, loserKey, decided }: PlanOverlap): string {
  if (decided !== 'bits') return DECIDED[decided];
  return `${bitsText(winnerKey)} bits, not ${bitsText(loserKey)}`;
}

/** A newer controller may have keys that this version cannot take apart. */
function bitsText(key: string): string {
  try {
    return String(fixedBits(shapeOf(matchOfKey(key))));
  } catch {
    return '?';
  }
}

const OVER: Readonly<Record<PlanOver, (host: PlanHost) => string>> = {
  redirects: (host) =>
    `would have ${host.redirects} redirects, and room for ${host.redirectsMax}: some would be blocked`,
  shapes4: (host) =>
    `would have ${host.shapes4} IPv4 shapes, and looks up ${host.shapesMax}: some redirects would be blocked`,
  shapes6: (host) =>
    `would have ${host.shapes6} IPv6 shapes, and looks up ${host.shapesMax}: some redirects would be blocked`,
};

function warnings(
  { hosts, unmatched, unmatchedTotal, unheard, unheardTotal, set, near = [] }: Planned,
  screen: Screen,
): string {
  const lines = hosts.flatMap((host) => host.over.map((what) => `${host.host} ${OVER[what](host)}`));
  lines.push(...near.map(({ name }) => `${name} is not there${nearText(name, near)}`));
  if (set?.movedTotal) lines.push(`would be ${movedText(set)}`);
  lines.push(...strangerTexts({ unmatched, unmatchedTotal, unheard, unheardTotal }));
  return lines.map((line) => noteText(screen, line)).join('\n');
}

function more(text: string, count: number, what = 'on all hosts together'): string {
  return count > 0 ? `${text}\n… and ${count} more ${what}` : text;
}

function onHosts(lines: readonly { readonly hostsTotal: number }[]): number {
  return lines.reduce((sum, { hostsTotal }) => sum + hostsTotal, 0);
}
