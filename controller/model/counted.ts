/** What packets did on a host between two of its answers, within one boot and one epoch of its counters. */
export interface CountWindow {
  readonly spanMs: number;
  /** All that its program saw, what it sent on, and what it dropped for a redirect. */
  readonly packets: number;
  readonly redirected: number;
  readonly dropped: number;
  /** Of what was redirected; null where the host cannot tell all of it. */
  readonly lost: number | null;
}

/** What the counters of a host tell while a rollout runs. */
export interface Counted {
  /** Since its last answer. */
  readonly answeredMsAgo: number;
  /** Why its answers are no evidence, in words: its agent does not count, or counters went back just now. */
  readonly unusable?: string;
  /** Packets that met what the rollout put there, and were not passed for a reason, since it stands there. */
  readonly hits: number;
  /** How many of the rollout's redirects are blocked, denied or failed; null where it did not tell of each. */
  readonly undone: number | null;
  /** The last minutes, and all since it is asked; null before there are two answers that may be subtracted. */
  readonly windows: { readonly recent: CountWindow; readonly whole: CountWindow } | null;
}
