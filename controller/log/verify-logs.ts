import { addDigest, EMPTY_DIGEST, elementDigest } from '../../protocol/digest.ts';
import { compileKeys } from '../compile/compile.ts';
import { type HostFacts, isSeenBy } from '../model/claim.ts';
import { confirmOf, withConfirm } from '../model/publication.ts';
import type { ChangeRow, HeadRow } from '../store/schema.ts';
import { changeSeal } from '../store/tables/changes.ts';
import { headSeal } from '../store/tables/heads.ts';
import { convergeHosts } from './converge.ts';
import { type LogTransaction, slowly } from './transaction.ts';

/** What the log of a host comes to. */
interface Tally {
  digest: string;
  last: number;
  bad: number;
}

/**
 * Makes the logs of hosts anew that are not what was written, from the specs: a log proves itself by the digest of its
 * head. Answers whose log that was; the set of redirects is the same as before.
 */
export async function mendLogs(transaction: LogTransaction, anew: boolean): Promise<readonly string[]> {
  const { session, tables, turn } = transaction;
  if (anew) await layLogsAnew(transaction);
  const tallies = await tally(slowly(tables.changes.scan(session), turn));
  const heads = new Map([...tables.heads.scan(session)].map((head) => [head.host, head]));
  const unsound = [...new Set([...tallies.keys(), ...heads.keys()])].filter(
    (host) => !agrees(heads.get(host), tallies.get(host)),
  );
  const fleet = await tables.hosts.fleet(session);
  for (const host of unsound) await mendLog(transaction, fleet.get(host), heads.get(host));
  return unsound;
}

async function layLogsAnew({ session, tables }: LogTransaction): Promise<void> {
  const changes = [...tables.changes.scan(session)].filter((row) => changeSeal.fits(row));
  const heads = [...tables.heads.scan(session)].filter((row) => headSeal.fits(row));
  await tables.changes.layAnew(session, changes);
  await tables.heads.layAnew(session, heads);
}

async function tally(rows: AsyncIterable<ChangeRow>): Promise<Map<string, Tally>> {
  const tallies = new Map<string, Tally>();
  for await (const row of rows) {
    const of = tallies.get(row.host) ?? { digest: EMPTY_DIGEST, last: 0, bad: 0 };
    tallies.set(row.host, of);
    if (!changeSeal.fits(row)) of.bad += 1;
    else if (row.op === 'put') of.digest = addDigest(of.digest, elementDigest(row.key, row.rev, row.body));
    of.last = Math.max(of.last, row.rev);
  }
  return tallies;
}

function agrees(head: HeadRow | undefined, log: Tally = { digest: EMPTY_DIGEST, last: 0, bad: 0 }): boolean {
  if (head === undefined || !headSeal.fits(head) || log.bad > 0) return false;
  return head.digest === log.digest && head.rev >= log.last && head.floor <= head.rev;
}

async function mendLog(transaction: LogTransaction, facts: HostFacts, found: HeadRow | undefined): Promise<void> {
  const { session, tables, log } = transaction;
  const { host } = facts;
  const rows = await tables.changes.ofHost(session, host);
  const head = found && headSeal.fits(found) ? found : undefined;
  const sound = rows.filter((row) => changeSeal.fits(row));
  const live = sound.filter(({ op }) => op === 'put');
  if (head !== undefined && (await restore(transaction, facts, rows, head))) return;
  if (head === undefined && sound.length === rows.length) {
    const rev = await tables.epochs.lastRev(session);
    log.mend({ host, rev, floor: rev, digest: digestOf(live) });
    return;
  }
  if (found === undefined && live.length === 0) {
    await tables.changes.layHost(session, host, []);
    return;
  }
  await log.renew(host, live);
  await convergeHosts(transaction, [facts]);
}

/** Puts rows back as they were: with what the specs say they make the digest of the head. */
async function restore(
  { session, tables }: LogTransaction,
  facts: HostFacts,
  rows: readonly ChangeRow[],
  head: HeadRow,
): Promise<boolean> {
  const bad = rows.filter((row) => !changeSeal.fits(row));
  if (bad.length === 0) return false;
  const keys = bad.map(({ key }) => key);
  const claims = await tables.specs.claimsTo(session, keys);
  const compiled = compileKeys(keys, claims, facts);
  const mended = rows.flatMap((row) => {
    if (changeSeal.fits(row)) return [row];
    const is =
      claims.get(row.key)?.find((claim) => claim.name === row.name && isSeenBy(claim, facts)) ?? compiled.get(row.key);
    return is === undefined ? [] : [{ ...row, op: 'put' as const, name: is.name, body: bodyLike(row, is) }];
  });
  const live = mended.filter(({ op }) => op === 'put');
  if (digestOf(live) !== head.digest || mended.some(({ rev }) => rev > head.rev)) return false;
  await tables.changes.layHost(session, facts.host, mended);
  const floor = mended.length < rows.length ? head.rev : head.floor; // what went may have been a delete
  await tables.heads.put(session, { ...head, floor });
  return true;
}

/** What a spec says, published as the row was, as far as that can be read. */
function bodyLike({ body }: ChangeRow, is: { readonly body: string }): string {
  const confirm = confirmOf(body);
  return confirm === undefined ? is.body : withConfirm(is.body, confirm);
}

function digestOf(rows: readonly Pick<ChangeRow, 'key' | 'rev' | 'body'>[]): string {
  return rows.reduce((digest, { key, rev, body }) => addDigest(digest, elementDigest(key, rev, body)), EMPTY_DIGEST);
}
