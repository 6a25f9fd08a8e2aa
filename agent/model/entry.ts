/** What stands, or shall stand, in a redirect map: the value of one key, as domain types. */
export interface EntryValue {
  /** Low 32 bits of the intent's revision: provenance, no more. */
  readonly rev: number;
  /** Kernel jiffies64 after which the program passes; 0n is for ever. */
  readonly until: bigint;
  /** Row of the counters; stays with its key for life. */
  readonly slot: number;
  /** Egress, true only for now; 0 unless `action` is send. */
  readonly ifindex: number;
  readonly action: 'pass' | 'drop' | 'send';
  readonly keepTtl: boolean;
  /** L3 bytes the egress takes. */
  readonly mtu: number;
  /** Canonical MACs, `02:00:00:00:00:01`; all zero unless `action` is send. */
  readonly dmac: string;
  readonly smac: string;
  /** Protected packets pass it; absent where there are none that it meets. */
  readonly guarded?: true;
}

export const NO_MAC = '00:00:00:00:00:00';

/** True when both say the same to a packet; `rev` and `slot` count too, they are part of what we promise. */
export function sameEntry(a: EntryValue, b: EntryValue): boolean {
  return (
    a.rev === b.rev &&
    a.until === b.until &&
    a.slot === b.slot &&
    a.ifindex === b.ifindex &&
    a.action === b.action &&
    a.keepTtl === b.keepTtl &&
    a.mtu === b.mtu &&
    a.dmac === b.dmac &&
    a.smac === b.smac &&
    a.guarded === b.guarded
  );
}
