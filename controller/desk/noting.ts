import type { Clock } from '../../daemon/clock.ts';
import type { What } from '../../protocol/history.ts';
import type { Origin } from '../../protocol/origin.ts';
import type { Departure, LogResult } from '../log/log-writer.ts';
import { paced, type Transaction } from '../log/transaction.ts';
import type { Head } from '../store/tables/heads.ts';

/** A redirect that a change is about; `key` is empty where nobody knows it any more. */
export interface Deed {
  readonly name: string;
  readonly key: string;
  readonly what: What;
}

/** A change that was made, as it is to be noted. */
export interface Making {
  readonly verb: string;
  readonly detail: object;
  readonly origin: Origin;
  /** The id that it is to have, if no other has it. */
  readonly id?: string;
  readonly deeds?: readonly Deed[];
  readonly log?: Pick<LogResult, 'revs'> & { readonly heads: readonly Pick<Head, 'host' | 'rev'>[] };
  /** Where what it deletes stood. */
  readonly departures?: readonly Departure[];
  /** The rollout that it is a step of. */
  readonly rollout?: string;
}

const ID_BYTES = 16;
/** Rows that are written before others get their turn. */
const ROWS_AT_ONCE = 500;

/** Who makes a change and from where stands beside the request, why in its terms. */
export function becauseOf({ reason }: { readonly reason?: string }, origin: Origin): Origin {
  return { ...(reason !== undefined && { reason }), ...origin };
}

/** Notes a change in the transaction that makes it, with its hosts and names. Answers its id. */
export async function noteChange(
  { session, tables, turn }: Pick<Transaction, 'session' | 'tables' | 'turn'>,
  clock: Pick<Clock, 'nowMs' | 'token'>,
  { verb, detail, origin, id, deeds = [], log, departures = [], rollout }: Making,
): Promise<string> {
  const isFree = id !== undefined && !(await tables.audit.has(session, id));
  const change = isFree ? id : clock.token(ID_BYTES);
  const left = countByName(departures);
  const audit = await tables.audit.note(session, {
    ...{ atMs: clock.nowMs(), verb, detail, change, origin, rollout },
    revs: log?.revs ?? { first: 0, last: 0 },
    hosts: log?.heads ?? [],
    names: deeds.length,
  });
  for await (const some of paced(deeds, ROWS_AT_ONCE, turn))
    for (const deed of some) await tables.audit.name(session, audit, { ...deed, hosts: left.get(deed.name) ?? 0 });
  for await (const some of paced(departures, ROWS_AT_ONCE, turn))
    for (const { name, host, rev } of some) await tables.deletions.put(session, { name, host, rev, audit });
  return change;
}

function countByName(departures: readonly Departure[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { name } of departures) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}
