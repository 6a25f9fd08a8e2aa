import { type DumpEntry, encodeAskRequest, parseDumpReply } from '../../protocol/ask.ts';
import type { HostProblem } from '../../protocol/status.ts';
import { Bus } from '../client.ts';
import { chooseHosts, tellHosts } from '../fleet.ts';
import { command } from '../line/command.ts';
import { BUS_OPTIONS } from '../line/options.ts';
import { collect, Portion } from '../paging.ts';
import { actionText, ageText } from '../show/format.ts';
import { type Cell, type Column, fits, table } from '../show/table.ts';
import { paint, type Terminal } from '../show/terminal.ts';
import { unprovenText } from '../show/unproven.ts';

type Screen = Pick<Terminal, 'width' | 'colour'>;

/** Revisions and slots are for programs, in the JSON; a person needs the room for what fits no narrow terminal. */
const COLUMNS: readonly Column[] = [
  { title: 'NAME', whole: true },
  { title: 'STATE', whole: true },
  { title: 'PACKETS', align: 'right' },
  { title: 'BYTES', align: 'right' },
  { title: 'LAST SEEN' },
  { title: 'TO' },
  { title: 'KEY', below: true },
];
/** Where whole names have no room: the key below says which redirect it is. */
const CUT: readonly Column[] = COLUMNS.with(0, { title: 'NAME' });

export const dump = command({
  synopsis: '[--host HOST... | -l LABELS | --all]',
  about: `Asks the agent of a host for every redirect that it was given: its state, its counters, and what the kernel holds of it.
Several are asked by --host more than once, by their labels (-l), or all; who does not answer is named, and the exit status is 3.
It is 3, too, where a host may have others, as its store is gone or damaged, or its set not proven: then it says why, and what to do.`,
  examples: ['shunt dump --host edge-7', "shunt dump --host edge-7 -o json | jq '.items[] | {name, packets}'"],
  options: ['host', 'selector', 'all', ...BUS_OPTIONS],
  async run({ options, written, terminal }) {
    await using bus = await Bus.open(options);
    const hosts = await chooseHosts({ options, written }, bus, terminal);
    const alone = typeof hosts === 'string';
    const ask = async (host: string) => {
      const { items, problems } = await readDump(bus, host, alone ? terminal : IN_SILENCE);
      const partial = problems.length > 0;
      const listed = () =>
        [...listing(items, partial, terminal), ...(partial ? [unprovenText(host, problems)] : [])].join('\n');
      const text = () => (alone ? listed() : [paint(terminal, 'strong', host), listed()].join('\n'));
      return { json: { host, ...(partial && { problems }), items }, text, partial };
    };
    return await tellHosts(hosts, ask, options.output, terminal);
  },
});

/** Of several hosts it is shown how many were asked. */
const IN_SILENCE = { progress: () => {} };

function listing(items: readonly DumpEntry[], partial: boolean, terminal: Terminal): readonly string[] {
  if (items.length === 0) return partial ? [] : ['no redirects'];
  return [layOut(items, terminal)];
}

export function layOut(items: readonly DumpEntry[], screen: Screen): string {
  const rows = items.map(row);
  const isCut = !fits(COLUMNS, rows, screen, 'cut') && fits(CUT, rows, screen, 'cut');
  return table(isCut ? CUT : COLUMNS, rows, screen);
}

async function readDump(
  bus: Pick<Bus, 'ask'>,
  host: string,
  terminal: Pick<Terminal, 'progress'>,
): Promise<{ readonly items: readonly DumpEntry[]; readonly problems: readonly HostProblem[] }> {
  const portion = new Portion();
  let problems: readonly HostProblem[] = [];
  const items = await collect(async (after) => {
    const page = await portion.read((limit) => {
      const request = encodeAskRequest({ v: 1, ...(after !== undefined && { after }), limit });
      return bus.ask(host, 'dump', request, parseDumpReply);
    });
    problems = page.problems ?? problems;
    return page;
  }, terminal);
  return { items, problems };
}

function row({ key, name, state, code, packets, bytes, seenMsAgo, to }: DumpEntry): Cell[] {
  const bad = state === 'blocked' || state === 'denied' || state === 'failed';
  return [
    name,
    { text: code === undefined ? state : `${state} ${code}`, tone: bad ? 'bad' : undefined },
    packets,
    bytes,
    seenMsAgo === null ? 'never' : `${ageText(seenMsAgo)} ago`,
    actionText(to),
    key,
  ];
}
