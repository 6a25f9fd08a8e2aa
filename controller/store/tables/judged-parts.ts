import { OneByOne } from '../../../daemon/one-by-one.ts';
import type { Refused } from '../../../protocol/refused.ts';
import { judgeSpec } from '../../../protocol/spec.ts';
import type { SpecRow } from '../schema.ts';
import { rowFrom } from './spec-row.ts';

/** Texts of so many characters wait judged, some 200,000 redirects; what is more is judged once all of it is there. */
const MAX_CHARS = 32 * 2 ** 20;
/** Redirects that are judged before others get their turn. */
const SPECS_AT_ONCE = 100;

/** What came of a redirect that somebody asks for: what is to be stored, or all that is wrong with it. */
export type Judged =
  | { readonly row: SpecRow }
  | { readonly row?: undefined; readonly value: unknown; readonly faults: readonly Refused[] };

/** Judges one after the other, each when it is wanted. */
export function* judgedOf(values: Iterable<unknown>): Generator<Judged> {
  for (const value of values) {
    const { spec, faults } = judgeSpec(value);
    yield spec === undefined ? { value, faults } : { row: rowFrom(spec) };
  }
}

/** A part of an upload, and the text that it is kept as. */
interface Part {
  readonly upload: string;
  readonly part: number;
  readonly text: string;
}

interface Kept {
  readonly text: string;
  readonly atMs: number;
  /** Begins with whoever asks first. */
  readonly judged: () => Promise<readonly Judged[]>;
}

/**
 * Redirects of parts that wait for the last one: they are judged while whoever sends them makes the next ready. What is not here, or
 * has another text by now, is judged when it is wanted; nothing depends on this memory but time.
 */
export class JudgedParts {
  readonly #uploads = new Map<string, Map<number, Kept>>();
  readonly #oneByOne = new OneByOne();
  #chars = 0;

  /** Begins to judge a part that came; in the middle of it others get their `turn`. */
  begin({ upload, part, text }: Part, values: readonly unknown[], atMs: number, turn: () => Promise<void>): void {
    this.#take(upload, part);
    if (this.#chars + text.length > MAX_CHARS) return;
    this.#chars += text.length;
    const parts = this.#uploads.get(upload) ?? new Map<number, Kept>();
    this.#uploads.set(upload, parts);
    const kept = { text, atMs, judged: once(() => judgeAll(values, turn)) };
    parts.set(part, kept);
    const isKept = (): boolean => this.#uploads.get(upload)?.get(part) === kept;
    // Whoever takes it is told what goes wrong.
    this.#oneByOne.do(async () => isKept() && (await kept.judged())).catch(() => {});
  }

  /** Hands out what came of a part, once. It waits for no other part. */
  async take({ upload, part, text }: Part): Promise<readonly Judged[] | undefined> {
    const kept = this.#take(upload, part);
    return kept?.text === text ? await kept.judged() : undefined;
  }

  drop(upload: string): void {
    for (const part of this.#uploads.get(upload)?.keys() ?? []) this.#take(upload, part);
  }

  /** Drops uploads that have a part of before this time. */
  dropOld(beforeMs: number): void {
    for (const [upload, parts] of this.#uploads)
      if (parts.values().some(({ atMs }) => atMs < beforeMs)) this.drop(upload);
  }

  #take(upload: string, part: number): Kept | undefined {
    const parts = this.#uploads.get(upload);
    const kept = parts?.get(part);
    if (parts === undefined || kept === undefined) return undefined;
    parts.delete(part);
    if (parts.size === 0) this.#uploads.delete(upload);
    this.#chars -= kept.text.length;
    return kept;
  }
}

function once<T>(work: () => T): () => T {
  let done: { readonly answer: T } | undefined;
  return () => {
    done ??= { answer: work() };
    return done.answer;
  };
}

async function judgeAll(values: readonly unknown[], turn: () => Promise<void>): Promise<readonly Judged[]> {
  const judged: Judged[] = [];
  for (const one of judgedOf(values)) {
    judged.push(one);
    if (judged.length % SPECS_AT_ONCE === 0) await turn();
  }
  return judged;
}
