import type { Op } from '../../../agent/model/op.ts';
import type { Acceptance, Candidate } from '../../../agent/model/stored.ts';
import { redirectKey } from '../addresses.ts';
import type { Host } from '../host.ts';

const WINDOW_MS = 60_000;
const SINGLES_MAX = 20;
const LEAST = 5;
const SHARE = 5;
/** By then a release that came was carried out, or never is. */
const RELEASES_WITHIN_MS = 2_000;

/** What a host took in one go. */
interface Batch {
  readonly atMs: number;
  /** How many redirects there were, at most. */
  readonly had: number;
  /** How many would go or send elsewhere without a permission that the host knew of. */
  readonly raw: number;
  readonly single: boolean;
  /** Those that did, each with the rev of the change; what was permitted later does not count any more. */
  readonly done: Map<string, number>;
}

/** The newest change of a key that the host has stored. */
interface Newest {
  readonly rev: number;
  readonly action: string | undefined;
  readonly batch: Batch;
}

export interface Outside {
  readonly nowMs: () => number;
  /** Up to which rev controllers permit changes of the host. */
  readonly permit: () => number;
}

/** What a brake must and must not do, as it can be seen from outside: by what is stored and what is done in the kernel. */
export class Watch {
  readonly #host: Host;
  readonly #outside: Outside;
  readonly #newest = new Map<string, Newest>();
  /** What stood last in the kernel, by key; a boot does not take it away. */
  readonly #stood = new Map<string, string>();
  #batches: Batch[] = [];
  #released = 0;
  #releasedMs = Number.NEGATIVE_INFINITY;
  #withheldMs = Number.NEGATIVE_INFINITY;
  /** By the last set that was stored. */
  #withheld = false;

  constructor(host: Host, outside: Outside) {
    this.#host = host;
    this.#outside = outside;
  }

  /** Somebody wants all let go that is withheld. */
  release(): void {
    this.#releasedMs = this.#outside.nowMs();
    this.#released = Math.max(this.#released, this.#host.store.stored.cursor.rev);
  }

  /** A set is stored. */
  accepted(candidate: Candidate, { outcome }: Acceptance): readonly string[] {
    if (outcome !== 'accepted') return [];
    const { cursor } = candidate;
    const nowMs = this.#outside.nowMs();
    if (nowMs - this.#releasedMs < RELEASES_WITHIN_MS) this.#released = Math.max(this.#released, cursor.rev);
    const changes = changesOf(candidate, this.#newest);
    const batch = this.#batchOf(changes, nowMs);
    for (const { key, rev, action } of changes) this.#newest.set(key, { rev, action, batch });
    this.#batches = [...this.#batches.filter(({ atMs }) => nowMs - atMs < 2 * WINDOW_MS), batch];
    return [...this.#unheard(candidate), ...this.#needless(batch)];
  }

  #batchOf(changes: readonly Change[], nowMs: number): Batch {
    const told = this.#host.store.brake?.memory.state.permit ?? 0;
    const cuts = changes.filter(({ key, action }) => {
      const before = this.#newest.get(key)?.action;
      return before !== undefined && before !== action;
    });
    const raw = cuts.filter(({ rev }) => rev > Math.min(told, this.#outside.permit()));
    const [size, stand] = [this.#size, this.#host.entries().size];
    const single = raw.length === 1 && raw[0]?.action === undefined;
    return { atMs: nowMs, had: Math.max(size, stand), raw: raw.length, single, done: new Map() };
  }

  get #size(): number {
    return this.#newest.values().reduce((sum, { action }) => sum + Number(action !== undefined), 0);
  }

  /** What is permitted by the word that came with it is not withheld. */
  #unheard({ marks }: Candidate): readonly string[] {
    const { withheld = [] } = this.#host.store.brake?.memory ?? {};
    const wrong = withheld.filter(({ rev }) => rev <= (marks?.permit ?? 0));
    return wrong.map(({ key, rev }) => `withholds ${key} by ${rev}, and ${marks?.permit} is permitted`);
  }

  /** It begins to hold only where that is called for. */
  #needless(batch: Batch): readonly string[] {
    const { withheld = [] } = this.#host.store.brake?.memory ?? {};
    const wasLately = this.#withheld || batch.atMs - this.#withheldMs < WINDOW_MS;
    this.#withheld = withheld.length > 0;
    if (this.#withheld) this.#withheldMs = batch.atMs;
    if (!this.#withheld || wasLately) return [];
    const [singles, others] = [this.#within(batch, true), this.#within(batch, false)];
    const sum = others.reduce((total, { raw }) => total + raw, 0);
    if (singles.length > SINGLES_MAX || sum > LEAST) return [];
    return [`brakes at ${singles.length} single deletes and ${sum} others`];
  }

  /** An op is asked for. */
  op(op: Op): readonly string[] {
    if (op.op !== 'write' && op.op !== 'delete') return [];
    const key = redirectKey(op.key);
    const before = this.#host.entries().get(key)?.value.action;
    const after = op.op === 'write' ? op.value.action : undefined;
    const newest = this.#newest.get(key);
    const stood = this.#stood.get(key);
    if (after === undefined) this.#stood.delete(key);
    else this.#stood.set(key, after);
    if (op.op === 'write' && before === undefined && newest !== undefined && op.value.rev < newest.rev)
      return stood === undefined || stood === after ? [] : [`brings ${key} back as ${after}, and it was ${stood}`];
    if (before === undefined || before === after) return [];
    if (newest === undefined || newest.action !== after) return [`makes ${key} ${after}, which nobody wants`];
    if (newest.rev <= Math.max(this.#outside.permit(), this.#released)) return [];
    newest.batch.done.set(key, newest.rev);
    return this.#excess(newest.batch);
  }

  #excess(batch: Batch): readonly string[] {
    const permit = Math.max(this.#outside.permit(), this.#released);
    const keysOf = (single: boolean): ReadonlySet<string> => {
      const done = this.#within(batch, single).flatMap((one) => [...one.done]);
      return new Set(done.flatMap(([key, rev]) => (rev > permit ? key : [])));
    };
    const had = Math.max(...[...this.#within(batch, false), batch].map((one) => one.had));
    const [singles, sum, most] = [keysOf(true).size, keysOf(false).size, mayGo(had)];
    const many = singles > SINGLES_MAX ? [`${singles} single deletes within a minute`] : [];
    return sum > most ? [...many, `${sum} of ${had} went or send elsewhere within a minute, without a word`] : many;
  }

  /** What came in the minute before a batch, and it itself. */
  #within({ atMs }: Batch, single: boolean): readonly Batch[] {
    return this.#batches
      .filter((one) => one.single === single && one.raw > 0)
      .filter((one) => one.atMs <= atMs && atMs - one.atMs < WINDOW_MS);
  }
}

interface Change {
  readonly key: string;
  readonly rev: number;
  readonly action: string | undefined;
}

function changesOf({ base, changes, cursor }: Candidate, known: ReadonlyMap<string, Newest>): readonly Change[] {
  const told = changes.map((change) => {
    return { key: change.key, rev: change.rev, action: change.op === 'put' ? String(change.to) : undefined };
  });
  if (base === 'stored') return told;
  const named = new Set(changes.map(({ key }) => key));
  const gone = [...known].filter(([key, { action }]) => action !== undefined && !named.has(key));
  return [...told, ...gone.map(([key]) => ({ key, rev: cursor.rev, action: undefined }))];
}

function mayGo(had: number): number {
  return Math.max(LEAST, Math.floor(had / SHARE));
}
