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
import type {
  BatchResult,
  LinkInfo,
  List,
  LoadResult,
  MapDump,
  MapInfo,
  MapPart,
  NamespaceId,
  NetFeatures,
  NetLink,
  NetNeighbour,
  NetNexthop,
  NetOffloads,
  NetRoute,
  ProgramInfo,
  Rc,
  TableCounts,
  TestRun,
  TestRunResult,
} from './answers.ts';

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

export type * from './answers.ts';

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
  /**
   * Entries of a hash map by LOOKUP_BATCH from its beginning (null) or from where a call before ended on: as many as `keys` and
   * `values` have room for, or fewer. -ENOSPC where a bucket alone holds more; -ENOTSUPP of maps without batches.
   */
  mapRead(map: MapHandle, from: Uint8Array | null, keys: Uint8Array, values: Uint8Array, elemFlags: number): MapPart;
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
   * that stand beside each other. Written to `sums` as doubles: exact below 2^53, above it the nearest.
   */
  memorySum(
    memory: MemoryHandle,
    offset: number,
    stride: number,
    count: number,
    rows: number,
    words: number,
    sums: Uint8Array,
  ): Rc;
  /**
   * Moves counts while others count: each is the offset of an aligned 64-bit word in `from` that becomes 0, and of one in `to`
   * that it is added to, both as 64-bit words in host byte order. -EACCES on memory mapped read-only.
   */
  memoryMove(from: MemoryHandle, to: MemoryHandle, moves: Uint8Array): Rc;

  /**
   * Takes the rows of one family and their filter (bpf/abi.h); -EINVAL unless they are two halves of a table. It takes one
   * writer, and a half is 1 or 2. Every function but `tableClear` answers -EINVAL of a half that was not cleared whole by it.
   * A half is mapped by the function that needs it, and while anything is in it: what is mapped counts as memory of the process.
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
  /**
   * The same in parts: it begins; all keys are kept; then rows from the first to the last are gone through, by eights, which
   * answers how much was wrong there. -ECANCELED once the half was written otherwise meanwhile.
   */
  tableBeginKeeping(table: TableHandle, half: number): Rc;
  tableKeep(table: TableHandle, half: number, keys: Uint8Array, count: number): Rc;
  tableDropRest(table: TableHandle, half: number, from: number, count: number): number;
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
  /** malloc_trim(3): what is free of the heap of C goes back to the system; 1 where there was any. */
  mallocTrim(): number;
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
