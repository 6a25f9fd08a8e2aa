import { type Explanation, encodeExplainRequest, parseExplainReply } from '../../protocol/explain.ts';
import type { GetItem } from '../../protocol/listings.ts';
import { didYouMean } from '../../protocol/near.ts';
import { compareNames } from '../../protocol/order.ts';
import { askHosts, type Failed } from '../ask-hosts.ts';
import { Bus } from '../client.ts';
import { command } from '../line/command.ts';
import { EXIT, type Exit, Failure, usage } from '../line/failure.ts';
import { requireName } from '../line/name.ts';
import { BUS_OPTIONS, FORMATS, type Format } from '../line/options.ts';
import { stopSignal } from '../line/signals.ts';
import { completeAll, completeSpecs, type Listed, type Listing, listingOf, nameOf, type Wanted } from '../listing.ts';
import { nothingFound } from '../names.ts';
import { underWayText } from '../rollout/under-way.ts';
import { deletingTable } from '../show/deleting.ts';
import { nearText } from '../show/format.ts';
import { isFull } from '../show/live.ts';
import { redirectTable, refusedTexts, rowsOf } from '../show/redirect-table.ts';
import { silenceTable } from '../show/silence.ts';
import { noteText, notice, type Terminal } from '../show/terminal.ts';
import { type Teller, watchListing } from '../watch-listing.ts';

type Screen = Pick<Terminal, 'width' | 'colour'>;
/** One by one, or by a filter. */
type Chosen = Omit<Wanted, 'name'> & { readonly names: readonly string[] };
type WideScreen = Screen & { readonly wide: boolean };

export const get = command({
  synopsis: '[NAME... | --set NAME | -l LABELS] [-w | --exit-code]',
  about: `Shows redirects as the controller has them, and how they stand by what hosts said last: what they match, where packets
go, for which hosts they are, on how many of these they are in force (live), the worst of the others, how many packets meet them a
second (- where no host told within 45 s, ≥ where some did not), and since when they are as they are (age); where some have them
and there is room, also priority, end (expires) and description. Below stands which hosts do not do what, which are not sent one,
and what an apply would refuse now, each with the reason; shunt explain NAME asks the hosts. A host that was not heard for a
minute is silent, and nothing on it counts as in force. Of one NAME that has idle, hosts are asked how it stands there: how much
time it has left, or since when it is idle and what has it stand again, and its last count. With -o json every host of each is
named.

With several names those are shown that are there, and the others named, with exit status 1. With --set those of a set are shown,
with -l those whose \`hosts\` are exactly these labels. -o wide leaves nothing out, -o yaml writes a file that shunt apply takes,
-o name the names alone. With -w it goes on, and shows again what changes, until it is stopped.

With --exit-code, the exit status is 3 where not all of what is asked for is in force: on each host that it is for, and on one at
least, or disabled; and where something that was deleted may still redirect, or a filter finds nothing.`,
  examples: [
    'shunt get',
    'shunt get drain-web-1 drain-web-2 -o json',
    'shunt get -l role=edge -o yaml > edge.yaml',
    'shunt get --set web -w',
    'shunt get web-1 --exit-code',
  ],
  options: ['set', 'selector', 'watch', 'exit-code', ...BUS_OPTIONS],
  helps: { 'exit-code': 'end with 3 where not all is in force' },
  formats: FORMATS,
  operands: { placeholder: 'NAME', min: 0, max: Number.POSITIVE_INFINITY, asks: 'redirects' },
  async run({ options, operands, terminal }) {
    const { output, set, selector: labels, watch } = options;
    const names = operands.map(requireName);
    if (names.length > 0 && (set ?? labels) !== undefined) throw usage('NAME is one redirect; leave out --set and -l');
    if (watch && (output === 'yaml' || output === 'name'))
      throw usage(`-w shows what changes, and -o ${output} what is there; give one of them`);
    if (watch && options['exit-code']) throw usage('-w goes on, and --exit-code is how it is now; give one of them');
    await using bus = await Bus.open(options);
    const filter = { ...(set && { set }), ...(labels && { labels }) };
    const wanted = { names, ...filter };
    const listing = listingOf(names, filter, bus, names.length !== 1 && output !== 'json');
    const listed = await listing.read(terminal);
    const missing = missingOf(listed, names);
    const underWay = output === 'table' || output === 'wide' ? await underWayText(bus) : undefined;
    if (missing !== undefined && listed.items.length === 0) {
      if (underWay !== undefined) notice(terminal, underWay);
      throw missing;
    }
    if (listed.items.length === 0 && Object.keys(filter).length > 0)
      notice(terminal, await nothingFound(bus, filter, terminal));
    const exit = options['exit-code'] && !isInForce(listed, wanted) ? EXIT.unfinished : EXIT.done;
    if (output === 'yaml' || output === 'name') {
      await printSpecs(listed, output, bus, terminal);
      if (missing !== undefined) throw missing;
      return exit;
    }
    if (watch) return await follow(listing, listed, output, terminal);
    const all = output === 'json' ? await completeAll(listed.items, bus, terminal) : listed.items;
    const silence = names.length !== 1 ? undefined : await readSilence(all[0], output, bus, terminal);
    if (output === 'json') terminal.print(JSON.stringify({ items: all, ...silence, ...listed.gone }));
    else terminal.print(layOut(listed, silence, { ...terminal, wide: output === 'wide' }));
    if (underWay !== undefined) notice(terminal, underWay);
    if (missing !== undefined) throw missing;
    return exit;
  },
});

