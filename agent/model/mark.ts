/** What the pinned control map remembers of the store that last wrote the kernel (rule R8). */
export interface Mark {
  readonly epoch: string;
  readonly rev: number;
  /** Commits of the store so far. */
  readonly seq: number;
}
