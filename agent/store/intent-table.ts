import { elementDigest } from '../../protocol/digest.ts';
import { type Change, type Intent, intentBody, type Put, parseIntentBody } from '../../protocol/intent.ts';
import { Refused } from '../../protocol/refused.ts';
import type { OpenDatabase } from './database.ts';
import { type PreparedRead, type PreparedWrite, prepareRead, prepareWrite } from './prepared.ts';
import type { IntentRow } from './schema.ts';

/** What a set of changes would do to the table, before anything is written. */
export interface Weighed {
  readonly rows: readonly IntentRow[];
  /** Intents that are new or say something else than before; and keys that are desired no more. */
  readonly put: readonly Intent[];
  readonly removed: readonly string[];
  /** The whole set is replaced, not only these keys. */
  readonly replaces: boolean;
  /** What is added to the digest of the base. */
  readonly delta: bigint;
  /** False when a row in the way fails its checksum. */
  readonly sound: boolean;
}

/** Rows of `intents`: the desired set. */
export class IntentTable {
  readonly #all: PreparedRead<object, IntentRow>;
  readonly #one: PreparedRead<{ key: string }, IntentRow>;
  readonly #put: PreparedWrite<IntentRow>;
  readonly #delete: PreparedWrite<{ key: string }>;
  readonly #clear: PreparedWrite<object>;

  constructor({ raw, queries }: OpenDatabase) {
    this.#all = prepareRead(raw, () => queries.selectFrom('intents').selectAll());
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

  /** Reads every sound row; `sum` is what their digests add up to, `sound` false when a row was left out. */
  load(): { readonly intents: readonly Intent[]; readonly sum: bigint; readonly sound: boolean } {
    const intents: Intent[] = [];
    let sum = 0n;
    let sound = true;
    for (const row of this.#all.iterate({})) {
      const intent = readRow(row);
      if (intent === undefined) {
        sound = false;
      } else {
        intents.push(intent);
        sum += digestOf(row);
      }
    }
    return { intents, sum, sound };
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

  /** Weighs changes to be laid over what is stored; those not newer than their row are left out. */
  weighOver(changes: readonly Change[]): Weighed {
    const rows: IntentRow[] = [];
    const put: Intent[] = [];
    const removed: string[] = [];
    let delta = 0n;
    let sound = true;
    for (const change of changes) {
      const old = this.#one.get({ key: change.key });
      if (old !== undefined) {
        sound &&= isSound(old);
        if (change.rev <= old.rev) continue;
        delta -= digestOf(old);
      }
      if (change.op === 'put') {
        const { intent, row } = toRow(change);
        delta += digestOf(row);
        rows.push(row);
        put.push(intent);
      } else if (old !== undefined) {
        removed.push(change.key);
      }
    }
    return { rows, put, removed, replaces: false, delta, sound };
  }

  /** Weighs changes that make up the whole set. */
  weighAnew(changes: readonly Change[]): Weighed {
    const before = new Map<string, IntentRow>();
    for (const row of this.#all.iterate({})) before.set(row.key, row);
    const rows: IntentRow[] = [];
    const put: Intent[] = [];
    let delta = 0n;
    for (const change of changes) {
      if (change.op !== 'put') continue;
      const { intent, row } = toRow(change);
      const old = before.get(row.key);
      before.delete(row.key);
      delta += digestOf(row);
      rows.push(row);
      if (old?.rev !== row.rev || old.body !== row.body) put.push(intent);
    }
    return { rows, put, removed: [...before.keys()], replaces: true, delta, sound: true };
  }

  write({ rows, removed, replaces }: Weighed): void {
    if (replaces) this.#clear.run({});
    else for (const key of removed) this.#delete.run({ key });
    for (const row of rows) this.#put.run(row);
  }
}

function toRow(change: Put): { readonly intent: Intent; readonly row: IntentRow } {
  const { op: _, ...intent } = change;
  const { key, rev } = intent;
  const body = intentBody(intent);
  return { intent: Object.freeze(intent), row: { key, rev, body, checksum: toText(elementDigest(key, rev, body)) } };
}

function digestOf(row: IntentRow): bigint {
  return BigInt(`0x${row.checksum}`);
}

function isSound({ key, rev, body, checksum }: IntentRow): boolean {
  return checksum === toText(elementDigest(key, rev, body));
}

function readRow(row: IntentRow): Intent | undefined {
  if (!isSound(row)) return undefined;
  try {
    return parseIntentBody(row.key, row.rev, row.body);
  } catch (error) {
    if (error instanceof Refused) return undefined; // written under other rules: fetched again, like a damaged one
    throw error;
  }
}

function toText(digest: bigint): string {
  return digest.toString(16).padStart(32, '0');
}
