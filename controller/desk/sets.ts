import type { ApplyRequest } from '../../protocol/api.ts';
import type { NamedItem, NamesReply, NamesRequest } from '../../protocol/names.ts';
import { MAX_MOVED, type Moved, type SetOutcome } from '../../protocol/sets.ts';
import type { Transaction } from '../log/transaction.ts';
import { Declined } from '../model/declined.ts';
import { fill, limitOf, nextOf } from './paging.ts';

const NAMES_AT_ONCE = 1000;
/** The names that a refusal has. */
const MAX_NAMED = 3;

/** Lists redirects, or sets, by name alone. */
export async function listNames(
  { session, tables }: Transaction,
  request: NamesRequest,
  budgetBytes: number,
): Promise<NamesReply> {
  const limit = limitOf(request, budgetBytes);
  const { after = '', set, labels, prefix } = request;
  const filter = { ...(set && { set }), ...(labels && { hosts: labels }), ...(prefix && { prefix }) };
  const found: readonly NamedItem[] =
    request.sets === true
      ? (await tables.sets.sets(session, { after, limit })).map((name) => ({ name }))
      : (await tables.sets.names(session, filter, { after, limit })).map(itemOf);
  const items = await fill(found, async (item) => item, nameOf, budgetBytes);
  return { v: 1, items, next: nextOf(found, items.length, limit, nameOf) };
}

function itemOf({ name, set }: { readonly name: string; readonly set: string | undefined }): NamedItem {
  return { name, ...(set !== undefined && { set }) };
}

function nameOf({ name }: NamedItem): string {
  return name;
}

/** Puts redirects into a set, or with `commit` false says what that would do. */
export async function joinSet(
  { session, tables }: Transaction,
  set: string,
  names: Iterable<string>,
  commit = true,
): Promise<SetOutcome> {
  const moved: Moved[] = [];
  let joined = 0;
  for (const name of names) {
    const from = await (commit ? tables.sets.put(session, name, set) : tables.sets.of(session, name));
    if (from !== set) joined += 1;
    if (from !== undefined && from !== set) moved.push({ name, from });
  }
  return {
    name: set,
    joined,
    ...(moved.length > 0 && { moved: moved.slice(0, MAX_MOVED), movedTotal: moved.length }),
  };
}

/**
 * What of a set is to go: it has to be what it has beside the upload, no more and no less. Errors: Declined SET_CHANGED, or
 * BAD_REQUEST where the upload is empty.
 */
export async function requirePrunable(
  transaction: Transaction,
  { set, prune = [] }: Pick<ApplyRequest, 'set' | 'prune'>,
  kept: readonly string[],
): Promise<readonly string[]> {
  if (set === undefined) return [];
  if (kept.length === 0)
    throw new Declined('BAD_REQUEST', `nothing is applied, so all of the set ${set} would go; delete it by its name`);
  const keeping = new Set(kept);
  const seen = new Set(prune);
  const more: string[] = [];
  for await (const name of namesIn(transaction, set)) {
    if (keeping.has(name) || seen.delete(name)) continue;
    more.push(name);
  }
  if (more.length + seen.size === 0) return prune;
  const said = [...sayNames('has', more), ...sayNames('has no more', [...seen])].join(', and ');
  throw new Declined('SET_CHANGED', `the set ${set} ${said} since it was looked at; nothing was changed: look again`);
}

function sayNames(verb: string, names: readonly string[]): readonly string[] {
  if (names.length === 0) return [];
  const more = names.length > MAX_NAMED ? `, … (${names.length})` : '';
  return [`${verb} ${names.slice(0, MAX_NAMED).join(', ')}${more}`];
}

async function* namesIn({ session, tables, turn }: Transaction, set: string): AsyncGenerator<string> {
  for (let after = ''; ; ) {
    const some = await tables.sets.names(session, { set }, { after, limit: NAMES_AT_ONCE });
    for (const { name } of some) yield name;
    const last = some.at(-1);
    if (last === undefined) return;
    after = last.name;
    await turn();
  }
}