/** Whether all that is asked for is in force. What is deleted without a word of its set is no matter of a filter. */
function isInForce({ items, gone }: Listed, { names, set, labels }: Chosen): boolean {
  if ((set ?? labels) !== undefined) return items.length > 0 && items.every(isFull);
  if (names.length === 1 && items.length > 0) return items.every(isFull);
  return items.every(isFull) && gone.deleting === undefined;
}

function layOut({ items, nowMs, gone }: Listed, silence: Silences | undefined, screen: WideScreen): string {
  const isGone = items.length === 0 && gone.deleting !== undefined;
  const shown = isGone ? '' : redirectTable(items, nowMs, screen);
  const parts = [shown, ...silenceLines(silence, items[0], screen), deletingTable(gone, nowMs, screen)];
  return parts.filter((part) => part !== '').join('\n\n');
}

/** Shows what there is, and then what changes, until it is stopped. */
async function follow(
  listing: Pick<Listing, 'read'>,
  first: Listed,
  output: Format,
  terminal: Terminal,
): Promise<Exit> {
  const screen = { ...terminal, wide: output === 'wide' };
  const teller = output === 'json' ? tellJson(terminal) : tellRows(screen, terminal);
  if (output === 'json') teller.changed(first, new Set(first.items.map(nameOf)));
  else terminal.print(redirectTable(first.items, first.nowMs, screen));
  await watchListing(first, () => listing.read(terminal), teller, terminal, stopSignal());
  return EXIT.done;
}

/** Of what is not there, and is not being deleted, nothing can be said. */
function missingOf({ items, near, gone }: Listed, names: readonly string[]): Failure | undefined {
  const known = new Set([...items.map(nameOf), ...(gone.deleting ?? []).map(({ name }) => name)]);
  const missing = names.filter((name) => !known.has(name));
  if (missing.length === 0 || (names.length === 1 && gone.deleting !== undefined)) return undefined;
  const texts = missing.map((name) => `there is no redirect ${name}${nearText(name, near) || wordHint(name)}`);
  return new Failure(EXIT.refused, 'FAILED', texts.join('; '));
}

/** What can be handed to another command: a file to apply, or names. */
async function printSpecs(
  { items }: Listed,
  output: 'yaml' | 'name',
  bus: Pick<Bus, 'api'>,
  terminal: Terminal,
): Promise<void> {
  if (output === 'yaml') {
    const { writeYaml } = await import('../specs/write-yaml.ts');
    terminal.print(writeYaml(await completeSpecs(items, bus, terminal)));
    for (const text of items.flatMap(refusedTexts)) notice(terminal, text);
  } else if (items.length > 0) terminal.print(items.map(nameOf).join('\n'));
}

function tellRows(screen: WideScreen, terminal: Pick<Terminal, 'print'>): Teller {
  return {
    changed({ items, nowMs }, names) {
      const [, ...rows] = rowsOf(items, nowMs, screen);
      const lines = items.flatMap((item, at) => (names.has(nameOf(item)) ? (rows[at] ?? []) : []));
      terminal.print(lines.join('\n'));
    },
    gone: (name) => terminal.print(`${name}  deleted`),
  };
}

/** A document a line, for each redirect that is there, changes or goes. */
function tellJson(terminal: Pick<Terminal, 'print'>): Teller {
  return {
    changed({ items }, names) {
      for (const item of items) if (names.has(nameOf(item))) terminal.print(JSON.stringify(item));
    },
    gone: (name) => terminal.print(JSON.stringify({ deleted: name })),
  };
}

/** What hosts say of a redirect that is given up in silence, and which of them said nothing. */
interface Silences {
  readonly idle: readonly Explanation[];
  readonly failed: readonly Failed[];
}

/** For people, so many hosts are asked. */
const MAX_ASKED = 32;

/** Asks the hosts of a redirect that has `idle` how it stands there. */
async function readSilence(
  item: Pick<GetItem, 'spec' | 'hosts'> | undefined,
  output: Format,
  bus: Pick<Bus, 'ask'>,
  terminal: Pick<Terminal, 'progress'>,
): Promise<Silences | undefined> {
  if (item?.spec.idle === undefined) return undefined;
  const request = encodeExplainRequest({ v: 1, name: String(item.spec.name) });
  const hosts = item.hosts.toSorted(compareNames).slice(0, output === 'json' ? undefined : MAX_ASKED);
  const { answers, failed } = await askHosts(
    hosts,
    (host) => bus.ask(host, 'explain', request, parseExplainReply),
    terminal,
  );
  return { idle: answers, failed };
}

function silenceLines(
  silences: Silences | undefined,
  item: Pick<GetItem, 'hostsTotal'> | undefined,
  screen: Screen,
): readonly string[] {
  if (silences === undefined) return [];
  const { idle, failed } = silences;
  const notes = failed.map(({ message }) => noteText(screen, message)).join('\n');
  const left = (item?.hostsTotal ?? 0) - idle.length - failed.length;
  const more = left > 0 ? `… and ${left} more hosts; -o json asks all` : '';
  return [idle.length === 0 ? '' : silenceTable(idle, Date.now(), screen), more, notes].filter((text) => text !== '');
}

/** What other tools have after this word; each may be the name of a redirect. */
function wordHint(name: string): string {
  if (/^(hosts?|nodes?|agents?)$/.test(name)) return `; ${didYouMean('shunt hosts')}`;
  return /^(redirects?|rules?|routes?|all)$/.test(name) ? `; ${didYouMean('shunt get')}` : '; see shunt get';
}
