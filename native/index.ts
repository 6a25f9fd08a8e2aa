/**
 * The whole surface of the native addon, on one screen: bpf(2) through libbpf, rtnetlink and generic netlink
 * through libmnl. It translates and never decides. A function answers its value, or a negative errno as a number;
 * a wrong argument shape is a TypeError raised before any system call. Handles are opaque, type-tagged, and closed
 * explicitly with `close`; closing twice is harmless, using a closed one answers -EBADF. One that is dropped unclosed
 * stays open until its thread ends: garbage collection closes nothing.
 *
 * Loads in worker threads. All calls are synchronous. Addresses are network-order bytes; ifindex is a u32.
 */
import { createRequire } from 'node:module';

declare const kind: unique symbol;
interface Handle<Kind extends string> {
  readonly [kind]: Kind;
}
export type ObjectHandle = Handle<'object'>;
export type MapHandle = Handle<'map'>;
export type ProgramHandle = Handle<'program'>;
export type LinkHandle = Handle<'link'>;
export type MemoryHandle = Handle<'memory'>;
export type LockHandle = Handle<'lock'>;
export type SubscriptionHandle = Handle<'subscription'>;
export type TableHandle = Handle<'table'>;
export type AnyHandle =
  | ObjectHandle
  | MapHandle
  | ProgramHandle
  | LinkHandle
  | MemoryHandle
  | LockHandle
  | SubscriptionHandle
  | TableHandle;

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

export interface Native {
  close(handle: AnyHandle): void;

  objectOpen(path: string): ObjectHandle | Rc;
  objectMapNames(object: ObjectHandle): readonly string[] | Rc;
  objectSetMaxEntries(object: ObjectHandle, map: string, maxEntries: number): Rc;
  /** Initial bytes of an internal map (`.rodata`) from `offset`, before load. */
  objectSetData(object: ObjectHandle, map: string, offset: number, bytes: Uint8Array): Rc;
  /** The object uses this map instead of making its own, and from now on knows it by the name that this map bears. */
  objectReuseMap(object: ObjectHandle, map: string, handle: MapHandle): Rc;
  /** The program is left out of the load. */
  objectSkipProgram(object: ObjectHandle, program: string): Rc;
  objectLoad(object: ObjectHandle): LoadResult;
  objectMap(object: ObjectHandle, map: string): MapHandle | Rc;
  objectProgram(object: ObjectHandle, program: string): ProgramHandle | Rc;
  /** Raw BTF of the object file, as the ELF section holds it. */
  objectBtf(object: ObjectHandle): Uint8Array | Rc;

