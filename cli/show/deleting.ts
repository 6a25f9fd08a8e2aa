import type { Deleting } from '../../protocol/deleting.ts';
import type { GetReply } from '../../protocol/listings.ts';
import { shortChange } from './change-state.ts';
import { ageText, someText } from './format.ts';
import { type Column, table } from './table.ts';
import type { Terminal } from './terminal.ts';

const COLUMNS: readonly Column[] = [
  { title: 'DELETED', whole: true },
  { title: 'STATE', whole: true },
  { title: 'NOT CONFIRMED BY' },
  { title: 'CHANGE', whole: true },
  { title: 'AGE', align: 'right' },
];

/** The redirects that were deleted, and may still be done by some hosts; the empty text where there are none. */
export function deletingTable(
  { deleting = [], deletingTotal = deleting.length }: Pick<GetReply, 'deleting' | 'deletingTotal'>,
  nowMs: number,
  screen: Pick<Terminal, 'width' | 'colour'>,
): string {
  if (deleting.length === 0) return '';
  const left = deletingTotal - deleting.length;
  const listed = table(
    COLUMNS,
    deleting.map((one) => row(one, nowMs)),
    screen,
  );
  return left > 0 ? `${listed}\n… and ${left} more are being deleted` : listed;
}

function row({ name, change, made, total, confirmed, reverted = 0, hosts }: Deleting, nowMs: number) {
  const back = reverted > 0 ? `, REVERTED ${reverted}` : '';
  const state = {
    text: `deleting ${confirmed}/${total}${back}`,
    tone: reverted > 0 ? ('bad' as const) : ('warn' as const),
  };
  const age = made === 0 ? '-' : ageText(nowMs - made);
  return [name, state, someText(hosts, total - confirmed), shortChange(change), age];
}
