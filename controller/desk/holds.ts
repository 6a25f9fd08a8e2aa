import type { Transaction } from '../log/transaction.ts';
import { Declined } from '../model/declined.ts';

/** A redirect that somebody wants to change, and the keys that it has before and then. */
export interface Wish {
  readonly name: string;
  readonly keys: readonly string[];
}

/** Errors: Declined ROLLOUT_ACTIVE, where a rollout that has not ended holds one of them. */
export async function requireFree({ session, tables }: Transaction, wishes: Iterable<Wish>): Promise<void> {
  for (const { name, keys } of wishes) {
    const holder = await tables.rolloutSpecs.holderOfName(session, name);
    if (holder !== undefined) throw held(`${name} is part of`, holder);
    for (const key of keys) {
      const other = await tables.rolloutSpecs.holderOfKey(session, key);
      if (other !== undefined) throw held(`the match of ${name} is held by`, other);
    }
  }
}

function held(what: string, id: string): Declined {
  return new Declined(
    'ROLLOUT_ACTIVE',
    `${what} rollout ${id}, which has not ended; nothing was changed: see shunt rollout status ${id}, and wait for its end or abort it`,
  );
}
