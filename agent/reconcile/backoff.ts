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

/** Delay before try number `tries` (from 1), doubling with jitter; milliseconds. `random` is in [0, 1). */
export function backoffMs(tries: number, random: number): number {
  const full = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(tries - 1, 20));
  return Math.round(full * (0.5 + random / 2));
}
