import { MAX_LIMIT } from '../../protocol/ask.ts';
import { encodeHistoryRequest, type HistoryItem, parseHistoryReply } from '../../protocol/history.ts';
import { Bus } from '../client.ts';
import { command } from '../line/command.ts';
import { EXIT, Failure } from '../line/failure.ts';
import { requireName } from '../line/name.ts';
import { BUS_OPTIONS } from '../line/options.ts';
import { collect } from '../paging.ts';
import { shortChange } from '../show/change-state.ts';
import { ageText, countText, secondText } from '../show/format.ts';
import { type Cell, type Column, table } from '../show/table.ts';

/** A column, its cell, and whether an item has anything to say there; a column where none has is left out. */
interface Field {
  readonly column: Column;
  readonly cell: (item: HistoryItem) => Cell;
  readonly of?: (item: HistoryItem) => boolean;
}

const FIELDS: readonly Field[] = [
  { column: { title: 'WHEN', whole: true }, cell: ({ made }) => secondText(made) },
  { column: { title: 'CHANGE', whole: true }, cell: ({ change }) => shortChange(change) },
  { column: { title: 'WHAT', whole: true }, cell: didText },
  {
    column: { title: 'ROLLOUT', whole: true },
    of: ({ rollout }) => rollout !== undefined,
    cell: ({ rollout }) => (rollout === undefined ? '-' : shortChange(rollout)),
  },
  { column: { title: 'HOSTS', align: 'right' }, cell: hostsCell },
  { column: { title: 'WHO' }, cell: ({ actor = '-' }) => actor },
  { column: { title: 'FROM' }, cell: ({ sources = [] }) => sources.join(',') || '-' },
  {
    column: { title: 'REASON', below: true, prose: true },
    of: ({ reason, confirm }) => (reason ?? confirm) !== undefined,
    cell: ({ reason = '', confirm }) => [confirmText(confirm), reason].filter(Boolean).join('; '),
  },
];

export const history = command({
  synopsis: '[NAME] [--last N]',
  about: `Shows who changed a redirect, when, from which file and why, the newest first; also of one that is deleted by now. Without
NAME it shows all changes, with how many redirects each was about. WHO is what the command said of itself, and nobody
proves it. Changes are kept for 90 days, and fewer where there are very many.`,
  examples: ['shunt history drain-web-2', 'shunt history --last 20'],
  options: ['last', ...BUS_OPTIONS],
  operands: { placeholder: 'NAME', min: 0, max: 1, asks: 'redirects' },
  async run({ options, operands: [given], terminal }) {
    const name = given === undefined ? undefined : requireName(given);
    await using bus = await Bus.open(options);
    let left = options.last;
    const read = async (after: string | undefined) => {
      const place = after === undefined ? {} : { after };
      const limit = Math.min(Math.max(left, 1), MAX_LIMIT);
      const request = encodeHistoryRequest({ v: 1, ...(name !== undefined && { name }), ...place, limit });
      const page = await bus.api('history', request, parseHistoryReply, { refuse });
      left -= page.items.length;
      return { items: page.items, next: left > 0 ? page.next : null };
    };
    const items = (await collect(read, terminal)).slice(0, options.last);
    if (name !== undefined && items.length === 0 && options.last > 0)
      throw new Failure(EXIT.refused, 'FAILED', `no change of a redirect ${name} is known; see shunt history for all`);
    terminal.print(options.output === 'json' ? JSON.stringify({ items }) : layOut(items, terminal));
    return EXIT.done;
  },
});

function refuse({ code, message }: { readonly code: string; readonly message: string }): Failure {
  const older = 'the controller is of an older release, and keeps no history';
  return new Failure(
    EXIT.refused,
    code,
    code === 'UNKNOWN_VERB' ? older : `the controller refused history: ${message}`,
  );
}

export function layOut(items: readonly HistoryItem[], screen: Parameters<typeof table>[2]): string {
  if (items.length === 0) return 'no changes';
  const fields = FIELDS.filter(({ of }) => of === undefined || items.some(of));
  const rows = items.map((item) => fields.map(({ cell }) => cell(item)));
  return table(
    fields.map(({ column }) => column),
    rows,
    screen,
  );
}

/** Where the history was begun anew nothing was written for any: each takes its whole set when it is heard. */
function hostsCell({ verb, hosts }: HistoryItem): Cell {
  return verb === 'recover' ? '-' : String(hosts);
}

function confirmText(confirm: HistoryItem['confirm']): string {
  return confirm === undefined ? '' : `to be confirmed within ${ageText(confirm.withinMs)}`;
}

function didText({ verb, what, redirects }: HistoryItem): string {
  return what ?? (redirects === 0 ? verb : `${verb} ${countText(redirects, 'redirect')}`);
}
