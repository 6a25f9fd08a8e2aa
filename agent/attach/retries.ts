const FIRST_MS = 1_000;
const MOST_MS = 60_000;

interface Failed {
  readonly why: string;
  readonly delayMs: number;
  readonly dueMs: number;
}

/** What failed is tried again ever later, and is news only where it fails for another reason than before. */
export class Retries {
  readonly #failed = new Map<string, Failed>();

  isDue(what: string, nowMs: number): boolean {
    return nowMs >= (this.#failed.get(what)?.dueMs ?? 0);
  }

  /** Answers whether that is news. */
  fail(what: string, why: string, nowMs: number): boolean {
    const before = this.#failed.get(what);
    const delayMs = before === undefined ? FIRST_MS : Math.min(2 * before.delayMs, MOST_MS);
    this.#failed.set(what, { why, delayMs, dueMs: nowMs + delayMs });
    return before?.why !== why;
  }

  succeed(what: string): void {
    this.#failed.delete(what);
  }

  /** Forgets all but these. */
  keepOnly(whats: readonly string[]): void {
    for (const what of this.#failed.keys()) if (!whats.includes(what)) this.#failed.delete(what);
  }

  /** When the next is due; undefined where nothing failed. */
  get dueMs(): number | undefined {
    const due = [...this.#failed.values()].map(({ dueMs }) => dueMs);
    return due.length === 0 ? undefined : Math.min(...due);
  }
}
