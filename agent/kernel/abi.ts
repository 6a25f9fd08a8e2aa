/**
 * The numbers of bpf/abi.h and abi_counts.h: sizes, member offsets, enums. Whatever differs from the object's BTF fails
 * test/unit/agent/kernel/layout.test.ts, so nothing here is kept in step by hand.
 */

/** Byte offset of each member, and the `size` of the whole. */
export const STRUCTS = {
  key4: { size: 16, src: 0, dst: 4, sport: 8, dport: 10, proto: 12, src_len: 13, dst_len: 14, flags: 15 },
  key6: { size: 40, src: 0, dst: 16, sport: 32, dport: 34, proto: 36, src_len: 37, dst_len: 38, flags: 39 },
  value: {
    size: 48,
    lock: 0,
    rev: 4,
    check: 8,
    until: 16,
    slot: 24,
    ifindex: 28,
    dmac: 32,
    mtu: 38,
    smac: 40,
    action: 46,
    flags: 47,
  },
  shape4: { size: 24, mask: 0, zero: 16, src_len: 21, dst_len: 22, flags: 23 },
  shape6: { size: 48, mask: 0, zero: 40, src_len: 45, dst_len: 46, flags: 47 },
  shapes4: { size: 200, count: 0, shape: 8 },
  shapes6: { size: 392, count: 0, shape: 8 },
  shapes: { size: 1184, four: 0, six: 400 },
  row4: { size: 64, key: 0, rev: 16, state: 20, check: 24, until: 32, rest: 40 },
  row6: { size: 128, key: 0, rev: 40, state: 44, check: 48, until: 56, rest: 64, zero: 88 },
  protected4: {
    size: 24,
    src: 0,
    dst: 4,
    src_mask: 8,
    dst_mask: 12,
    sport: 16,
    dport: 18,
    proto: 20,
    flags: 21,
    zero: 22,
  },
  protected6: {
    size: 72,
    src: 0,
    dst: 16,
    src_mask: 32,
    dst_mask: 48,
    sport: 64,
    dport: 66,
    proto: 68,
    flags: 69,
    zero: 70,
  },
  protects: { size: 1552, live: 0, count4: 4, count6: 8, zero: 12, four: 16, six: 400 },
  stat: { size: 32, packets: 0, bytes: 8, seen: 16, zero: 24 },
  mark: { size: 80, rev: 0, seq: 8, epoch: 16 },
  control: {
    size: 192,
    shapes4: 0,
    shapes6: 4,
    bypass: 8,
    ready: 12,
    mark_live: 16,
    blinds: 20,
    table4: 24,
    table6: 28,
    mark: 32,
  },
  about: {
    size: 144,
    layout: 0,
    hz: 4,
    slots: 8,
    cpu_rows: 12,
    netns: 16,
    map_redirect4: 24,
    map_redirect6: 28,
    map_stats: 32,
    map_ports: 36,
    map_shapes: 40,
    zero: 44,
    map_control: 48,
    map_verdicts: 52,
    program: 56,
    map_losses: 60,
    zone: 64,
    instance: 128,
  },
  config: { size: 16, slots: 0, cpu_rows: 4, row_bits: 8, zero: 12 },
  loss: { size: 8, ifindex: 0, error: 4, at: 6, zero: 7 },
} as const;

export const LIMITS = {
  SHUNT_LAYOUT: 2,
  SHAPES_MAX: 8,
  ZONES_MAX: 16,
  LOOKS_MAX: 8,
  EXT_HDRS_MAX: 6,
  VLANS_MAX: 2,
  EPOCH_MAX: 64,
  LOSSES_MAX: 1024,
  PROTECTED_MAX: 16,
  PROBES_MAX: 8,
  FILTER_BITS: 8,
} as const;

/** The largest number that the `mtu` of a value holds. */
export const MTU_MAX = 2 ** (8 * (STRUCTS.value.smac - STRUCTS.value.mtu)) - 1;

export const KEY_FLAGS = { KEY_PROTO: 1, KEY_SPORT: 2, KEY_DPORT: 4, KEY_IN: 8, KEY_ZONE_SHIFT: 4 } as const;

export const ACTIONS = { ACTION_PASS: 0, ACTION_DROP: 1, ACTION_SEND: 2 } as const;

export const VALUE_FLAGS = { VALUE_KEEP_TTL: 1, VALUE_GUARDED: 2 } as const;

/** What a row of the table in front of a redirect map is. */
export const ROW_STATES = { ROW_EMPTY: 0, ROW_USED: 1, ROW_GONE: 2 } as const;

/** Why a packet went where it went, by index of the map `verdicts`; bpf/abi_counts.h says what each means. */
export const VERDICTS = [
  'SENT',
  'SENT_BACK',
  'DROPPED',
  'PASSED',
  'NO_MATCH',
  'BYPASS',
  'NOT_IP',
  'MALFORMED',
  'GROUP',
  'NEIGHBOUR',
  'RETURNED',
  'EXPIRED',
  'TTL',
  'TOO_BIG',
  'NO_PORT',
  'VLAN',
  'RACE',
  'UNKNOWN_ACTION',
  'OVERHEARD',
  'PROTECTED',
] as const;
export type Verdict = (typeof VERDICTS)[number];

/**
 * The verdicts of hits that were passed for a reason of their own, by their place in the map `passed`: row place * slots +
 * slot.
 */
export const PASS_REASONS = [
  'TTL',
  'TOO_BIG',
  'NO_PORT',
  'VLAN',
  'UNKNOWN_ACTION',
] as const satisfies readonly Verdict[];
export type PassReason = (typeof PASS_REASONS)[number];

/** Which tracepoint says that a packet died after its verdict, by the `at` of a key of the map `losses`. */
export const LOSSES = ['REDIRECT_ERR', 'DEVMAP_XMIT', 'BULK_TX', 'EXCEPTION'] as const;
