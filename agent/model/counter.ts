/** Counts of one slot since it was given out. */
export interface Counter {
  readonly packets: bigint;
  /** L2 frame bytes without FCS. */
  readonly bytes: bigint;
  /** jiffies64 of the last hit; 0n is never. */
  readonly seen: bigint;
}
