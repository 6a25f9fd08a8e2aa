import { claimsOf, type Move } from '../compile/preview.ts';
import type { Transaction } from '../log/transaction.ts';
import { Declined } from '../model/declined.ts';

/** Redirects that somebody wants to change, and the keys that they have before and then. */
export interface Wishes {
  readonly names: Iterable<string>;
  readonly keys: Iterable<string>;
}

/** What moves would have to change. */
export function wishesOf(moves: readonly Move[]): Wishes {
  const claims = [...claimsOf(moves.filter(({ same }) => !same))];
  return { names: claims.map(({ name }) => name), keys: new Set(claims.map(({ key }) => key)) };
}

/** Errors: Declined ROLLOUT_ACTIVE, where a rollout that has not ended holds one of them. */
export async function requireFree({ session, tables }: Transaction, { names, keys }: Wishes): Promise<void> {
  if (!(await tables.rolloutSpecs.holdsAny(session))) return;
  for (const name of names) {
    const holder = await tables.rolloutSpecs.holderOfName(session, name);
    if (holder !== undefined) throw held(`${name} is part of`, holder);
  }
  for (const key of keys) {
    const holder = await tables.rolloutSpecs.holderOfKey(session, key);
    if (holder !== undefined) throw held(`the match ${key} is held by`, holder);
  }
}

function held(what: string, id: string): Declined {
  return new Declined(
    'ROLLOUT_ACTIVE',
    `${what} rollout ${id}, which has not ended; nothing was changed: see shunt rollout status ${id}, and wait for its end or abort it`,
  );
}