  mapCreate(
    type: number,
    name: string,
    keySize: number,
    valueSize: number,
    maxEntries: number,
    flags: number,
  ): MapHandle | Rc;
  mapOpen(path: string, readOnly: boolean): MapHandle | Rc;
  mapPin(map: MapHandle, path: string): Rc;
  mapInfo(map: MapHandle): MapInfo | Rc;
  mapFreeze(map: MapHandle): Rc;
  /** Per-CPU maps answer one array: round-up(valueSize, 8) x possible CPUs. */
  mapLookupElem(map: MapHandle, key: Uint8Array, flags: number): Uint8Array | Rc;
  mapUpdateElem(map: MapHandle, key: Uint8Array, value: Uint8Array, flags: number): Rc;
  mapDeleteElem(map: MapHandle, key: Uint8Array): Rc;
  mapNextKey(map: MapHandle, key: Uint8Array | null): Uint8Array | Rc;
  /** keys and values contiguous, `count` of each; elemFlags e.g. BPF_F_LOCK (4). */
  mapUpdateBatch(map: MapHandle, keys: Uint8Array, values: Uint8Array, count: number, elemFlags: number): BatchResult;
  mapDeleteBatch(map: MapHandle, keys: Uint8Array, count: number): BatchResult;
  /** Every entry by LOOKUP_BATCH, walked to its end; entries changed meanwhile may appear in either form, or twice. */
  mapDump(map: MapHandle, elemFlags: number): MapDump;
  /** Maps an ARRAY made with BPF_F_MMAPABLE, whole. */
  mapMmap(map: MapHandle, writable: boolean): MemoryHandle | Rc;
  /** The same, with what is left of the last page: zero at first, and of those alone who map it, for it is no value. */
  mapMmapPages(map: MapHandle, writable: boolean): MemoryHandle | Rc;
  memorySize(memory: MemoryHandle): number;
  /** A copy of the bytes now; 64-bit words are read whole where offset is a multiple of 8. */
  memoryRead(memory: MemoryHandle, offset: number, length: number): Uint8Array | Rc;
  /** Aligned 32-bit store with release order; -EACCES on memory mapped read-only. */
  memoryStoreU32(memory: MemoryHandle, offset: number, value: number): Rc;
  memoryWrite(memory: MemoryHandle, offset: number, bytes: Uint8Array): Rc;
  /**
   * Of `count` columns the largest 64-bit word that any of `rows` rows has: word `offset + (row * count + column) *
   * stride`, each read whole. As doubles: exact below 2^53.
   */
  memoryMax(memory: MemoryHandle, offset: number, stride: number, count: number, rows: number): Float64Array | Rc;
  /**
   * Of the same columns the sums of 64-bit words over all rows: `count` of the first word, then as many of the next, to `words`
   * that stand beside each other. As doubles: exact below 2^53, above it the nearest.
   */
  memorySum(
    memory: MemoryHandle,
    offset: number,
    stride: number,
    count: number,
    rows: number,
    words: number,
  ): Float64Array | Rc;
  /**
   * Moves counts while others count: each is the offset of an aligned 64-bit word in `from` that becomes 0, and of one in `to`
   * that it is added to, both as 64-bit words in host byte order. -EACCES on memory mapped read-only.
   */
  memoryMove(from: MemoryHandle, to: MemoryHandle, moves: Uint8Array): Rc;

  /**
   * Maps the rows of one family and their filter (bpf/abi.h); -EINVAL unless they are two halves of a table. It takes one
   * writer, and a half is 1 or 2. Every function but `tableClear` answers -EINVAL of a half that was not cleared whole by it.
   */
  tableOpen(rows: MapHandle, filter: MapHandle): TableHandle | Rc;
  /**
   * Empties so many rows from one on, from 0 to the last, with their part of the filter. No packet may meet this half; unless
   * it is none from 0 on, by which the half is left alone, and what this process knew of it is let go.
   */
  tableClear(table: TableHandle, half: number, from: number, count: number): Rc;
  /** Rows and filter bits of entries: keys and values as the redirect map has them, contiguous, `count` of each. */
  tablePut(table: TableHandle, half: number, keys: Uint8Array, values: Uint8Array, count: number): Rc;
  /** The rows of these keys, where there are any, prove themselves no more: packets ask the redirect map. */
  tableBreak(table: TableHandle, half: number, keys: Uint8Array, count: number): Rc;
  /** Packets meet the rows of these keys no more; their filter bits stay until `tableForget`. */
  tableRemove(table: TableHandle, half: number, keys: Uint8Array, count: number): Rc;
  /** Drops the filter bits of keys that were removed. */
  tableForget(table: TableHandle, half: number): Rc;
  /** The indexes of those entries of which packets would not find the same here, nor be sent to the redirect map. */
  tableDiffering(
    table: TableHandle,
    half: number,
    keys: Uint8Array,
    values: Uint8Array,
    count: number,
  ): Uint32Array | Rc;
  /** Removes what is of other keys than these and mends the filter; how many rows and words of the filter were wrong. */
  tableKeepOnly(table: TableHandle, half: number, keys: Uint8Array, count: number): number;
  tableCounts(table: TableHandle, half: number): TableCounts | Rc;

