import type { Labels } from '../protocol/host.ts';
import type { Bus } from './client.ts';
import { confirmDeletion } from './confirm.ts';
import { nothingFound, readNames } from './names.ts';
import { labelsText } from './show/format.ts';
import { notice, type Terminal } from './show/terminal.ts';

/** How the redirects of a delete are named: one by one, by files that have them, by their set or their selector. */
export interface Choice {
  /** In files, and the names of these. */
  readonly written: readonly string[];
  readonly file: readonly string[];
  readonly set: string | undefined;
  readonly labels: Labels | undefined;
  readonly names: readonly string[];
  readonly yes: boolean;
}

/** The redirects that a delete is of. Those that are not named one by one are shown first, and confirmed. Errors: Failure. */
export async function chooseNames(
  { names, written, yes, ...others }: Choice,
  bus: Pick<Bus, 'api'>,
  terminal: Terminal,
): Promise<readonly string[]> {
  const found = await readFound(others, bus, terminal);
  const chosen = [...new Set([...names, ...written, ...found])];
  if (written.length + found.length > 0) await confirmDeletion(chosen, whyOf(others), yes, terminal);
  return chosen;
}

type Wanted = Omit<Choice, 'names' | 'written' | 'yes'>;

async function readFound(
  { set, labels }: Wanted,
  bus: Pick<Bus, 'api'>,
  terminal: Terminal,
): Promise<readonly string[]> {
  if (set === undefined && labels === undefined) return [];
  const filter = { ...(set !== undefined && { set }), ...(labels !== undefined && { labels }) };
  const found = await readNames(bus, filter, terminal);
  if (found.length === 0) notice(terminal, await nothingFound(bus, filter, terminal));
  return found.map(({ name }) => name);
}

function whyOf({ set, labels, file }: Wanted): string {
  const whys = [
    ...(file.length > 0 ? [`in ${file.join(', ')}`] : []),
    ...(set !== undefined ? [`of the set ${set}`] : []),
    ...(labels !== undefined ? [`for hosts with ${labelsText(labels)}`] : []),
  ];
  return set !== undefined && labels !== undefined && file.length === 0 ? whys.join(' ') : whys.join(', and ');
}
