import type { ApplyReply, ApplyRequest } from '../../protocol/api.ts';
import { type Problem, problemOf } from '../../protocol/spec.ts';
import { Concern } from '../compile/concern.ts';
import { Strangers } from '../compile/strangers.ts';
import type { Transaction } from '../log/transaction.ts';
import { type Claim, hasNextHop } from '../model/claim.ts';
import { Declined } from '../model/declined.ts';
import type { Fleet } from '../model/fleet.ts';
import type { Applied } from '../ports.ts';
import type { SpecRow } from '../store/schema.ts';
import { type Judged, judgedOf } from '../store/tables/judged-parts.ts';
import type { StoredClaim } from '../store/tables/specs.ts';
import type { UploadSize } from '../store/tables/uploads.ts';
import type { Deed } from './noting.ts';

/** The problems that one reply names; an operator mends some and sends again. */
const MAX_PROBLEMS = 100;
/** Specs that are stored before others get their turn. */
const SPECS_AT_ONCE = 100;
/** Of what an upload did, so many redirects are named. */
const NAMED_MAX = 20;
const MIB = 1024 * 1024;

/** How much is kept of uploads that are not complete, so that forgotten ones cannot fill the disk. */
export interface UploadLimits {
  readonly uploadBytes: number;
  readonly allBytes: number;
}

/** One upload may have over 400,000 redirects; as large as that, four may be under way. */
const LIMITS: UploadLimits = Object.freeze({ uploadBytes: 128 * MIB, allBytes: 512 * MIB });

type Counts = Pick<ApplyReply, 'created' | 'changed' | 'unchanged'>;
type Part = Pick<ApplyRequest, 'upload' | 'part' | 'parts' | 'specs'>;

/** Keeps a part until the last one comes, and answers the text that it is kept as. Errors: Declined TOO_LARGE. */
export async function stagePart(
  { session, tables }: Transaction,
  given: Part,
  nowMs: number,
  limits = LIMITS,
): Promise<string> {
  const { upload, part, parts, specs } = given;
  const text = JSON.stringify(specs);
  await tables.uploads.dropOld(session, nowMs);
  await tables.uploads.put(session, { upload, part, parts, specs: text, at_ms: nowMs });
  const sizes = await tables.uploads.sizes(session);
  if ((sizes.find((size) => size.upload === upload)?.bytes ?? 0) > limits.uploadBytes) throw tooLarge(limits);
  const idle = sizes.filter((size) => size.upload !== upload);
  for (const forgotten of inTheWay(idle, sizes, limits.allBytes)) await tables.uploads.drop(session, forgotten.upload);
  return text;
}

/** The same of one that has redirects: they are judged while the next part is on its way. */
export async function stageSpecs(transaction: Transaction, given: Part, nowMs: number): Promise<void> {
  const { upload, part, specs } = given;
  const text = await stagePart(transaction, given, nowMs);
  transaction.tables.uploads.ahead.begin({ upload, part, text }, specs, nowMs, transaction.turn);
}

function tooLarge({ uploadBytes }: UploadLimits): Declined {
  return new Declined(
    'TOO_LARGE',
    `an upload has at most ${Math.floor(uploadBytes / MIB)} MiB of redirects; apply them in pieces`,
  );
}

/** Those that give way when there is no room for all, the one that is idle longest first. */
function inTheWay(idle: readonly UploadSize[], all: readonly UploadSize[], roomBytes: number): readonly UploadSize[] {
  let bytes = all.reduce((sum, size) => sum + size.bytes, 0);
  const end = idle.findIndex((size) => {
    if (bytes <= roomBytes) return true;
    bytes -= size.bytes;
    return false;
  });
  return end === -1 ? idle : idle.slice(0, end);
}

/** What an upload came to: whom it concerns, what of it finds nobody, and the names of all that it has. */
interface Stored {
  readonly counts: Counts;
  readonly concern: Concern;
  readonly strangers: Strangers;
  readonly names: readonly string[];
  readonly named: Applied['named'];
  /** What it created and changed. */
  readonly deeds: readonly Deed[];
  /** What they ask for, of those that are in force and send packets somewhere. */
  readonly came: readonly Claim[];
}

