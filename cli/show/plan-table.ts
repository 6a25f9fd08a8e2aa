import type { Way } from '../../protocol/effects.ts';
import { isObject, type JsonObject } from '../../protocol/json.ts';
import { matchOfKey } from '../../protocol/key.ts';
import { compareNames } from '../../protocol/order.ts';
import type { Planned } from '../../protocol/plan.ts';
import type { PlanChange, PlanCollateral, PlanHost, PlanOver, PlanOverlap } from '../../protocol/plan-lines.ts';
import { fixedBits, type Precedence, shapeOf } from '../../protocol/shape.ts';
import { actionText, someText, whyNotSent } from './format.ts';
import { type IdleOn, idleText } from './idle-on.ts';
import { planNotes } from './plan-notes.ts';
import { type Cell, type Column, table } from './table.ts';
import { noteText, type Terminal } from './terminal.ts';

/** A redirect of the files. */
interface Described {
  readonly name: string;
  readonly json: JsonObject;
}

type Screen = Pick<Terminal, 'width' | 'colour'>;

/** Lines of one table on a terminal; in a pipe, and with -o json, there are all. */
const MAX_SHOWN = 40;

function shownOn({ width }: Screen): number {
  return width === undefined ? Number.POSITIVE_INFINITY : MAX_SHOWN;
}

/** Lays a plan out for people: the sums, each host, each change, and at the end what deserves a second look. */
export function layOutPlan(
  planned: Planned,
  screen: Screen,
  specs: readonly Described[] = [],
  idle: ReadonlyMap<string, IdleOn> = new Map(),
): string {
  const sections = [
    sums(planned),
    hostTable(planned, screen),
    changeTable(planned, screen, { specs, idle }),
    describedTable(specs, screen),
    collateralTable(planned, screen),
    shadowTable(planned, screen),
    notSentTable(planned, screen),
    deniedTable(planned, screen),
    overlapTable(planned, screen),
    planNotes(planned)
      .map((line) => noteText(screen, line))
      .join('\n'),
  ];
  return sections.filter((section) => section !== '').join('\n\n');
}

function sums({ created, changed, unchanged, deleted, absent, absentTotal, changesTotal, set }: Planned): string {
  const gone = absentTotal === 0 ? '' : `, already absent ${absentTotal} (${someText(absent, absentTotal)})`;
  const nothing = changesTotal === 0 ? '\nnothing would change on any host' : '';
  const joined = set?.joined ? `\nwould put ${set.joined} into the set ${set.name}` : '';
  return `would create ${created}, change ${changed}, delete ${deleted}; unchanged ${unchanged}${gone}${joined}${nothing}`;
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

/** What redirects are to say, and where they are idle. */
interface Beside {
  readonly specs: readonly Described[];
  readonly idle: ReadonlyMap<string, IdleOn>;
}

function changeTable({ changes: all, changesTotal }: Planned, screen: Screen, { specs, idle }: Beside): string {
  if (all.length === 0) return '';
  const resting = new Set(specs.filter(({ json }) => onlyByRearm(json)).map(({ name }) => name));
  const changes = all.toSorted(byMarkAndName).slice(0, shownOn(screen));
  const rows = changes.map((change): Cell[] => {
    const { op, name, was, from, to, marks = [], hosts, hostsTotal, key } = change;
    const own = was === undefined ? [name] : [name, was];
    const marked = marks.length > 0;
    const now = idleText(idle.get(from?.by ?? ''), change);
    const then = to?.by === from?.by && resting.has(to?.by ?? '') ? now : '';
    return [
      OPS[op],
      was === undefined ? name : `${name} (was ${was})`,
      { text: `${wayText(from, own)}${now}`, tone: now === '' ? undefined : 'warn' },
      {
        text: `${marked ? '! ' : ''}${wayText(to, own)}${then}`,
        tone: marked ? 'bad' : then === '' ? undefined : 'warn',
      },
      someText(hosts, hostsTotal),
      key,
    ];
  });
  const titles = [{ title: 'OP' }, { title: 'NAME', whole: true }, { title: 'FROM' }, { title: 'TO' }];
  const columns = [...titles, { title: 'HOSTS' }, { title: 'KEY', below: true }];
  return more(table(columns, rows, screen), changesTotal - onHosts(changes));
}

/** Once it is given up, a newer revision of it does not have it stand again. */
function onlyByRearm({ idle }: JsonObject): boolean {
  return isObject(idle) && idle.rearm === 'never';
}

/** What is marked first: it must not be among the lines that have no room. */
function byMarkAndName(a: PlanChange, b: PlanChange): number {
  return Number(b.marks?.length ?? 0) - Number(a.marks?.length ?? 0) || compareNames(a.name, b.name);
}

/** Where packets go: to where they were sent (B), or by a redirect, which is named where it is none of `own`. */
function wayText(way: Way | undefined, own: readonly string[]): string {
  if (way === undefined) return '';
  if (way.by === undefined) return 'B';
  const text = actionText(way.to);
  return own.includes(way.by) ? text : `${text} (${way.by})`;
}

/** What the files say of their redirects for people. */
function describedTable(specs: readonly Described[], screen: Screen): string {
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
  const rows = shadowed.map(({ name, by, tie, hosts, hostsTotal, key }): Cell[] => [
    name,
    tie === true ? { text: `${by} (tie)`, tone: 'warn' } : by,
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

const EFFECTS: Readonly<Record<PlanCollateral['effect'], (by: string) => string>> = {
  shadowed: (by) => `stands no more: ${by} has its match`,
  wins: (by) => `stands again: ${by} had its match`,
  loses: (by) => `packets of it go by ${by}`,
  gets: (by) => `packets of ${by} come to it`,
};

function collateralTable({ collateral: all = [], collateralTotal = 0 }: Planned, screen: Screen): string {
  if (all.length === 0) return '';
  const collateral = all.slice(0, shownOn(screen));
  const rows = collateral.map(({ name, effect, by, hosts, hostsTotal, key }): Cell[] => [
    name,
    { text: EFFECTS[effect](by), tone: 'warn' },
    someText(hosts, hostsTotal),
    key,
  ]);
  const titles = [{ title: 'NOT NAMED', whole: true }, { title: 'AND' }, { title: 'HOSTS' }];
  return more(table([...titles, { title: 'KEY', below: true }], rows, screen), collateralTotal - onHosts(collateral));
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

function deniedTable({ denied: all = [], deniedTotal = 0 }: Planned, screen: Screen): string {
  if (all.length === 0) return '';
  const denied = all.slice(0, shownOn(screen));
  const rows = denied.map(({ name, by, hosts, hostsTotal, key }): Cell[] => [
    name,
    { text: by, tone: 'bad' },
    someText(hosts, hostsTotal),
    key,
  ]);
  const titles = [{ title: 'DENIED', whole: true }, { title: "BY THE HOST'S GUARD" }, { title: 'HOSTS' }];
  return more(table([...titles, { title: 'KEY', below: true }], rows, screen), deniedTotal - onHosts(denied));
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

function more(text: string, count: number, what = 'on all hosts together'): string {
  return count > 0 ? `${text}\n… and ${count} more ${what}` : text;
}

function onHosts(lines: readonly { readonly hostsTotal: number }[]): number {
  return lines.reduce((sum, { hostsTotal }) => sum + hostsTotal, 0);
}
