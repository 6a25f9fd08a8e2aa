import type { Parts } from '../../daemon/parts.ts';
import { manyActions } from '../../protocol/action.ts';
import { elementText } from '../../protocol/digest.ts';
import { type Change, type Intent, intentBody, intentOf, type Put, parseIntentBody } from '../../protocol/intent.ts';
import type { OpenDatabase } from './database.ts';
import { A_PAGE, keyByKey, rowByRow } from './in-parts.ts';
import { type PreparedRead, type PreparedWrite, prepareRead, prepareWrite } from './prepared.ts';
import type { IntentRow } from './schema.ts';
import { understood } from './understood.ts';

/** What changes came to once they were laid over the table; the caller commits them, or rolls all of it back. */
export interface Laid {
  /** What was put; and keys that are desired no more, where the changes name them. */
  readonly put: readonly Intent[];
  readonly removed: readonly string[];
  /** What is added to the digest of the base. */
  readonly delta: bigint;
  /** False when a row in the way fails its checksum. */
  readonly sound: boolean;
}

export interface LoadedIntents {
  readonly intents: readonly Intent[];
  readonly sum: bigint;
  /** False when a row fails its checksum. */
  readonly sound: boolean;
  /** Some rows fit their checksums, and cannot be read. */
  readonly newer: boolean;
}

/** Rows of `intents`: the desired set. */
export class IntentTable {
  readonly #all: PreparedRead<object, IntentRow>;
  readonly #next: PreparedRead<{ after: string }, IntentRow>;
  readonly #one: PreparedRead<{ key: string }, IntentRow>;
  readonly #put: PreparedWrite<IntentRow>;
  readonly #delete: PreparedWrite<{ key: string }>;
  readonly #clear: PreparedWrite<object>;

  constructor({ raw, queries }: OpenDatabase) {
    this.#all = prepareRead(raw, () => queries.selectFrom('intents').selectAll());
    this.#next = prepareRead<{ after: string }, IntentRow>(raw, (slot) =>
      queries.selectFrom('intents').selectAll().where('key', '>', slot('after')).orderBy('key').limit(A_PAGE),
    );
    this.#one = prepareRead<{ key: string }, IntentRow>(raw, (slot) =>
      queries.selectFrom('intents').selectAll().where('key', '=', slot('key')),
    );
    this.#put = prepareWrite<IntentRow>(raw, (slot) =>
      queries.replaceInto('intents').values({
        key: slot('key'),
        rev: slot('rev'),
        body: slot('body'),
        checksum: slot('checksum'),
      }),
    );
    this.#delete = prepareWrite<{ key: string }>(raw, (slot) =>
      queries.deleteFrom('intents').where('key', '=', slot('key')),
    );
    this.#clear = prepareWrite(raw, () => queries.deleteFrom('intents'));
  }

  /**
   * Reads every row that it can, in order; `sum` is what the digests of those add up to that fit their checksums. Others may have
   * their turn where it yields, but not the database.
   */
  *load(): Parts<LoadedIntents> {
    const intents: Intent[] = [];
    const readTo = manyActions(); // most redirects of a host go to few places
    let sum = 0n;
    let sound = true;
    let newer = false;
    const take = (row: IntentRow): void => {
      if (!isSound(row)) {
        sound = false;
        return;
      }
      sum += digestOf(row);
      const intent = understood(() => parseIntentBody(row.key, row.rev, row.body, readTo));
      if (intent === undefined) newer = true;
      else intents.push(intent);
    };
    yield* keyByKey((after) => this.#next.all({ after }), take);
    return { intents, sum, sound, newer };
  }

  /** Undefined where there is none that can be read. */
  get(key: string): Intent | undefined {
    const row = this.#one.get({ key });
    if (row === undefined || !isSound(row)) return undefined;
    return understood(() => parseIntentBody(row.key, row.rev, row.body));
  }

  /** Answers whether every row fits its checksum, and what the checksums add up to. */
  verify(): { readonly sum: bigint; readonly sound: boolean } {
    let sum = 0n;
    for (const row of this.#all.iterate({})) {
      if (!isSound(row)) return { sum, sound: false };
      sum += digestOf(row);
    }
    return { sum, sound: true };
  }

  /** Lays changes over what is stored; those not newer than their row are left out. Others may have their turn where it yields. */
  *layOver(changes: readonly Change[]): Parts<Laid> {
    const put: Intent[] = [];
    const removed: string[] = [];
    let delta = 0n;
    let sound = true;
    yield* rowByRow(changes, (change) => {
      const old = this.#one.get({ key: change.key });
      if (old !== undefined) {
        sound = isSound(old);
        if (!sound || change.rev <= old.rev) return sound;
        delta -= digestOf(old);
      }
      if (change.op === 'put') {
        const { intent, row } = toRow(change);
        delta += digestOf(row);
        this.#put.run(row);
        put.push(intent);
      } else if (old !== undefined) {
        this.#delete.run(change);
        removed.push(change.key);
      }
      return true;
    });
    return { put, removed, delta, sound };
  }

  /** Makes the table what the changes say, whatever is in it: damage to keys or their order goes, too. Yields likewise. */
  *layAnew(changes: readonly Change[]): Parts<Laid> {
    this.#clear.run({});
    const put: Intent[] = [];
    let delta = 0n;
    yield* rowByRow(changes, (change) => {
      if (change.op !== 'put') return;
      const { intent, row } = toRow(change);
      delta += digestOf(row);
      this.#put.run(row);
      put.push(intent);
    });
    return { put, removed: [], delta, sound: true };
  }
}

function toRow(change: Put): { readonly intent: Intent; readonly row: IntentRow } {
  const { key, rev } = change;
  const body = intentBody(change);
  return { intent: intentOf(change), row: { key, rev, body, checksum: elementText(key, rev, body) } };
}

function digestOf(row: IntentRow): bigint {
  return BigInt(`0x${row.checksum}`);
}

function isSound({ key, rev, body, checksum }: IntentRow): boolean {
  return checksum === elementText(key, rev, body);
}
