import { readName } from '../../protocol/intent.ts';
import { encodeGetRequest, type GetItem, parseGetReply } from '../../protocol/listings.ts';
import { Bus } from '../client.ts';
import { command } from '../line/command.ts';
import { EXIT, Failure, usage } from '../line/failure.ts';
import { BUS_OPTIONS } from '../line/options.ts';
import { orElse } from '../line/refusal.ts';
import { collect } from '../paging.ts';
import { actionText, matchText, someText, unableText } from '../show/format.ts';
import { type Cell, type Column, table } from '../show/table.ts';
import { noteText, type Terminal } from '../show/terminal.ts';

const COLUMNS: readonly Column[] = [
  { title: 'NAME', whole: true },
  { title: 'MATCH', below: true },
  { title: 'TO' },
  { title: 'HOSTS' },
  { title: 'SHADOWED' },
  { title: 'REV', align: 'right' },
];

export const get = command({
  synopsis: '[NAME]',
  about: `Shows redirects as the controller has them: what they match, where packets go, on which hosts they win, and where
another one with the same match wins over them (shadowed).`,
  examples: ['shunt get', 'shunt get drain-web-2 -o json'],
  options: BUS_OPTIONS,
  operands: { placeholder: 'NAME', min: 0, max: 1 },
  async run({ options, operands: [given], terminal }) {
    const name = given === undefined ? undefined : requireName(given);
    await using bus = await Bus.open(options);
    const items = await collect((after) => bus.api('get', request(name, after), parseGetReply));
    if (name !== undefined && items.length === 0)
      throw new Failure(EXIT.refused, 'FAILED', `there is no redirect ${name}; see shunt get`);
    terminal.print(options.output === 'json' ? JSON.stringify({ items }) : table(COLUMNS, items.map(row), terminal));
    if (options.output !== 'json') for (const item of items) noteUnable(item, terminal);
    return EXIT.done;
  },
});

function noteUnable({ spec, unable = [], unableTotal = 0 }: GetItem, terminal: Terminal): void {
  if (unableTotal > 0) terminal.note(noteText(terminal, `${spec.name}: ${unableText(unable, unableTotal)}`));
}

function requireName(name: string): string {
  return orElse(
    () => readName(name, ''),
    ({ message }) => usage(`NAME: ${message}`),
  );
}

function request(name: string | undefined, after: string | undefined): Uint8Array {
  return encodeGetRequest({ v: 1, ...(name !== undefined && { name }), ...(after !== undefined && { after }) });
}

function row({ spec, hosts, hostsTotal, shadowed, shadowedTotal, rev }: GetItem): Cell[] {
  const where =
    spec.enabled === false ? { text: 'disabled', tone: 'warn' as const } : someText(hosts, hostsTotal) || '-';
  const losing = someText(
    shadowed.map(({ host, by }) => `${host} by ${by}`),
    shadowedTotal,
  );
  return [
    String(spec.name),
    matchText(spec.match),
    actionText(spec.to),
    where,
    { text: losing || '-', tone: losing === '' ? undefined : 'warn' },
    String(rev),
  ];
}
