import { checksumOf } from '../../daemon/checksum.ts';
import { type Intent, intentBody, parseIntentBody } from '../../protocol/intent.ts';
import { oneOf } from '../../protocol/read.ts';
import type { UnconfirmedRows } from '../model/awaited.ts';
import type { Replaced, Unconfirmed } from '../model/unconfirmed.ts';
import type { OpenDatabase } from './database.ts';
import { type PreparedRead, type PreparedWrite, prepareRead, prepareWrite } from './prepared.ts';
import type { UnconfirmedRow } from './schema.ts';
import { understood } from './understood.ts';

const readOp = oneOf('put', 'delete');
const readIs = oneOf('unarmed', 'armed', 'reverted');

/** Rows of `unconfirmed`: changes that nobody has confirmed yet, or that were taken back. */
export class UnconfirmedTable implements UnconfirmedRows {
  readonly #all: PreparedRead<object, UnconfirmedRow>;
  readonly #one: PreparedRead<{ key: string }, UnconfirmedRow>;
  readonly #put: PreparedWrite<UnconfirmedRow>;
  readonly #delete: PreparedWrite<{ key: string }>;
  /** Whether there may be any: without one, a hundred thousand changes cost no statement. */
  #some = true;

  constructor({ raw, queries }: OpenDatabase) {
    this.#all = prepareRead(raw, () => queries.selectFrom('unconfirmed').selectAll());
    this.#one = prepareRead<{ key: string }, UnconfirmedRow>(raw, (slot) =>
      queries.selectFrom('unconfirmed').selectAll().where('key', '=', slot('key')),
    );
    this.#put = prepareWrite<UnconfirmedRow>(raw, (slot) =>
      queries.replaceInto('unconfirmed').values({
        key: slot('key'),
        rev: slot('rev'),
        op: slot('op'),
        name: slot('name'),
        within_ms: slot('within_ms'),
        previous_rev: slot('previous_rev'),
        previous_body: slot('previous_body'),
        asleep: slot('asleep'),
        replaced: slot('replaced'),
        state: slot('state'),
        deadline_ms: slot('deadline_ms'),
        checksum: slot('checksum'),
      }),
    );
    this.#delete = prepareWrite<{ key: string }>(raw, (slot) =>
      queries.deleteFrom('unconfirmed').where('key', '=', slot('key')),
    );
  }

  /** Of a change whose row is damaged nothing is known any more: it stands. `newer`: some rows cannot be read. */
  load(): { readonly rows: readonly Unconfirmed[]; readonly newer: boolean } {
    const all = this.#all.all({});
    this.#some = all.length > 0;
    return readable(all);
  }

  all(): readonly Unconfirmed[] {
    return this.#some ? readable(this.#all.all({})).rows : [];
  }

  get(key: string): Unconfirmed | undefined {
    const row = this.#some ? this.#one.get({ key }) : undefined;
    if (row === undefined || row.checksum !== checksum(row)) return undefined;
    return understood(() => toUnconfirmed(row));
  }

  put(row: Unconfirmed): void {
    this.#some = true;
    this.#put.run(toRow(row));
  }

  delete(key: string): void {
    this.#delete.run({ key });
  }
}

function readable(all: readonly UnconfirmedRow[]): { readonly rows: readonly Unconfirmed[]; readonly newer: boolean } {
  const sound = all.filter((row) => row.checksum === checksum(row));
  const rows = sound.flatMap((row) => understood(() => toUnconfirmed(row)) ?? []);
  return { rows, newer: rows.length < sound.length };
}

function toRow(it: Unconfirmed): UnconfirmedRow {
  const { key, rev, op, name, previous } = it;
  const row = {
    ...{ key, rev, op, name, within_ms: it.withinMs },
    previous_rev: previous?.rev ?? null,
    previous_body: previous === undefined ? null : intentBody(previous),
    asleep: it.asleep === true ? 1 : 0,
    replaced: it.replaced === undefined ? null : JSON.stringify(it.replaced.map(toTuple)),
    state: it.is,
    deadline_ms: it.is === 'armed' ? it.deadlineMs : null,
  };
  return { ...row, checksum: checksum(row) };
}

/** Errors: Refused. */
function toUnconfirmed(row: UnconfirmedRow): Unconfirmed {
  const { key, rev, name } = row;
  const previous = previousOf(row);
  const wanting = {
    ...{ key, rev, op: readOp(row.op, 'op'), name, withinMs: row.within_ms },
    ...(previous !== undefined && { previous }),
    ...(row.asleep === 1 && ({ asleep: true } as const)),
    ...(row.replaced !== null && { replaced: replacedOf(row.key, row.replaced) }),
  };
  const is = readIs(row.state, 'state');
  return is === 'armed' ? { ...wanting, is, deadlineMs: row.deadline_ms ?? 0 } : { ...wanting, is };
}

/** Errors: Refused. */
function previousOf({ key, previous_rev: rev, previous_body: body }: UnconfirmedRow): Intent | undefined {
  return rev === null || body === null ? undefined : parseIntentBody(key, rev, body);
}

type Tuple = readonly [rev: number, deadlineMs: number, body: string | null];

function toTuple({ rev, deadlineMs, intent }: Replaced): Tuple {
  return [rev, deadlineMs, intent === undefined ? null : intentBody(intent)];
}

/** Errors: Refused. */
function replacedOf(key: string, text: string): readonly Replaced[] {
  const tuples = JSON.parse(text) as readonly Tuple[]; // it fits its checksum
  return tuples.map(([rev, deadlineMs, body]) => {
    return { rev, deadlineMs, ...(body !== null && { intent: parseIntentBody(key, rev, body) }) };
  });
}

function checksum(row: Omit<UnconfirmedRow, 'checksum'>): string {
  const { key, rev, op, name, within_ms, previous_rev, previous_body, asleep, replaced, state, deadline_ms } = row;
  const previous = [previous_rev, previous_body, asleep, replaced];
  return checksumOf([key, rev, op, name, within_ms, ...previous, state, deadline_ms]);
}
