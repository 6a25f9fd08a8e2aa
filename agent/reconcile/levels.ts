/** How far the kernel is: every change up to `applied` stands there, and up to `verified` was read back. Revisions. */
export class Levels {
  #applied = 0;
  #verified = 0;

  get applied(): number {
    return this.#applied;
  }

  get verified(): number {
    return this.#verified;
  }

  /** A set at this revision is not applied yet, also where its revisions start again lower. */
  lower(rev: number): void {
    this.#applied = Math.min(this.#applied, Math.max(0, rev - 1));
    this.#verified = Math.min(this.#verified, this.#applied);
  }

  /** Nothing of a set at this revision is due any more; answers whether that is news. */
  raise(rev: number): boolean {
    const isNew = this.#applied !== rev || this.#verified !== rev;
    this.#applied = rev;
    this.#verified = rev;
    return isNew;
  }
}