  programOpen(path: string): ProgramHandle | Rc;
  programPin(program: ProgramHandle, path: string): Rc;
  programInfo(program: ProgramHandle): ProgramInfo | Rc;
  /** -EINTR when a signal came between two of several repeats. */
  programTestRun(program: ProgramHandle, run: TestRun): TestRunResult;

  /** flags: XDP_FLAGS_ (2 generic, 4 native). */
  linkCreateXdp(program: ProgramHandle, ifindex: number, flags: number): LinkHandle | Rc;
  /** Stays attached until the link is closed and unpinned: it cannot be detached or updated. */
  programAttachRawTracepoint(program: ProgramHandle, name: string): LinkHandle | Rc;
  linkOpen(path: string): LinkHandle | Rc;
  linkPin(link: LinkHandle, path: string): Rc;
  linkUpdate(link: LinkHandle, program: ProgramHandle): Rc;
  linkDetach(link: LinkHandle): Rc;
  /** Of XDP links; -EINVAL of others. */
  linkInfo(link: LinkHandle): LinkInfo | Rc;
  /** The program that a link of any kind runs; takes CAP_SYS_ADMIN. */
  linkProgram(link: LinkHandle): ProgramHandle | Rc;

  netLinks(): List<NetLink>;
  /**
   * The entry that packets for the destination take, by RTM_F_FIB_MATCH; ifindex 0: out of any netdev. What others may
   * write into the kernel's caches (a path's MTU, a redirect) is not in it.
   */
  netRouteGet(destination: Uint8Array, ifindex: number): NetRoute;
  netNexthopGet(id: number): NetNexthop;
  netNeighbours(): List<NetNeighbour>;
  netFeatures(): List<NetFeatures>;
  /**
   * Calls back when links, addresses, routes or neighbours changed, at most once a loop turn; the arguments say which
   * kinds (bit 0 links, 1 neighbours, 2 routes and addresses), and whether the kernel dropped notices (ENOBUFS).
   * Does not keep the process alive.
   */
  netSubscribe(onChange: (kinds: number, overrun: boolean) => void): SubscriptionHandle | Rc;
  /** netns: the file of another network namespace, which takes CAP_SYS_ADMIN; null for ours. */
  netOffloads(ifindex: number, netns: string | null): NetOffloads;
  /** Takes CAP_NET_ADMIN. 0 does not say that it is so now: the driver has the last word, netOffloads tells. */
  netSetOffload(ifindex: number, offload: string, on: boolean): Rc;
  /** The id by which this network namespace knows another, from its file. */
  netNamespaceId(path: string): NamespaceId;
  /** Sends an empty UDP datagram to port 9, bound to the netdev: makes the kernel (re)resolve the neighbour. */
  netProbe(ifindex: number, address: Uint8Array): Rc;

  /** Opens (creates, 0600) and locks the file exclusively, without waiting; -EWOULDBLOCK when somebody holds it. */
  lockFile(path: string): LockHandle | Rc;
  /** The same of a folder that is there: on a bpffs nothing else can be locked. */
  lockFolder(path: string): LockHandle | Rc;
  /** membarrier(MEMBARRIER_CMD_GLOBAL): an RCU grace period on every CPU. */
  membarrierGlobal(): Rc;
  /** Mode 0711; its source in mountinfo is `shunt`. */
  mountBpf(path: string): Rc;
  possibleCpus(): number;
}

const ADDON = './build/Release/shunt.node';

/** Loads the addon. Errors: Error that says what to do; its cause is the runtime's, its `code` too. */
export function loadNative(): Native {
  try {
    return createRequire(import.meta.url)(ADDON) as Native;
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const why = code === 'MODULE_NOT_FOUND' ? 'it is not there' : message;
    throw Object.assign(
      new Error(`load the native addon native/${ADDON.slice(2)}: ${why}; run ./dev build`, { cause }),
      { code },
    );
  }
}
