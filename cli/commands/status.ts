import { encodeAskRequest, parseStatusReply } from '../../protocol/ask.ts';
import type { Status } from '../../protocol/status.ts';
import { Bus } from '../client.ts';
import { chooseHosts, tellHosts } from '../fleet.ts';
import { command } from '../line/command.ts';
import { BUS_OPTIONS } from '../line/options.ts';
import { ageText, clockText, codeText, countText, labelsText, problemText, someText } from '../show/format.ts';
import { reasonOf, reasonsText, sumReasons } from '../show/passed.ts';
import { type Cell, fields, table } from '../show/table.ts';
import type { Terminal } from '../show/terminal.ts';

type Screen = Pick<Terminal, 'width' | 'colour'>;

export const status = command({
  synopsis: '[--host HOST... | -l LABELS | --all]',
  about: `Asks the agent of a host, not the controller, how far it is, what its kernel does not do, and why. Several are asked by
--host more than once, by their labels (-l), or all; who does not answer is named, and the exit status is 3.`,
  examples: [
    'shunt status --host edge-7',
    'shunt status -l role=edge',
    'shunt status --host edge-7 -o json | jq .applied',
  ],
  options: ['host', 'selector', 'all', ...BUS_OPTIONS],
  async run({ options, written, terminal }) {
    await using bus = await Bus.open(options);
    const hosts = await chooseHosts({ options, written }, bus, terminal);
    const ask = async (host: string) => {
      const json = await bus.ask(host, 'status', encodeAskRequest({ v: 1 }), parseStatusReply);
      return { json, text: () => layOut(json as Status, Date.now(), terminal) };
    };
    return await tellHosts(hosts, ask, options.output, terminal);
  },
});

/** Lays a status out for people: the sums, then the interfaces, then what is not done, what does not arrive, what is not sent. */
export function layOut(status: Status, nowMs: number, screen: Screen): string {
  const sections = [
    fields(sums(status, nowMs), screen),
    interfaceTable(status, screen),
    exceptionTable(status, nowMs, screen),
    undeliveredTable(status, nowMs, screen),
    passedTable(status, nowMs, screen),
  ];
  return sections.filter((section) => section !== '').join('\n\n');
}

function sums(status: Status, nowMs: number): [name: string, value: Cell][] {
  const { host, labels, agent, at, epoch, stored, applied, verified, capacity, deleteAbsent, refused } = status;
  return [
    ['host', host],
    ['labels', labelsText(labels) || '-'],
    ['agent', `${agent}, said ${ageText(nowMs - at)} ago`],
    ...programRow(status),
    ['epoch', epoch || '-'],
    ...bypassRow(status),
    ...brakeRow(status, nowMs),
    ...problemRows(status, nowMs),
    ...clockRow(status),
    [
      'revision',
      { text: `stored ${stored}, applied ${applied}, verified ${verified}`, tone: applied < stored ? 'warn' : 'good' },
    ],
    ['redirects', countsCell(status)],
    ['capacity', `${capacity.used} of ${capacity.max} in use, shapes ${capacity.shapes}`],
    ['deletes of what was absent', deleteAbsent],
    ...guardRows(status),
    ...driftRow(status),
    ['refused messages', refusedCell(refused)],
    ...unwatchedRow(status),
    ...tagsRow(status),
    ...uncountedRow(status),
  ];
}

function driftRow({ drifted }: Status): [name: string, value: Cell][] {
  return drifted === undefined ? [] : [['changed by somebody else', { text: `${drifted}, put right`, tone: 'warn' }]];
}

/** What redirects may do on the host; of what it protects, whose it is. */
function guardRows({ guard }: Status): [name: string, value: Cell][] {
  if (guard === null) return [];
  const { protect, fault } = guard;
  const whose = [...Map.groupBy(protect, ({ name }) => name)].map(([name, all]) => `${name} ${all.length}`);
  const lists = (['src', 'dst', 'targets'] as const).flatMap((of) =>
    guard[of] ? [`${of} ${someText(guard[of])}`] : [],
  );
  const most = guard.maxRedirects === undefined ? [] : [`at most ${guard.maxRedirects} redirects`];
  const protects = whose.length === 0 ? 'protects nothing' : `protects ${whose.join(', ')}`;
  const cell: Cell = { text: [protects, ...lists, ...most].join('; '), tone: whose.length === 0 ? 'warn' : undefined };
  const wrong: [string, Cell][] = fault === undefined ? [] : [['guard file', { text: fault, tone: 'bad' }]];
  return [['guard', cell], ...wrong];
}

function bypassRow({ bypass }: Status): [name: string, value: Cell][] {
  if (bypass === undefined) return [];
  return [
    ['BYPASS', { text: 'ON: every packet passes, nothing is redirected; shunt bypass off ends it', tone: 'bad' }],
  ];
}

function brakeRow({ host, brake }: Status, nowMs: number): [name: string, value: Cell][] {
  if (brake === undefined) return [];
  const { withheld, since } = brake;
  const what = `BRAKE: withholds ${countText(withheld, 'change')} that would remove too many redirects at once, or send them elsewhere`;
  const mend = `shunt release --host ${host} lets them go; else apply again what was taken away`;
  return [['brake', { text: `${what}; for ${ageText(nowMs - since)}; ${mend}`, tone: 'bad' }]];
}

function clockRow({ clockAhead }: Status): [name: string, value: Cell][] {
  if (clockAhead === undefined) return [];
  return [['clock', { text: `${clockText(clockAhead)}; redirects end by the controller's`, tone: 'warn' }]];
}