/** Stores every spec of an upload. Errors: Declined, when the transaction must end. */
export async function storeUpload(transaction: Transaction, last: Part, fleet: Fleet): Promise<Stored> {
  const { session, tables, damage } = transaction;
  const counts = { created: 0, changed: 0, unchanged: 0 };
  const names: string[] = [];
  const named = { created: [] as string[], changed: [] as string[] };
  const deeds: Deed[] = [];
  const came: Claim[] = [];
  const concern = new Concern();
  const strangers = new Strangers(fleet);
  const note = ({ before, after, same }: StoredClaim): void => {
    const { name, key } = after;
    names.push(name);
    if (same) {
      counts.unchanged += 1;
      if (damage !== undefined) concern.add(after);
      return;
    }
    const what = before === undefined ? 'created' : 'changed';
    if (named[what].length < NAMED_MAX) named[what].push(name);
    counts[what] += 1;
    deeds.push({ name, key, what });
    if (before !== undefined) concern.add(before);
    concern.add(after);
    strangers.add(after);
    if (hasNextHop(after)) came.push(after);
  };
  await readUpload(transaction, last, async (rows) => {
    for (const stored of await tables.specs.put(session, rows, damage !== undefined)) note(stored);
  });
  if (last.parts > 1) await tables.uploads.drop(session, last.upload);
  return { counts, concern, strangers, names, named, deeds, came };
}

/**
 * Reads every spec of an upload and hands them to `take`, many at a time, until one is wrong.
 * Errors: Declined, at the end and with all that is wrong.
 */
export async function readUpload({ session, tables, turn }: Transaction, last: Part, take: Take): Promise<void> {
  const upload = new Upload(take, turn);
  for (let part = 0; part < last.part; part += 1) {
    const judged = await tables.uploads.judged(session, last.upload, part, last.parts);
    if (judged === undefined) {
      throw new Declined(
        'UPLOAD_LOST',
        `part ${part} of upload ${last.upload} is not here: it never came, waited for more than ten minutes, or gave way to newer uploads; send the whole upload again`,
      );
    }
    await upload.add(judged);
  }
  await upload.add(judgedOf(last.specs));
  await upload.end();
}

/** What is said of a request that has no redirect and no name in it. */
export function namesNothing(): Declined {
  return new Declined('BAD_REQUEST', 'there is no redirect in it; empty never means all');
}

type Take = (rows: readonly SpecRow[]) => Promise<void>;

class Upload {
  readonly #take: Take;
  readonly #turn: () => Promise<void>;
  /** Sound, and not taken yet. */
  #waiting: SpecRow[] = [];
  readonly #problems: Problem[] = [];
  readonly #firstUse = new Map<string, number>();
  #index = 0;
  #refused = 0;
  /** Problems that are not named. */
  #left = 0;

  constructor(take: Take, turn: () => Promise<void>) {
    this.#take = take;
    this.#turn = turn;
  }

  async add(judged: Iterable<Judged>): Promise<void> {
    for (const one of judged) {
      this.#addOne(one);
      this.#index += 1;
      if (this.#index % SPECS_AT_ONCE !== 0) continue;
      await this.#takeWaiting();
      await this.#turn();
    }
  }

  /** Errors: Declined, where one was wrong. */
  async end(): Promise<void> {
    if (this.#refused === 0) return this.#takeWaiting();
    const rest = this.#left > 0 ? `; the first ${this.#problems.length} problems are named` : '';
    const code = this.#problems[0]?.code === 'DUPLICATE_NAME' ? 'DUPLICATE_NAME' : 'BAD_REQUEST';
    throw new Declined(
      code,
      `${this.#refused} of ${this.#index} redirects are not valid${rest}; nothing was changed: mend them and apply again`,
      this.#problems,
    );
  }

  #addOne(one: Judged): void {
    if (one.row === undefined) this.#refuse(one.faults.map((fault) => problemOf(fault, this.#index, one.value)));
    else if (this.#isFirst(one.row.name)) this.#waiting.push(one.row);
  }

  async #takeWaiting(): Promise<void> {
    const rows = this.#waiting;
    this.#waiting = [];
    if (this.#refused === 0) await this.#take(rows);
  }

  #isFirst(name: string): boolean {
    const first = this.#firstUse.get(name);
    if (first === undefined) {
      this.#firstUse.set(name, this.#index);
      return true;
    }
    const message = `${name} is also the name of redirect ${first + 1} of this upload`;
    this.#refuse([{ index: this.#index, name, code: 'DUPLICATE_NAME', path: 'name', message }]);
    return false;
  }

  /** Notes all that is wrong with one redirect. */
  #refuse(problems: readonly Problem[]): void {
    this.#refused += 1;
    const room = MAX_PROBLEMS - this.#problems.length;
    this.#left += Math.max(problems.length - room, 0);
    this.#problems.push(...problems.slice(0, room));
  }
}
