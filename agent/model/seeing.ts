/** Since when an interface is looked through without a break, in jiffies64, and what would have moved with one. */
export interface Seeing {
  readonly ifindex: number;
  readonly carrierDowns: number;
  readonly since: number;
}

/** Since when packets that hit are counted, all of them. */
export interface SeenSince {
  /** As `Words.blinds` of the kernel's port was. */
  readonly blinds: string;
  /** Of one interface at least; absent while of none. jiffies64. */
  readonly anywhere?: number;
  /** By name. */
  readonly interfaces: Readonly<Record<string, Seeing>>;
}
