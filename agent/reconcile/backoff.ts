/** What a kernel errno means for the one entry that met it. */
export type Class = 'retry' | 'blocked' | 'terminal';

const RETRY = new Set(['EAGAIN', 'EBUSY', 'EINTR', 'ENOMEM', 'ENOBUFS', 'ENODEV']);

/** The one place that decides what to do about an errno. `E2BIG` is a full map: blocked until something goes. */
export function classify(errno: string): Class {
  if (errno === 'E2BIG' || errno === 'ENOSPC') return 'blocked';
  return RETRY.has(errno) ? 'retry' : 'terminal';
}

const FIRST_MS = 200;
const LONGEST_MS = 30_000;
/** Keys that are tried again within a second, of all that the kernel refuses. */
const RETRIES_A_SECOND = 5_000;

/**
 * Delay before try number `tries` (from 1), doubling with jitter; milliseconds. `random` is in [0, 1). In a `crowd` of so
 * many keys that wait like this one, each waits as long as keeps all together within 5,000 tries a second.
 */
export function backoffMs(tries: number, random: number, crowd = 0): number {
  const full = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(tries - 1, 20));
  const shared = (2 * 1_000 * crowd) / RETRIES_A_SECOND;
  return Math.ceil(Math.max(full, shared) * (0.5 + random / 2));
}
