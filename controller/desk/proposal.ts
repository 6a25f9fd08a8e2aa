import { type Guard, guardOf } from '../../protocol/guard.ts';
import type { PlanRequest } from '../../protocol/plan.ts';
import type { Move, Proposal } from '../compile/preview.ts';
import type { PreviewHead } from '../compile/preview-report.ts';
import type { Transaction } from '../log/transaction.ts';
import type { Claim } from '../model/claim.ts';
import { Declined } from '../model/declined.ts';
import type { SpecRow } from '../store/schema.ts';
import { claimFrom } from '../store/tables/spec-row.ts';
import { nearNames } from './near-names.ts';
import { joinSet } from './sets.ts';
import { namesNothing, readUpload } from './upload.ts';

const CLAIMS_AT_ONCE = 2000;

/** Reads what a plan is made of, and hands on the row of each spec of it. Errors: Declined, as an apply of the same would have it. */
export async function readProposal(
  transaction: Transaction,
  last: PlanRequest,
  take: (row: SpecRow, move: Move) => void = () => {},
): Promise<Proposal & { readonly head: PreviewHead }> {
  const { session, tables } = transaction;
  const moves: Move[] = [];
  const named = new Set<string>();
  await readUpload(transaction, last, async (rows) => {
    for (const row of rows) {
      named.add(row.name);
      const move = await moveOf(transaction, row);
      take(row, move);
      moves.push(move);
    }
  });
  requireApart(named, last.delete ?? []);
  const absent: string[] = [];
  for (const name of new Set(last.delete ?? [])) {
    const before = (await tables.specs.find(session, name))?.claim;
    if (before === undefined) absent.push(name);
    else moves.push({ before, after: undefined, same: false });
  }
  if (moves.length + absent.length === 0) throw namesNothing();
  const guards = await readGuards(transaction);
  const capacities = allowed(await tables.hosts.capacities(session), guards);
  const set = last.set === undefined ? undefined : await joinSet(transaction, last.set, named, false);
  const sorted = set !== undefined && { set };
  const newest = await tables.audit.newest(session);
  const head = {
    newest,
    upload: last.upload,
    absent,
    capacities,
    guards,
    ...sorted,
    ...(await nearNames(transaction, absent)),
  };
  return { moves, claims: await readAllClaims(transaction), fleet: await tables.hosts.fleet(session), head };
}

/** The guards that hosts reported, by host. */
async function readGuards({ session, tables }: Transaction): Promise<ReadonlyMap<string, Guard>> {
  const words = await tables.hosts.words.all(session);
  return new Map(
    [...words].flatMap(([host, { report }]) => {
      const { guard } = report.status;
      return guard === null ? [] : [[host, guardOf(guard)] as const];
    }),
  );
}

/** The room of hosts, as far as their guards let it be used. */
function allowed<Room extends { readonly max: number }>(
  rooms: ReadonlyMap<string, Room>,
  guards: ReadonlyMap<string, Guard>,
): ReadonlyMap<string, Room> {
  const roomOf = (host: string, room: Room): Room => {
    const most = guards.get(host)?.maxRedirects ?? room.max;
    return most < room.max ? { ...room, max: most } : room;
  };
  return new Map([...rooms].map(([host, room]) => [host, roomOf(host, room)]));
}

/** Errors: Declined, where one name is both among those that come and those that go. */
export function requireApart(named: Iterable<string>, goes: readonly string[]): void {
  const both = new Set(named).intersection(new Set(goes)).keys().next().value;
  if (both !== undefined)
    throw new Declined('BAD_REQUEST', `${both} is to be applied and to be deleted; choose one of them`);
}

async function moveOf({ session, tables }: Transaction, row: SpecRow): Promise<Move> {
  const stored = await tables.specs.find(session, row.name);
  const same = stored !== undefined && JSON.stringify(stored.json) === row.spec;
  return { before: stored?.claim, after: claimFrom(row), same };
}

/** Every claim there is. */
export async function readAllClaims({ session, tables, turn }: Transaction): Promise<readonly Claim[]> {
  const claims: Claim[] = [];
  for (let after = ''; ; ) {
    const some = await tables.specs.claims(session, after, CLAIMS_AT_ONCE);
    claims.push(...some);
    const last = some.at(-1);
    if (last === undefined) return claims;
    after = last.name;
    await turn();
  }
}
