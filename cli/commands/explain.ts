import type { AskError } from '../../protocol/ask.ts';
import { type AnyCode, UNPROVEN } from '../../protocol/codes.ts';
import { type Explanation, encodeExplainRequest, parseExplainReply } from '../../protocol/explain.ts';
import { readName } from '../../protocol/intent.ts';
import { encodeGetRequest, type GetReply, parseGetReply } from '../../protocol/listings.ts';
import { didYouMean } from '../../protocol/near.ts';
import { shellWord } from '../../protocol/plain.ts';
import { readKey } from '../../protocol/read.ts';
import { askHosts } from '../ask-hosts.ts';
import { Bus } from '../client.ts';
import { readRedirect } from '../fleet.ts';
import { command } from '../line/command.ts';
import { EXIT, type Exit, Failure, usage } from '../line/failure.ts';
import { BUS_OPTIONS, type Format } from '../line/options.ts';
import { orElse } from '../line/refusal.ts';
import { Listing, nameOf } from '../listing.ts';
import { eventTable } from '../show/event-table.ts';
import { fleetExplanation, groupAnswers, silentOf } from '../show/fleet-explanation.ts';
import {
  actionText,
  ageText,
  bytesText,
  codeText,
  matchText,
  nearText,
  problemText,
  someText,
  timeText,
} from '../show/format.ts';
import { nextHopCell } from '../show/next-hop.ts';
import { reasonOf } from '../show/passed.ts';
import { againText, leftText } from '../show/silence.ts';
import { type Cell, fields, table } from '../show/table.ts';
import type { Terminal } from '../show/terminal.ts';
import { wayOut } from '../show/unproven.ts';

type Screen = Pick<Terminal, 'width' | 'colour'>;
/** What an agent answers, and what the controller adds. */
type Told = Explanation & { readonly description?: string };

export const explain = command({
  synopsis: '[--host HOST] NAME|KEY',
  about: `Asks every host that a redirect is for how it stands there, and says on which ones it does what: equal answers are one line,
the worst first. The exit status is 3 if some did not answer. With --host it asks the agent of that host alone why the redirect is as
it is: what is desired, its state, since when and why, what the kernel holds of it this moment, its counters, where its packets
would go, which other redirects overlap it, and what was decided last. KEY is as dump and plan show it.`,
  examples: [
    'shunt explain drain-web-2',
    'shunt explain --host edge-7 drain-web-2',
    "shunt explain --host edge-7 'v4 udp 198.51.100.0/24:* > 203.0.113.10/32:443'",
  ],
  options: ['host', ...BUS_OPTIONS],
  operands: { placeholder: 'NAME|KEY', min: 1, max: Number.POSITIVE_INFINITY, asks: 'redirects' },
  async run({ options: { host, ...options }, operands: [what = '', ...rest], written, terminal }) {
    if (rest.length === 1 && !written.has('host') && !/^v[46]$/.test(what))
      throw usage(`expected one NAME or KEY; ${didYouMean(`--host ${shellWord(what)} ${shellWord(rest[0] ?? '')}`)}`);
    if (rest.length > 0) throw usage(`expected one NAME or KEY, not ${rest.length + 1}; put a key into single quotes`);
    const request = requestOf(what);
    await using bus = await Bus.open(options);
    if (!written.has('host')) return await explainFleet(bus, what, options.output, terminal);
    const asked = bus.ask(host, 'explain', request, parseExplainReply, refusalOn(host));
    const answer = await asked.catch(async (error: unknown) => Promise.reject(await meantRedirect(bus, what, error)));
    const description = (await controllerOn(bus, answer.name))?.items[0]?.spec.description;
    const told = { ...answer, ...(typeof description === 'string' && { description }) };
    terminal.print(options.output === 'json' ? JSON.stringify(told) : layOut(told, Date.now(), terminal));
    return EXIT.done;
  },
});

/** Asks all hosts that a redirect is for. */
async function explainFleet(bus: Bus, what: string, output: Format, terminal: Terminal): Promise<Exit> {
  const item = await readRedirect(bus, what.includes(' ') ? await nameOfKey(bus, what, terminal) : what);
  const request = requestOf(String(item.spec.name));
  const ask = (host: string) => bus.ask(host, 'explain', request, parseExplainReply, refusalOn(host));
  const { answers, failed } = await askHosts(item.hosts, ask, terminal);
  const told = { item, answers, failed };
  if (output === 'json') terminal.print(JSON.stringify({ ...told, groups: groupAnswers(told) }));
  else terminal.print(fleetExplanation(told, terminal));
  return silentOf(told).length === 0 ? EXIT.done : EXIT.unfinished;
}

