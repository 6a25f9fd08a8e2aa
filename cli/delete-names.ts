import type { Near } from '../protocol/api.ts';
import { encodeDeleteRequest, parseDeleteReply } from '../protocol/delete.ts';
import { listBudgetBytes } from '../protocol/json.ts';
import type { Terms } from '../protocol/terms.ts';
import type { Bus } from './client.ts';
import { EXIT, Failure } from './line/failure.ts';
import { knowingTerms } from './line/terms.ts';
import { shortChange } from './show/change-state.ts';
import { countText, workText } from './show/format.ts';
import type { Terminal } from './show/terminal.ts';

/** A request is one transaction of the controller; a longer list takes several. */
const NAMES_AT_ONCE = 5_000;
/** A name takes no more: 63 characters, quotes and a comma. */
const NAME_BYTES = 66;

/** What became of a delete: of all its requests together, but for the changes, one of each that deleted something. */
export interface Deleted {
  readonly deleted: string[];
  readonly absent: string[];
  hosts: number;
  rev: number;
  readonly nears: Near[];
  /** Undefined: of a controller of an older release. */
  readonly changes: (string | undefined)[];
}

/** Deletes redirects by name, in as many requests as they take. Errors: Failure, which says what was deleted before it. */
export async function deleteNames(
  names: readonly string[],
  { terms, files }: { readonly terms: Terms; readonly files: readonly string[] },
  bus: Pick<Bus, 'api' | 'maxPayloadBytes'>,
  terminal: Pick<Terminal, 'progress'>,
): Promise<Deleted> {
  const done: Deleted = { deleted: [], absent: [], hosts: 0, rev: 0, nears: [], changes: [] };
  const hear = (count: number): void => terminal.progress(workText(count, 'redirects on hosts'));
  const pieces = [...split(names, listBudgetBytes(bus.maxPayloadBytes))];
  if (pieces.length > 1 && terms.allowShrink !== true) throw pastTheGate(names.length, pieces.length);
  for (const some of pieces) {
    const request = encodeDeleteRequest({ v: 1, names: some, ...terms });
    const asking = knowingTerms(bus.api('delete', request, parseDeleteReply, { hear, files }), terms);
    const {
      deleted,
      absent,
      hosts,
      rev,
      near = [],
      change,
    } = await asking.catch((error: unknown) => {
      throw afterOthers(error, done);
    });
    terminal.progress('');
    if (deleted.length > 0 || (terms.confirm !== undefined && hosts > 0)) done.changes.push(change);
    done.deleted.push(...deleted);
    done.absent.push(...absent);
    done.nears.push(...near);
    done.hosts = Math.max(done.hosts, hosts);
    done.rev = rev;
  }
  return done;
}

/** The controller judges each request alone, and would let by in pieces what it does not as a whole. */
function pastTheGate(names: number, pieces: number): Failure {
  const message = `${names} redirects take ${pieces} changes, and how much goes would be judged of each alone; nothing was changed: see shunt plan --delete, and repeat it with --allow-shrink and --reason`;
  return new Failure(EXIT.refused, 'SHRINKS_TOO_MUCH', message);
}

/** What the requests before one that failed have deleted stays deleted. */
function afterOthers(error: unknown, { deleted, changes }: Deleted): unknown {
  if (!(error instanceof Failure) || deleted.length === 0) return error;
  const made = changes.filter((change) => change !== undefined).map(shortChange);
  const which = made.length === 0 ? '' : `, change ${made.join(', ')}`;
  const message = `${error.message}; before that, ${countText(deleted.length, 'redirect')} of it went${which}`;
  return new Failure(error.exit, error.code, message, { cause: error });
}

/** In pieces that fit a message, and as many names as are deleted at once. */
function* split(names: readonly string[], budgetBytes: number): Generator<readonly string[]> {
  const most = Math.min(NAMES_AT_ONCE, Math.floor(budgetBytes / NAME_BYTES));
  for (let from = 0; from < names.length; from += most) yield names.slice(from, from + most);
}
