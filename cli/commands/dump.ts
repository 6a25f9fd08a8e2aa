import { type DumpEntry, encodeAskRequest, parseDumpReply } from '../../protocol/ask.ts';
import { Bus } from '../client.ts';
import { command } from '../line/command.ts';
import { EXIT } from '../line/failure.ts';
import { BUS_OPTIONS } from '../line/options.ts';
import { collect, Portion } from '../paging.ts';
import { actionText, ageText } from '../show/format.ts';
import { type Cell, type Column, table } from '../show/table.ts';

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

export const dump = command({
  synopsis: '--host HOST',
  about:
    'Asks the agent of a host for every redirect that it was given: its state, its counters, and what the kernel holds of it.',
  examples: ['shunt dump --host edge-7', "shunt dump --host edge-7 -o json | jq '.items[] | {name, packets}'"],
  options: ['host', ...BUS_OPTIONS],
  async run({ options: { host, ...options }, terminal }) {
    await using bus = await Bus.open(options);
    const portion = new Portion();
    const items = await collect(
      (after) =>
        portion.read((limit) => {
          const request = encodeAskRequest({ v: 1, ...(after !== undefined && { after }), limit });
          return bus.ask(host, 'dump', request, parseDumpReply);
        }),
      terminal,
    );
    const listed = items.length === 0 ? 'no redirects' : table(COLUMNS, items.map(row), terminal);
    terminal.print(options.output === 'json' ? JSON.stringify({ host, items }) : listed);
    return EXIT.done;
  },
});

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