/** Whose key it is. Several redirects may have one: then each is named. */
async function nameOfKey(bus: Bus, key: string, terminal: Terminal): Promise<string> {
  const { items } = await new Listing(bus, {}, true).read(terminal);
  const names = items.filter(({ spec }) => matchText(spec.match) === key).map((item) => nameOf(item));
  const [name] = names;
  if (name === undefined)
    throw new Failure(
      EXIT.refused,
      'FAILED',
      `no redirect has the key ${key}; see shunt get, or name a host with --host`,
    );
  if (names.length > 1) throw usage(`several redirects have this key: ${names.join(', ')}; name one of them`);
  return name;
}

/** What the controller says of a redirect by its name; undefined where none tells: it is no matter. */
async function controllerOn(bus: Pick<Bus, 'api'>, name: string): Promise<GetReply | undefined> {
  try {
    return await bus.api('get', encodeGetRequest({ v: 1, name }), parseGetReply);
  } catch (error) {
    if (error instanceof Failure) return undefined;
    throw error;
  }
}

async function meantRedirect(bus: Pick<Bus, 'api'>, name: string, error: unknown): Promise<unknown> {
  if (!(error instanceof Failure) || error.code !== 'UNKNOWN_REDIRECT' || name.includes(' ')) return error;
  const near = nearText(name, (await controllerOn(bus, name))?.near ?? []);
  return new Failure(error.exit, error.code, `${error.message}${near}`, { cause: error });
}

function requestOf(what: string): Uint8Array {
  return orElse(
    () =>
      encodeExplainRequest(what.includes(' ') ? { v: 1, key: readKey(what, '') } : { v: 1, name: readName(what, '') }),
    ({ message }) => usage(`NAME|KEY: ${message}; shunt dump shows both`),
  );
}

function refusalOn(host: string): (error: AskError['error']) => Failure {
  return ({ code, message }) => {
    return new Failure(EXIT.refused, code, `${host}: ${message}${adviceOn(host, code)}`);
  };
}

function adviceOn(host: string, code: AnyCode): string {
  if (UNPROVEN.includes(code)) return `; ${wayOut(host, [code])}`;
  if (code !== 'UNKNOWN_REDIRECT') return '';
  return `; see shunt dump --host ${host} for those that it has, and shunt get for what shadows it`;
}

/** Lays an explanation out for people: the facts, the overlapping redirects, the last decisions. */
export function layOut(explanation: Told, nowMs: number, screen: Screen): string {
  const { events } = explanation;
  const sections = [fields(facts(explanation, nowMs), screen), overlapTable(explanation, screen)];
  if (events.length > 0) sections.push(eventTable(events, ['host', 'key', 'name'], screen));
  return sections.filter((section) => section !== '').join('\n\n');
}

function facts(explanation: Told, nowMs: number): [name: string, value: Cell][] {
  const { host, name, key, rev, to, expires, packets, bytes, seenMsAgo, slot, description } = explanation;
  const seen = seenMsAgo === null ? 'never seen a packet' : `the last one ${ageText(seenMsAgo)} ago`;
  return [
    ['redirect', `${name} on ${host}, which has it as of revision ${rev}`],
    ...(description === undefined ? [] : ([['description', description]] as [string, Cell][])),
    ...bypassRow(explanation),
    ...problemRows(explanation),
    ['key', key],
    ['to', actionText(to)],
    ...idleRow(explanation),
    ...(expires === undefined ? [] : ([['expires', timeText(expires)]] as [string, Cell][])),
    ['state', stateCell(explanation, nowMs)],
    ...whyRow(explanation, nowMs),
    ...withheldRow(explanation),
    ...confirmRow(explanation),
    ...guardRows(explanation),
    ['kernel', kernelCell(explanation)],
    ['next hop', nextHopCell(explanation.nexthop)],
    [
      'counted',
      slot === null ? 'nothing: it has no counters yet' : `${packets} packets, ${bytesText(BigInt(bytes))}; ${seen}`,
    ],
    ...passedRows(explanation),
  ];
}

/** When it is given up, and by what it is armed again. */
function idleRow({ name, idle, silence, state, overlaps }: Explanation): [name: string, value: Cell][] {
  if (idle === undefined) return [];
  const after = `given up after ${ageText(idle.afterMs)} without a packet`;
  if (state === 'idle') return [['idle', `${after}; ${againText({ name, idle })}`]];
  const starved = overlaps.filter(({ wins }) => wins).map((it) => it.name);
  const quiet = starved.length === 0 ? '' : `; packets that ${someText(starved)} takes do not count for it`;
  return [['idle', `${after}; ${leftText(silence)}${quiet}`]];
}

