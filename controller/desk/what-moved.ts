import type { ApplyRequest } from '../../protocol/api.ts';
import { claimsOf, type Move, type Proposal } from '../compile/preview.ts';
import type { Transaction } from '../log/transaction.ts';
import { someText } from '../model/count-words.ts';
import type { Audit } from '../store/tables/audit.ts';

type Asked = Pick<ApplyRequest, 'newest' | 'delete' | 'prune'>;
type Found = Pick<Proposal, 'claims' | 'moves'> & { readonly joined: number };

/** So many redirects are looked at: more would take longer than it is worth. */
const LOOKED_AT = 200;
/** Changes, and redirects of each, that a sentence names. */
const SHOWN = 2;
const ACTOR_SHOWN = 60;

/** Says what of a plan is otherwise by now, as far as changes were noted since it was made. */
export async function whatMoved(
  transaction: Transaction,
  asked: Asked,
  { claims, moves, joined }: Found,
): Promise<string> {
  const goes = [...(asked.delete ?? []), ...(asked.prune ?? [])];
  const own = [...new Set([...moves.flatMap(({ after }) => after?.name ?? []), ...goes])];
  if (joined === 0 && moves.every(isDone)) return appliedText(await newestOf(transaction, own));
  if (asked.newest === undefined) return 'its redirects, others with the same matches, or hosts and their labels moved';
  const since = await newestOf(transaction, [...new Set([...own, ...rivals(claims, moves)])]);
  const moved = [...since].filter(([, { id }]) => id > (asked.newest ?? 0));
  if (moved.length > 0) return movedText(moved);
  return elsewhereText(await changesSince(transaction, asked.newest));
}

function isDone({ after, same }: Move): boolean {
  return after !== undefined && same;
}

/** Others with the same matches. */
function rivals(claims: Found['claims'], moves: Found['moves']): readonly string[] {
  const touched = new Set(claimsOf(moves).map(({ key }) => key));
  return claims.filter(({ key }) => touched.has(key)).map(({ name }) => name);
}

/** The newest change of each redirect that one is known of. */
async function newestOf(
  { session, tables }: Transaction,
  names: readonly string[],
): Promise<ReadonlyMap<string, Audit>> {
  const newest = new Map<string, Audit>();
  for (const name of names.slice(0, LOOKED_AT)) {
    const [audit] = await tables.audit.deedsTo(session, name, Number.MAX_SAFE_INTEGER, 1);
    if (audit !== undefined) newest.set(name, audit);
  }
  return newest;
}

async function changesSince({ session, tables }: Transaction, newest: number): Promise<readonly Audit[]> {
  const last = await tables.audit.before(session, Number.MAX_SAFE_INTEGER, SHOWN);
  return last.filter(({ id }) => id > newest);
}

function appliedText(newest: ReadonlyMap<string, Audit>): string {
  const [last] = [...newest.values()].sort((a, b) => b.id - a.id);
  return `applied already, all of it is so${last === undefined ? '' : ` since ${changeText(last)}`}`;
}

function movedText(moved: readonly (readonly [name: string, Audit])[]): string {
  const byChange = [...Map.groupBy(moved, ([, { id }]) => id).values()].sort((a, b) => idOf(b) - idOf(a));
  const texts = byChange.slice(0, SHOWN).flatMap((some) => {
    const [first] = some;
    if (first === undefined) return [];
    const names = some.map(([name]) => name);
    return [`${someText(names, SHOWN)} by ${changeText(first[1])}`];
  });
  const rest = byChange.length > SHOWN ? `, and by ${byChange.length - SHOWN} more changes` : '';
  return `moved since then: ${texts.join('; ')}${rest}`;
}

function idOf([first]: readonly (readonly [name: string, Audit])[]): number {
  return first?.[1].id ?? 0;
}

/** No redirect of the plan moved. */
function elsewhereText(changes: readonly Audit[]): string {
  const hosts = 'hosts came, went or have other labels or agents, or the file was edited';
  if (changes.length === 0) return `no redirect moved since then: ${hosts}`;
  return `no redirect of it moved since then: others did, by ${changes.map(changeText).join(' and ')}, or ${hosts}`;
}

function changeText({ change, origin, atMs }: Audit): string {
  const by = origin.actor === undefined ? '' : ` of ${origin.actor.slice(0, ACTOR_SHOWN)}`;
  return `change ${change}${by} at ${new Date(atMs).toISOString()}`;
}
