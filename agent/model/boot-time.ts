/** A moment within one boot of a host: milliseconds since then, also those that it slept, whatever becomes of the wall clock. */
export interface BootTime {
  readonly boot: string;
  readonly ms: number;
}
