import { EXIT, Failure, usage } from './line/failure.ts';
import { countText } from './show/format.ts';
import type { Terminal } from './show/terminal.ts';

/** Names on a terminal; in a pipe all are shown. */
const MAX_SHOWN = 40;

/** Shows what is to be deleted, and does not come back if nobody wants it: without a terminal, `--yes` has to say so. */
export async function confirmDeletion(
  names: readonly string[],
  why: string,
  yes: boolean,
  terminal: Pick<Terminal, 'note' | 'noteWidth' | 'confirm'>,
): Promise<void> {
  const of = showDeletion(names, why, terminal);
  if (yes) return;
  if (terminal.confirm === undefined) throw usage(`${of} would go, and nobody can be asked here; --yes does it`);
  if (await terminal.confirm('delete them?')) return;
  throw new Failure(EXIT.refused, 'FAILED', 'that was no yes; nothing was changed');
}

/** Shows what is to be deleted; answers how much that is. */
export function showDeletion(
  names: readonly string[],
  why: string,
  terminal: Pick<Terminal, 'note' | 'noteWidth'>,
): string {
  const shown = names.slice(0, terminal.noteWidth === undefined ? undefined : MAX_SHOWN);
  const more = names.length > shown.length ? [`… and ${names.length - shown.length} more`] : [];
  const of = `${countText(names.length, 'redirect')} ${why}`;
  terminal.note([`would delete ${of}:`, ...[...shown, ...more].map((name) => `  ${name}`)].join('\n'));
  return of;
}
