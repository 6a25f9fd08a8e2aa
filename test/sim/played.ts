/** What a schedule came to. */
export interface Played {
  /** What must hold and did not; the first ones. */
  readonly wrong: readonly string[];
  /** Acts, and messages that were lost, repeated or late. */
  readonly events: number;
  /** Rules that were needed, acts that were done, and what messages were struck with. */
  readonly fired: readonly string[];
  /** Over every message and every op, in their order. */
  readonly trace: string;
}

/** What the stores of agents are made of: whichever, all else is the same. */
export type Stores = 'in memory' | 'of SQLite';