/** An older agent says only the gravest, and not since when. */
function problemRows({ problem, problems }: Status, nowMs: number): [name: string, value: Cell][] {
  const all = problems?.map((one) => `${problemText(one)}; for ${ageText(nowMs - one.since)}`);
  const texts = all ?? (problem === undefined ? [] : [codeText(problem)]);
  return texts.map((text) => ['problem', { text, tone: 'bad' }]);
}

function countsCell({ counts }: Status): Cell {
  const { desired, installed, ...others } = counts;
  const rest = Object.entries(others).filter(([, count]) => count > 0);
  const text = [
    `desired ${desired}`,
    `installed ${installed}`,
    ...rest.map(([state, count]) => `${state} ${count}`),
  ].join(', ');
  return { text, tone: counts.blocked + counts.denied + counts.failed > 0 ? 'bad' : undefined };
}

function refusedCell({ total, byCode }: Status['refused']): Cell {
  const codes = Object.entries(byCode).map(([code, count]) => `${code} ${count}`);
  return { text: total === 0 ? '0' : `${total} (${codes.join(', ')})`, tone: total === 0 ? undefined : 'warn' };
}

function programRow({ program }: Status): [name: string, value: Cell][] {
  return program === undefined ? [] : [['program', `${program.version}, tag ${program.tag}`]];
}

function unwatchedRow({ undelivered }: Status): [name: string, value: Cell][] {
  if (undelivered !== null) return [];
  return [['delivery', { text: 'not watched in full; shunt attach says why', tone: 'warn' }]];
}

function tagsRow({ interfaces }: Status): [name: string, value: Cell][] {
  const names = interfaces.filter(({ hidesTags }) => hidesTags).map(({ name }) => name);
  if (names.length === 0) return [];
  const text = `hidden from the program on ${names.join(', ')}: tagged packets count as untagged there`;
  return [['VLAN tags', { text, tone: 'warn' }]];
}

function uncountedRow({ passed }: Status): [name: string, value: Cell][] {
  if (passed !== null) return [];
  const text = 'not counted by redirect: an older attach made these maps; detach and attach make them anew';
  return [['passed hits', { text, tone: 'warn' }]];
}

function interfaceTable({ interfaces }: Status, screen: Screen): string {
  if (interfaces.length === 0) return '';
  const rows = interfaces.map(({ name, ifindex, mode, up, attached = mode !== 'none', reason }): Cell[] => [
    name,
    String(ifindex),
    attached
      ? { text: mode, tone: 'good' }
      : { text: ['not attached', reason].filter(Boolean).join(': '), tone: 'bad' },
    up ? 'up' : { text: 'down', tone: 'warn' },
  ]);
  return table(
    [{ title: 'INTERFACE' }, { title: 'INDEX', align: 'right' }, { title: 'PROGRAM' }, { title: 'LINK' }],
    rows,
    screen,
  );
}

function exceptionTable({ exceptions, exceptionsTotal }: Status, nowMs: number, screen: Screen): string {
  if (exceptions.length === 0) return '';
  const rows = exceptions.map(({ name, key, rev, state, code, errno, retryAt }): Cell[] => [
    name,
    { text: state, tone: 'bad' },
    errno === undefined ? code : `${code} (${errno})`,
    String(rev),
    retryText(retryAt, nowMs),
    key,
  ]);
  const columns = [
    { title: 'EXCEPTION', whole: true },
    { title: 'STATE' },
    { title: 'WHY', whole: true },
    { title: 'REV', align: 'right' as const },
    { title: 'RETRY' },
    { title: 'KEY', below: true },
  ];
  const more = exceptionsTotal - exceptions.length;
  return table(columns, rows, screen) + (more > 0 ? `\n… and ${more} more` : '');
}

function undeliveredTable({ undelivered }: Status, nowMs: number, screen: Screen): string {
  if (undelivered === undefined || undelivered === null) return '';
  const rows = undelivered.map(
    ({ interface: name, ifindex, errno, packets, since, redirects, redirectsTotal }): Cell[] => [
      name ?? `index ${ifindex}`,
      { text: errno ?? '-', tone: 'bad' },
      packets,
      ageText(nowMs - since),
      redirects.join(',') + (redirectsTotal > redirects.length ? ` +${redirectsTotal - redirects.length}` : '') || '-',
    ],
  );
  const columns = [
    { title: 'NOT DELIVERED AT' },
    { title: 'WHY' },
    { title: 'PACKETS', align: 'right' as const },
    { title: 'SINCE' },
    { title: 'REDIRECTS', below: true },
  ];
  return table(columns, rows, screen);
}

function passedTable({ passed, passedTotal = 0 }: Status, nowMs: number, screen: Screen): string {
  if (passed === undefined || passed === null || passed.length === 0) return '';
  const rows = passed.map(({ name, reasons, since }): Cell[] => [
    name,
    { text: reasonsText(reasons), tone: 'bad' },
    ageText(nowMs - since),
  ]);
  const columns = [{ title: 'PASSED, NOT SENT', whole: true }, { title: 'WHY, PACKETS' }, { title: 'SINCE' }];
  const more = passedTotal - passed.length;
  const means = Array.from(sumReasons(passed).keys(), (name): [string, string] => {
    return [name, `${reasonOf(name).means}; ${reasonOf(name).mend}`];
  });
  return `${table(columns, rows, screen)}${more > 0 ? `\n… and ${more} more` : ''}\n${fields(means, screen)}`;
}

function retryText(retryAt: number | undefined, nowMs: number): string {
  if (retryAt === undefined) return '-';
  return retryAt <= nowMs ? 'now' : `in ${ageText(retryAt - nowMs)}`;
}
