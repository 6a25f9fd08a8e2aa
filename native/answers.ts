/** What functions of the addon answer, and what a test-run is told, as plain objects. */

/** 0, or a negative errno. */
export type Rc = number;

export interface MapInfo {
  readonly id: number;
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  readonly name: string;
  readonly frozen: boolean;
}
export interface ProgramInfo {
  readonly id: number;
  readonly type: number;
  readonly tag: string;
  readonly name: string;
}
/** Of an XDP link; any other is -EINVAL. `ifindex` is 0 once the netdev is gone. */
export interface LinkInfo {
  readonly id: number;
  readonly programId: number;
  readonly ifindex: number;
}
/** How far a batch came: `count` elements were done, then `rc` stopped it (0: all of them). */
export interface BatchResult {
  readonly rc: Rc;
  readonly count: number;
}
/** `count` entries, keys and values contiguous. */
export interface MapDump {
  readonly rc: Rc;
  readonly count: number;
  readonly keys: Uint8Array;
  readonly values: Uint8Array;
}
/** `count` entries were read; `next` is where the rest begins, null at the end. */
export interface MapPart extends BatchResult {
  readonly next: Uint8Array | null;
}
/** Of one half of a table. */
export interface TableCounts {
  readonly rows: number;
  readonly used: number;
  /** Rows that searches walk over: their keys went. */
  readonly gone: number;
  /** Keys that found no free row: they live in the redirect map alone. */
  readonly unplaced: number;
}
export interface LoadResult {
  readonly rc: Rc;
  /** The verifier's words and libbpf's warnings, at most 64 KiB, the tail of them. Empty when all is well. */
  readonly log: string;
}
export interface TestRun {
  readonly dataIn: Uint8Array | null;
  readonly ctxIn: Uint8Array | null;
  readonly repeat: number;
  readonly dataOutSize: number;
  readonly ctxOutSize: number;
}
export interface TestRunResult {
  readonly rc: Rc;
  readonly retval: number;
  readonly durationNs: number;
  readonly dataOut: Uint8Array;
  readonly ctxOut: Uint8Array;
}
export interface NetLink {
  readonly ifindex: number;
  readonly name: string;
  /** IFF_ flags, e.g. 0x1 up, 0x40 running, 0x10000 lower up. */
  readonly flags: number;
  /** IF_OPER_ state; 6 is up, 0 unknown. */
  readonly operState: number;
  readonly carrier: boolean;
  /** How often it went, since the netdev was made; modulo 2^32. */
  readonly carrierDowns: number;
  readonly mtu: number;
  /** 6 bytes, or empty for a device without Ethernet addresses. */
  readonly mac: Uint8Array;
  /** ARPHRD_ type; 1 is Ethernet. */
  readonly type: number;
  /** IFLA_INFO_KIND, e.g. `veth`; null for hardware. */
  readonly kind: string | null;
  readonly master: number;
  /** IFLA_LINK: the peer of a veth, the lower device of a VLAN, by its ifindex where it is; 0 = none. */
  readonly link: number;
  /** Where `link` is: the id of another network namespace, -1 when it has none, null for this one. */
  readonly linkNamespace: number | null;
  /** XDP_ATTACHED_ mode: 0 none, 1 native, 2 generic, 3 offload, 4 several. */
  readonly xdpMode: number;
  readonly xdpProgramId: number;
}
/** One way out that a route has. */
export interface NetHop {
  readonly ifindex: number;
  /** Empty: on-link. Its length tells the family, which may differ from the destination's (RTA_VIA). */
  readonly gateway: Uint8Array;
  /** RTNH_F_ flags; 1 dead, 16 without carrier. */
  readonly flags: number;
}
/** An entry of the routing tables, whatever the kernel has cached of it. */
export interface NetRoute {
  readonly rc: Rc;
  /** RTN_ type; 1 unicast, 2 local. */
  readonly type: number;
  readonly hops: readonly NetHop[];
  /** Id of its next hop object, 0 = none; its hops are listed unless net.ipv4.nexthop_compat_mode is off. */
  readonly nexthop: number;
  /** RTAX_MTU of the entry; 0 = none. */
  readonly mtu: number;
}
/** A next hop object: one hop, or the ids of a group; neither of a blackhole. */
export interface NetNexthop {
  readonly rc: Rc;
  readonly hop: NetHop | null;
  readonly members: readonly number[];
}
export interface NetNeighbour {
  readonly ifindex: number;
  readonly address: Uint8Array;
  /** Empty while unresolved. */
  readonly mac: Uint8Array;
  /** NUD_ state bits. */
  readonly state: number;
}
export interface NetFeatures {
  readonly ifindex: number;
  /** NETDEV_XDP_ACT_ bits: 1 basic, 2 redirect, 4 ndo-xmit. */
  readonly xdp: bigint;
}
/** Ethtool features by the kernel's own names, e.g. `rx-vlan-hw-parse`. */
export interface NetOffloads {
  readonly rc: Rc;
  /** Of the netdev, where it is. */
  readonly name: string;
  readonly active: readonly string[];
  readonly changeable: readonly string[];
}
export interface NamespaceId {
  readonly rc: Rc;
  /** -1: it has none here. */
  readonly id: number;
}
export interface List<T> {
  readonly rc: Rc;
  readonly items: readonly T[];
}
