import type { Labels } from '../protocol/host.ts';
import type { Terms } from '../protocol/terms.ts';
import type { Bus } from './client.ts';
import { confirmDeletion, requireAllowed } from './confirm.ts';
import { usage } from './line/failure.ts';
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
  readonly terms: Terms;
}

/** The redirects that a delete is of. Those that are not named one by one are shown first, and confirmed. Errors: Failure. */
export async function chooseNames(
  { names, written, yes, terms, ...others }: Choice,
  bus: Pick<Bus, 'api' | 'maxPayloadBytes'>,
  terminal: Terminal,
): Promise<readonly string[]> {
  const found = await readFound(others, bus, terminal);
  const chosen = [...new Set([...names, ...written, ...found])];
  const check = (): Promise<void> => requireAllowed({ specs: [], delete: chosen, terms }, bus, terminal);
  if (written.length + found.length > 0) await confirmDeletion(chosen, whyOf(others), yes, terminal, check);
  return chosen;
}

/**
 * Somebody who names some and a set means those of the set among them, or all of both: nobody can tell, so it is refused.
 * Errors: Failure USAGE.
 */
export function requireOneWay({ names, file, set, labels }: Omit<Choice, 'written' | 'yes' | 'terms'>): void {
  const ways = [
    ...(names.length > 0 ? ['NAME'] : []),
    ...(file.length > 0 ? ['-f'] : []),
    ...(set !== undefined || labels !== undefined ? ['--set and -l'] : []),
  ];
  if (ways.length === 0)
    throw usage('NAME is missing; write shunt delete NAME..., or name some by -f FILE, --set NAME or -l LABELS');
  if (ways.length === 1) return;
  const [kept = '', ...others] = ways;
  const is = kept === 'NAME' ? 'NAME is one redirect' : '-f names redirects one by one';
  const why = 'whether both or only what is in both is to go cannot be told';
  throw usage(`${is}; leave out ${others.join(', ')}: ${why}`);
}

type Wanted = Omit<Choice, 'names' | 'written' | 'yes' | 'terms'>;

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
  if (file.length > 0) return `in ${file.join(', ')}`;
  const ofSet = set === undefined ? [] : [`of the set ${set}`];
  return [...ofSet, ...(labels === undefined ? [] : [`for hosts with ${labelsText(labels)}`])].join(' ');
}