/** What its brake keeps from being done to it. */
function withheldRow({ host, withheld }: Explanation): [name: string, value: Cell][] {
  if (withheld === undefined) return [];
  const { rev, to } = withheld;
  const what = to === null ? 'deletes it' : `sends it elsewhere: ${actionText(to)}`;
  const text = `revision ${rev}, which ${what}; shunt release --host ${host} lets it go, or apply again what stands`;
  return [['withheld', { text, tone: 'bad' }]];
}

/** How long its last change has to be confirmed, and what comes back else. */
function confirmRow({ confirmation }: Explanation): [name: string, value: Cell][] {
  if (confirmation === undefined) return [];
  const { state, withinMs, leftMs, previous } = confirmation;
  const before = previous === null ? 'nothing' : `${actionText(previous.to)}, of revision ${previous.rev},`;
  if (state === 'reverted')
    return [['confirm', { text: `${before} stands again until there is a newer change`, tone: 'bad' }]];
  const time = leftMs === undefined ? `${ageText(withinMs)} from when it stands` : ageText(leftMs);
  return [['confirm', { text: `waits to be confirmed; in ${time} ${before} comes back`, tone: 'warn' }]];
}

/** By which rule the host's guard denies it, or whose packets pass it. */
function guardRows({ guard }: Explanation): [name: string, value: Cell][] {
  return (guard?.by ?? []).map((by) =>
    guard?.is === 'denied' ? ['guard', { text: `denies it: ${by}`, tone: 'bad' }] : ['guard', `lets pass ${by}`],
  );
}

/** What of the hits did not go where the redirect says. */
function passedRows({ passed }: Explanation): [name: string, value: Cell][] {
  return Object.entries(passed ?? {}).map(([name, packets]) => {
    const { means, mend } = reasonOf(name);
    return ['passed', { text: `${packets} of them as ${name}: ${means}; ${mend}`, tone: 'warn' }];
  });
}

function bypassRow({ bypass }: Explanation): [name: string, value: Cell][] {
  return bypass
    ? [['bypass', { text: 'on: every packet of this host passes, whatever stands below', tone: 'bad' }]]
    : [];
}

function problemRows({ problems = [] }: Explanation): [name: string, value: Cell][] {
  return problems.map((problem) => ['problem', { text: problemText(problem), tone: 'bad' }]);
}

function stateCell({ state, since }: Explanation, nowMs: number): Cell {
  const text = since === undefined ? state : `${state} since ${timeText(since)}, ${ageText(nowMs - since)} ago`;
  const bad = state === 'blocked' || state === 'denied' || state === 'failed';
  return { text, tone: bad ? 'bad' : state === 'installed' ? 'good' : 'warn' };
}

/** What is a problem of the host as well has its meaning there. */
function whyRow({ code, errno, retryAt, problems = [] }: Explanation, nowMs: number): [name: string, value: Cell][] {
  if (code === undefined) return [];
  const why = problems.some((problem) => problem.code === code) ? code : codeText(code);
  const by = errno === undefined ? '' : `; the kernel said ${errno}`;
  const retry =
    retryAt === undefined ? '' : `; next try ${retryAt <= nowMs ? 'now' : `in ${ageText(retryAt - nowMs)}`}`;
  return [['why', { text: `${why}${by}${retry}`, tone: 'bad' }]];
}

function kernelCell({ entry, state, nexthop }: Explanation): Cell {
  if (entry === null) return { text: 'holds nothing for this key', tone: state === 'installed' ? 'bad' : undefined };
  const { action, ifindex, dmac, smac, mtu, rev, sound } = entry;
  if (!sound) return { text: 'holds something that no agent wrote; the program passes the packet', tone: 'bad' };
  if (action !== 'send') return `holds ${action}, of revision ${rev}`;
  const named = nexthop?.interface !== undefined && nexthop.ifindex === ifindex;
  const out = named ? nexthop.interface : `interface index ${ifindex}`;
  return `sends out of ${out} to ${dmac} from ${smac}, MTU ${mtu}, of revision ${rev}`;
}

function overlapTable({ overlaps, overlapsTotal, state: own }: Explanation, screen: Screen): string {
  if (overlaps.length === 0) return '';
  const rows = overlaps.map(({ name, key, state, wins }): Cell[] => [
    name,
    wins
      ? { text: state === 'installed' ? 'wins over it' : 'would win over it', tone: 'warn' }
      : own === 'installed'
        ? 'loses to it'
        : 'would lose to it',
    state,
    key,
  ]);
  const columns = [
    { title: 'OVERLAPS', whole: true },
    { title: 'WHERE BOTH MATCH' },
    { title: 'STATE' },
    { title: 'KEY', below: true },
  ];
  const more = overlapsTotal - overlaps.length;
  return table(columns, rows, screen) + (more > 0 ? `\n… and ${more} more` : '');
}
