import type { Guard } from '../../protocol/guard.ts';

/** What redirects may do on this host; with `fault`, what is wrong with what the host says of it since. */
export interface Guarded {
  readonly guard: Guard;
  readonly fault?: string;
}

/** Where the host says that, and nobody else. */
export interface GuardSource {
  /** Another object once it says something else. */
  readonly now: Guarded;
  /** Looks again; what takes longer counts at the next look. */
  look(): void;
}
