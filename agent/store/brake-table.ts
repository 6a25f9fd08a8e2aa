import { checksumOf } from '../../daemon/checksum.ts';
import { intentBody, parseIntentBody } from '../../protocol/intent.ts';
import {
  type BrakeChange,
  type BrakeMemory,
  type BrakeState,
  NO_BRAKE,
  type Step,
  type Withheld,
} from '../model/brake.ts';
import type { OpenDatabase } from './database.ts';
import { type PreparedRead, type PreparedWrite, prepareRead, prepareWrite } from './prepared.ts';
import type { BrakeRow, WithheldRow } from './schema.ts';
import { understood } from './understood.ts';

/** Rows of `brake` and `withheld`. */
export class BrakeTable {
  readonly #read: PreparedRead<object, BrakeRow>;
  readonly #write: PreparedWrite<BrakeRow>;
  readonly #all: PreparedRead<object, WithheldRow>;
  readonly #hold: PreparedWrite<WithheldRow>;
  readonly #free: PreparedWrite<{ key: string }>;
  readonly #clear: PreparedWrite<object>;

  constructor({ raw, queries }: OpenDatabase) {
    this.#read = prepareRead(raw, () => queries.selectFrom('brake').selectAll());
    this.#write = prepareWrite<BrakeRow>(raw, (slot) =>
      queries.replaceInto('brake').values({
        id: 1,
        seq: slot('seq'),
        since_ms: slot('since_ms'),
        steps: slot('steps'),
        permit: slot('permit'),
        checksum: slot('checksum'),
      }),
    );
    this.#all = prepareRead(raw, () => queries.selectFrom('withheld').selectAll());
    this.#hold = prepareWrite<WithheldRow>(raw, (slot) =>
      queries.replaceInto('withheld').values({
        key: slot('key'),
        rev: slot('rev'),
        last_rev: slot('last_rev'),
        last_body: slot('last_body'),
        checksum: slot('checksum'),
      }),
    );
    this.#free = prepareWrite<{ key: string }>(raw, (slot) =>
      queries.deleteFrom('withheld').where('key', '=', slot('key')),
    );
    this.#clear = prepareWrite(raw, () => queries.deleteFrom('withheld'));
  }

  /** What is remembered at a commit, if that is known. A row that is damaged says nothing, and takes nothing from the others. */
  load(seq: number | undefined): BrakeMemory | undefined {
    const row = this.#row();
    if (row === undefined || this.#isOutdated(row, seq)) return undefined;
    const withheld: Withheld[] = [];
    for (const one of this.#all.iterate({})) {
      const it = one.checksum === withheldSum(one) ? understood(() => toWithheld(one)) : undefined;
      if (it !== undefined) withheld.push(it);
    }
    return { state: toState(row), withheld };
  }

  /** `before`: the commit that this one follows, if that is known; the same as `seq` where it does not count up. */
  save({ state, hold, free }: BrakeChange, before: number | undefined, seq: number): void {
    const row = this.#row();
    if (row !== undefined && this.#isOutdated(row, before)) this.#clear.run({});
    for (const key of free) this.#free.run({ key });
    for (const one of hold) this.#hold.run(toWithheldRow(one));
    this.#write.run(toRow(state, seq));
  }

  #row(): BrakeRow | undefined {
    return this.#read.get({});
  }

  #isOutdated(row: BrakeRow, seq: number | undefined): boolean {
    return isSound(row) && seq !== undefined && row.seq !== seq;
  }
}

function toState(row: BrakeRow): BrakeState {
  if (!isSound(row)) return NO_BRAKE;
  return { sinceMs: row.since_ms, steps: JSON.parse(row.steps) as readonly Step[], permit: row.permit };
}

function toRow({ sinceMs, steps, permit }: BrakeState, seq: number): BrakeRow {
  const row = { id: 1, seq, since_ms: sinceMs, steps: JSON.stringify(steps), permit };
  return { ...row, checksum: brakeSum(row) };
}

function isSound(row: BrakeRow): boolean {
  return row.checksum === brakeSum(row);
}

function brakeSum({ seq, since_ms, steps, permit }: Omit<BrakeRow, 'checksum'>): string {
  return checksumOf([seq, since_ms, steps, permit]);
}

/** Errors: Refused. */
function toWithheld({ key, rev, last_rev, last_body }: WithheldRow): Withheld {
  return { key, rev, last: parseIntentBody(key, last_rev, last_body) };
}

function toWithheldRow({ key, rev, last }: Withheld): WithheldRow {
  const row = { key, rev, last_rev: last.rev, last_body: intentBody(last) };
  return { ...row, checksum: withheldSum(row) };
}

function withheldSum({ key, rev, last_rev, last_body }: Omit<WithheldRow, 'checksum'>): string {
  return checksumOf([key, rev, last_rev, last_body]);
}
