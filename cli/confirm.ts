import type { PlanRequest } from '../protocol/plan.ts';
import type { Terms } from '../protocol/terms.ts';
import type { Bus } from './client.ts';
import { EXIT, Failure, usage } from './line/failure.ts';
import { countText } from './show/format.ts';
import { gatesOf } from './show/plan-notes.ts';
import type { Terminal } from './show/terminal.ts';
import { askPlan } from './specs/ask-plan.ts';
import type { Prepared } from './specs/prepare.ts';

/** Names on a terminal; in a pipe all are shown. */
const MAX_SHOWN = 40;

/**
 * Shows what is to be deleted, and does not come back if nobody wants it: without a terminal, `--yes` has to say so.
 * `check`: before anybody is asked, what would be refused all the same.
 */
export async function confirmDeletion(
  names: readonly string[],
  why: string,
  yes: boolean,
  terminal: Pick<Terminal, 'note' | 'noteWidth' | 'confirm'>,
  check: () => Promise<void>,
): Promise<void> {
  const of = showDeletion(names, why, terminal);
  if (yes) return;
  if (terminal.confirm === undefined) throw usage(`${of} would go, and nobody can be asked here; --yes does it`);
  await check();
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

/** Of more, nobody waits for a plan before the question: then the request itself is refused. */
const MAX_ASKED = 5_000;

/** What is about to be asked for, and on which terms. */
export interface Intended extends Pick<PlanRequest, 'set'> {
  readonly specs: readonly Prepared[];
  readonly delete: readonly string[];
  readonly terms: Terms;
}

/** Says before anybody is asked that it would be refused for its size. Errors: Failure. */
export async function requireAllowed(
  { specs, terms, ...more }: Intended,
  bus: Pick<Bus, 'api' | 'maxPayloadBytes'>,
  terminal: Pick<Terminal, 'progress'>,
): Promise<void> {
  if (specs.length + more.delete.length > MAX_ASKED) return;
  const planned = await askPlan(specs, more, bus, terminal).catch((error: unknown) => {
    if (!(error instanceof Failure)) throw error; // what is wrong, the request itself says; who may delete may not be allowed to plan
  });
  if (planned === undefined) return;
  const first = gatesOf(planned).find(({ gate }) => !(gate === 'shrink' ? terms.allowShrink : terms.allowGrowth));
  if (first === undefined) return;
  const code = first.gate === 'shrink' ? 'SHRINKS_TOO_MUCH' : 'GROWS_TOO_MUCH';
  const what = `${first.text}; nothing was changed: repeat it with --allow-${first.gate} and --reason`;
  throw new Failure(EXIT.refused, code, `the controller would refuse it: ${what}`);
}
