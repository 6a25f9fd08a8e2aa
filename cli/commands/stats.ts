import { encodeAskRequest } from '../../protocol/ask.ts';
import { parseStatsReply, type Stats } from '../../protocol/stats.ts';
import { Bus } from '../client.ts';
import { chooseHosts, tellHosts } from '../fleet.ts';
import { command } from '../line/command.ts';
import { BUS_OPTIONS } from '../line/options.ts';
import { type Cell, type Column, fields, table } from '../show/table.ts';
import type { Terminal } from '../show/terminal.ts';

type Screen = Pick<Terminal, 'width' | 'colour'>;

const VERDICT_COLUMNS: readonly Column[] = [{ title: 'VERDICT' }, { title: 'PACKETS', align: 'right' }];
const LOSS_COLUMNS: readonly Column[] = [
  { title: 'LOST AT' },
  { title: 'WHY' },
  { title: 'TOLD BY' },
  { title: 'PACKETS', align: 'right' },
];

export const stats = command({
  synopsis: '[--host HOST... | -l LABELS | --all]',
  about: `Asks the agent of a host what became of packets since the program was attached: how often it decided what, and how
many of those that it redirected died on their way out. Several are asked by --host more than once, by their labels (-l), or all;
who does not answer is named, and the exit status is 3.`,
  examples: ['shunt stats --host edge-7', 'shunt stats --host edge-7 -o json | jq .losses'],
  options: ['host', 'selector', 'all', ...BUS_OPTIONS],
  async run({ options, written, terminal }) {
    await using bus = await Bus.open(options);
    const hosts = await chooseHosts({ options, written }, bus, terminal);
    const ask = async (host: string) => {
      const json = await bus.ask(host, 'stats', encodeAskRequest({ v: 1 }), parseStatsReply);
      return { json, text: () => layOut(json as Stats, terminal) };
    };
    return await tellHosts(hosts, ask, options.output, terminal);
  },
});

/** Lays the counts out for people: the sums, each verdict that there was, and what was lost. */
function layOut(stats: Stats, screen: Screen): string {
  const sections = [fields(sums(stats), screen), verdictTable(stats, screen), lossTable(stats, screen)];
  return sections.filter((section) => section !== '').join('\n\n');
}

function sums({ host, packets, redirected, lost, unwatched }: Stats): [name: string, value: Cell][] {
  const blind: [name: string, value: Cell][] =
    unwatched.length === 0
      ? []
      : [['not watched', { text: `${unwatched.join(', ')}: what they tell of is not counted`, tone: 'warn' }]];
  return [
    ['host', host],
    ['packets', packets],
    ['redirected', redirected],
    ['lost after that', { text: lost, tone: lost === '0' ? undefined : 'bad' }],
    ...blind,
  ];
}

function verdictTable({ verdicts }: Stats, screen: Screen): string {
  const counted = Object.entries(verdicts).filter(([, packets]) => packets !== '0');
  return counted.length === 0 ? '' : table(VERDICT_COLUMNS, counted, screen);
}

function lossTable({ losses }: Stats, screen: Screen): string {
  if (losses.length === 0) return '';
  const rows = losses.map(({ interface: name, ifindex, errno, tracepoint, packets }): Cell[] => [
    name ?? `index ${ifindex}`,
    errno ?? '-',
    tracepoint,
    { text: packets, tone: 'bad' },
  ]);
  return table(LOSS_COLUMNS, rows, screen);
}
