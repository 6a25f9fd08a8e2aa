import type { ApplyReply, ApplyRequest } from '../../protocol/api.ts';
import { type Problem, parseSpecs, type Spec } from '../../protocol/spec.ts';
import { Concern } from '../compile/concern.ts';
import { Strangers } from '../compile/strangers.ts';
import { Declined } from '../model/declined.ts';
import type { Session } from '../store/session.ts';
import { breathe } from '../store/sqlite/database.ts';
import type { Tables } from '../store/tables/tables.ts';

/** 128 MiB of specs at the full size of a part: over 400,000 of them. */
export const MAX_PARTS = 256;
/** The problems that one reply names; an operator mends some and sends again. */
const MAX_PROBLEMS = 100;
const SPECS_AT_ONCE = 250;

type Counts = Pick<ApplyReply, 'created' | 'changed' | 'unchanged'>;
type Last = Pick<ApplyRequest, 'upload' | 'part' | 'parts' | 'specs'>;

/** Stores every spec of an upload. Answers whom that concerns, and what of it finds nobody. Errors: Declined, when the transaction must end. */
export async function storeUpload(
  session: Session,
  tables: Tables,
  last: Last,
): Promise<{ readonly counts: Counts; readonly concern: Concern; readonly strangers: Strangers }> {
  const counts = { created: 0, changed: 0, unchanged: 0 };
  const concern = new Concern();
  const strangers = new Strangers(await tables.hosts.fleet(session));
  await readUpload(session, tables, last, async (spec) => {
    const stored = await tables.specs.put(session, spec);
    if (stored === undefined) {
      counts.unchanged += 1;
      return;
    }
    if (stored.before === undefined) counts.created += 1;
    else {
      counts.changed += 1;
      concern.add(stored.before);
    }
    concern.add(stored.after);
    strangers.add(stored.after);
  });
  await tables.uploads.drop(session, last.upload);
  return { counts, concern, strangers };
}

/**
 * Reads every spec of an upload and hands each to `take`, until one is wrong.
 * Errors: Declined, at the end and with all that is wrong.
 */
export async function readUpload(
  session: Session,
  tables: Tables,
  last: Last,
  take: (spec: Spec) => Promise<void>,
): Promise<void> {
  const upload = new Upload(take);
  for (let part = 0; part < last.part; part += 1) {
    const specs = await tables.uploads.specs(session, last.upload, part, last.parts);
    if (specs === undefined) {
      throw new Declined(
        'UPLOAD_LOST',
        `part ${part} of upload ${last.upload} is not here; send the whole upload again`,
      );
    }
    await upload.add(specs);
  }
  await upload.add(last.specs);
  upload.requireSound();
}

class Upload {
  readonly #take: (spec: Spec) => Promise<void>;
  readonly #problems: Problem[] = [];
  readonly #firstUse = new Map<string, number>();
  #index = 0;
  #refused = 0;

  constructor(take: (spec: Spec) => Promise<void>) {
    this.#take = take;
  }

  async add(values: readonly unknown[]): Promise<void> {
    for (const value of values) {
      await this.#addOne(value);
      this.#index += 1;
      if (this.#index % SPECS_AT_ONCE === 0) await breathe();
    }
  }

  requireSound(): void {
    if (this.#refused === 0) return;
    const named = this.#problems.length;
    const rest = this.#refused > named ? `; the first ${named} are named` : '';
    const code = this.#problems[0]?.code === 'DUPLICATE_NAME' ? 'DUPLICATE_NAME' : 'BAD_REQUEST';
    throw new Declined(
      code,
      `${this.#refused} of ${this.#index} redirects are not valid${rest}; nothing was changed: mend them and apply again`,
      this.#problems,
    );
  }

  async #addOne(value: unknown): Promise<void> {
    const { specs, problems } = parseSpecs([value]);
    for (const problem of problems) this.#refuse({ ...problem, index: this.#index });
    const [spec] = specs;
    if (spec === undefined || !this.#isFirst(spec.name) || this.#refused > 0) return;
    await this.#take(spec);
  }

  #isFirst(name: string): boolean {
    const first = this.#firstUse.get(name);
    if (first === undefined) {
      this.#firstUse.set(name, this.#index);
      return true;
    }
    const message = `${name} is also the name of redirect ${first + 1} of this upload`;
    this.#refuse({ index: this.#index, name, code: 'DUPLICATE_NAME', path: 'name', message });
    return false;
  }

  #refuse(problem: Problem): void {
    this.#refused += 1;
    if (this.#problems.length < MAX_PROBLEMS) this.#problems.push(problem);
  }
}
