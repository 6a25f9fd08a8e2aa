/** A moment within one boot of a host: milliseconds since then, also those that it slept, whatever becomes of the wall clock. */
export interface BootTime {
  readonly boot: string;
  readonly ms: number;
}

/** Two moments of one boot may be told in any order, but not far apart. */
const SLACK_MS = 10_000;

/** Whether a moment is of the boot of one that was noted before, by the same clock. */
export function isSameBoot(noted: BootTime, at: BootTime): boolean {
  return noted.boot === at.boot && at.ms > noted.ms - SLACK_MS;
}
