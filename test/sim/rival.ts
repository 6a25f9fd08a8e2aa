/** Changes that are further apart are met as several. */
const APART_MS = 700;

/** Somebody else on a host, who undoes what is repaired so many times, and then leaves it alone. */
export class Rival {
  readonly #undo: (id: string) => void;
  readonly #after: (delayMs: number) => Promise<void>;
  readonly #left = new Map<string, number>();

  constructor(undo: (id: string) => void, after: (delayMs: number) => Promise<void>) {
    this.#undo = undo;
    this.#after = after;
  }

  /** Removes an entry, and again so many times. */
  begin(id: string, times: number): void {
    this.#left.set(id, times);
    this.#undo(id);
  }

  /** An entry is written. */
  written(id: string): void {
    const left = this.#left.get(id) ?? 0;
    if (left === 0) return;
    this.#left.set(id, left - 1);
    void this.#after(APART_MS).then(() => {
      if (this.#left.has(id)) this.#undo(id);
    });
  }

  /** What is repaired is undone once more. */
  get fights(): boolean {
    return this.#left.values().some((times) => times > 0);
  }

  /** The host boots, and nothing runs on. */
  end(): void {
    this.#left.clear();
  }
}
