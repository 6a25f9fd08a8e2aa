/** In so few of all schedules a rule or a fault is as good as untested. */
const LEAST = 0.01;

/** In how many schedules each of the things named came up, such as rules that were needed and acts that were done. */
export class Shares {
  readonly #counts: Map<string, number>;
  #schedules = 0;

  constructor(names: readonly string[]) {
    this.#counts = new Map(names.map((name) => [name, 0]));
  }

  add(fired: Iterable<string>): void {
    this.#schedules += 1;
    for (const name of fired) if (this.#counts.has(name)) this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  /** What came up too seldom. */
  get rare(): readonly string[] {
    return [...this.#counts].filter(([, count]) => count < LEAST * this.#schedules).map(([name]) => name);
  }

  /** A line for each. */
  get lines(): readonly string[] {
    return [...this.#counts].map(([name, count]) => {
      const percent = (100 * count) / Math.max(1, this.#schedules);
      return `${percent.toFixed(1).padStart(6)} %  ${name}`;
    });
  }
}
