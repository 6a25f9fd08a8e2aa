import { compileKeys } from '../compile/compile.ts';
import type { Concern } from '../compile/concern.ts';
import type { HostFacts } from '../model/claim.ts';
import type { Fleet } from '../model/fleet.ts';
import type { By } from './log-writer.ts';
import { chunks, type LogTransaction } from './transaction.ts';

/** Keys whose claims are held in memory at a time; others get their turn after each. */
const KEYS_AT_ONCE = 200;

/** Makes the logs say what the specs say, for the keys whose claims changed and the hosts that these concern; an operator named them. */
export async function convergeKeys(
  transaction: LogTransaction,
  concern: Concern,
  names: readonly string[],
  fleet: Fleet,
): Promise<void> {
  const { session, tables, log } = transaction;
  log.name(names);
  if (log.damaged) await addStanding(transaction, concern, new Set(names));
  for (const keys of chunks(concern.keys, KEYS_AT_ONCE)) {
    const claims = await tables.specs.claimsTo(session, keys);
    for (const [host, concerned] of concern.hostsOf(keys, fleet)) {
      await writeAll(transaction, host, compileKeys(concerned, claims, host), 'operator');
    }
  }
}

/** Makes the logs of some hosts say what is wanted of some keys. */
export async function convergeOn(
  transaction: LogTransaction,
  hosts: readonly HostFacts[],
  keys: readonly string[],
): Promise<void> {
  for (const some of chunks(keys, KEYS_AT_ONCE)) {
    const claims = await transaction.tables.specs.claimsTo(transaction.session, some);
    for (const host of hosts) await writeAll(transaction, host, compileKeys(some, claims, host), 'operator');
  }
}

/** While specs are missing, what stands of a redirect is looked for where it stands, not where its spec sends it. */
async function addStanding({ session, tables }: LogTransaction, concern: Concern, names: Set<string>): Promise<void> {
  for (const { host, key, op, name } of tables.changes.scan(session))
    if (op === 'put' && names.has(name)) concern.add({ key, hosts: [host] });
}

/** Makes the logs of all hosts say what all the specs say. */
export async function convergeAll(transaction: LogTransaction): Promise<void> {
  const { session, tables } = transaction;
  const fleet = await tables.hosts.fleet(session);
  const hosts = await tables.heads.hosts(session, '', Number.MAX_SAFE_INTEGER);
  await convergeHosts(
    transaction,
    hosts.map((host) => fleet.get(host)),
  );
}

/** Makes the logs of some hosts say what all the specs say, as far as nothing is missing that would be needed for it. */
export async function convergeHosts(transaction: LogTransaction, hosts: readonly HostFacts[]): Promise<void> {
  const { session, tables } = transaction;
  let keys = await tables.specs.keys(session, '', KEYS_AT_ONCE);
  while (keys.length > 0) {
    const claims = await tables.specs.claimsTo(session, keys);
    for (const host of hosts) await writeAll(transaction, host, compileKeys(keys, claims, host), 'upkeep');
    keys = await tables.specs.keys(session, keys.at(-1) ?? '', KEYS_AT_ONCE);
  }
  for (const host of hosts) {
    const unclaimed = await tables.changes.unclaimed(session, host.host);
    await writeAll(transaction, host, compileKeys(unclaimed, new Map(), host), 'upkeep');
  }
}

async function writeAll(
  { log, turn }: LogTransaction,
  host: HostFacts,
  compiled: ReturnType<typeof compileKeys>,
  by: By,
): Promise<void> {
  await log.write(host, compiled, by);
  await turn();
}
