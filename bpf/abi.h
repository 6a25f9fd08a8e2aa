/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Every struct and enum that user space shares with the program.
 *
 * agent/kernel/abi.ts mirrors it; test/unit/agent/kernel/layout.test.ts compares
 * the two through the object's BTF, so neither can drift alone. Enums only
 * grow at the end. A change of size or meaning bumps SHUNT_LAYOUT, which is
 * the version in the pin path.
 */
#ifndef SHUNT_ABI_H
#define SHUNT_ABI_H

#include "abi_counts.h"

/* Numbers, not macros, so that they stand in the object's BTF. */
enum limit {
	SHUNT_LAYOUT = 2,
	SHAPES_MAX = 8,		/* look-ups a packet may cost */
	ZONES_MAX = 16,		/* zone 0 is "any interface" */
	LOOKS_MAX = 8,		/* looks at one key before the program waits for its writer */
	EXT_HDRS_MAX = 6,	/* IPv6 extension headers walked */
	VLANS_MAX = 2,
	EPOCH_MAX = 64,		/* bytes of an epoch, NUL-padded */
	LOSSES_MAX = 1024,	/* rows of `losses` */
	PROTECTED_MAX = 16,	/* matches of a family that a hit is compared with */
	PROBES_MAX = 8,		/* rows of a table that a look may cost */
	FILTER_BITS = 8,	/* of the filter, a row */
};

/* Which fields of a key its shape fixes; the high nibble is the zone. */
enum key_flag {
	KEY_PROTO = 1,
	KEY_SPORT = 2,
	KEY_DPORT = 4,
	KEY_IN = 8,
	KEY_ZONE_SHIFT = 4,
};

struct key4 {
	__be32 src;
	__be32 dst;
	__be16 sport;
	__be16 dport;
	__u8 proto;
	__u8 src_len;
	__u8 dst_len;
	__u8 flags;
};
_Static_assert(sizeof(struct key4) == 16, "key4");

struct key6 {
	__be32 src[4];
	__be32 dst[4];
	__be16 sport;
	__be16 dport;
	__u8 proto;
	__u8 src_len;
	__u8 dst_len;
	__u8 flags;
};
_Static_assert(sizeof(struct key6) == 40, "key6");

enum action {
	ACTION_PASS = 0,
	ACTION_DROP = 1,
	ACTION_SEND = 2,	/* MACs set, out of ifindex; covers interface+mac and nexthop */
};

enum value_flag {
	VALUE_KEEP_TTL = 1,
	VALUE_GUARDED = 2,	/* protected packets pass it */
};

/*
 * An entry. Written only under BPF_F_LOCK; the program never takes the lock
 * but proves its copy with `check` (see check.h), which covers the key, `rev`
 * and every word from `until` on. What a rarer action needs beside it will stand
 * in a map of its own, by slot.
 */
struct value {
	struct bpf_spin_lock lock;
	__u32 rev;		/* low 32 bits of the intent's revision */
	__u64 check;
	__u64 until;		/* jiffies64; 0 = for ever */
	__u32 slot;
	__u32 ifindex;		/* egress */
	__u8 dmac[6];
	__u16 mtu;		/* of the egress, L3 bytes */
	__u8 smac[6];
	__u8 action;		/* enum action */
	__u8 flags;		/* enum value_flag */
};
_Static_assert(sizeof(struct value) == 48, "value");

/*
 * A shape, compiled: a packet's key is its fields & `mask`, and `fixed` in the
 * last word. `fixed` holds the prefix lengths and the flags, without a zone.
 */
struct shape4 {
	struct key4 mask;	/* ones where a field counts; lengths and flags 0 */
	__u8 zero[5];		/* where a key has ports and protocol */
	__u8 src_len;
	__u8 dst_len;
	__u8 flags;		/* enum key_flag without a zone */
};
_Static_assert(sizeof(struct shape4) == 24, "shape4");

struct shape6 {
	struct key6 mask;
	__u8 zero[5];
	__u8 src_len;
	__u8 dst_len;
	__u8 flags;
};
_Static_assert(sizeof(struct shape6) == 48, "shape6");

/* Most specific first. */
struct shapes4 {
	__u64 count;
	struct shape4 shape[SHAPES_MAX];
};
_Static_assert(sizeof(struct shapes4) == 200, "shapes4");

struct shapes6 {
	__u64 count;
	struct shape6 shape[SHAPES_MAX];
};
_Static_assert(sizeof(struct shapes6) == 392, "shapes6");

/* The lists of both families, two of each; control selects. */
struct shapes {
	struct shapes4 four[2];
	struct shapes6 six[2];
};
_Static_assert(sizeof(struct shapes) == 1184, "shapes");

enum row_state {
	ROW_EMPTY = 0,		/* ends a search: what it looks for is in no row */
	ROW_USED,
	ROW_GONE,		/* its key went; the search goes on */
};

/*
 * A copy of an entry, in the table in front of the hash map: words of the value, in
 * its order. A row proves itself by its check as an entry does; one whose check fails
 * has the hash map asked. Never does a row that proves itself say anything else.
 */
struct row4 {
	struct key4 key;
	__u32 rev;
	__u32 state;		/* enum row_state */
	__u64 check;
	__u64 until;
	__u64 rest[3];		/* of the value, from `slot` on */
};
_Static_assert(sizeof(struct row4) == 64, "row4");

struct row6 {
	struct key6 key;
	__u32 rev;
	__u32 state;
	__u64 check;
	__u64 until;
	__u64 rest[3];
	__u64 zero[5];		/* two cache lines */
};
_Static_assert(sizeof(struct row6) == 128, "row6");

/* Packets that no entry takes. What its flags do not fix may be anything. */
struct protected4 {
	__be32 src;
	__be32 dst;
	__be32 src_mask;
	__be32 dst_mask;
	__be16 sport;
	__be16 dport;
	__u8 proto;
	__u8 flags;		/* enum key_flag without a zone */
	__u16 zero;
};
_Static_assert(sizeof(struct protected4) == 24, "protected4");

struct protected6 {
	__be32 src[4];
	__be32 dst[4];
	__be32 src_mask[4];
	__be32 dst_mask[4];
	__be16 sport;
	__be16 dport;
	__u8 proto;
	__u8 flags;
	__u16 zero;
};
_Static_assert(sizeof(struct protected6) == 72, "protected6");

/* Two of these stand in the map `protect`, mapped by the agent. */
struct protects {
	__u32 live;		/* of element 0: which of the two is live */
	__u32 count4;
	__u32 count6;
	__u32 zero;
	struct protected4 four[PROTECTED_MAX];
	struct protected6 six[PROTECTED_MAX];
};
_Static_assert(sizeof(struct protects) == 1552, "protects");

struct mark {
	__u64 rev;
	__u64 seq;
	char epoch[EPOCH_MAX];
};
_Static_assert(sizeof(struct mark) == 80, "mark");

/*
 * The agent's words, mapped by it and by the commands that work on a host. `table4` and
 * `table6` say which half of the rows and of the filter the program may use: 0 = none,
 * and all is asked of the hash map; 1 or 2.
 */
struct control {
	__u32 shapes4;		/* which list of shapes.four is live: 0 or 1 */
	__u32 shapes6;
	__u32 bypass;		/* not 0: pass everything */
	__u32 ready;		/* not 0: filled and read back */
	__u32 mark_live;	/* which mark is whole: 0 or 1 */
	__u32 blinds;		/* moves when packets may pass uncounted: bypass is put on, an interface attached or detached */
	__u32 table4;
	__u32 table6;
	struct mark mark[2];
};
_Static_assert(sizeof(struct control) == 192, "control");

/*
 * The loader's words; the agent may only read them. What stands before the map
 * ids is there in every layout, and so is `bypass` in struct control.
 */
struct about {
	__u32 layout;
	__u32 hz;		/* jiffies a second */
	__u32 slots;
	__u32 cpu_rows;		/* CPUs with a row of their own in stats; one shared row follows */
	__u64 netns;		/* inode of the network namespace */
	__u32 map_redirect4;	/* map ids */
	__u32 map_redirect6;
	__u32 map_stats;
	__u32 map_ports;
	__u32 map_shapes;
	__u32 zero;
	__u32 map_control;
	__u32 map_verdicts;
	__u32 program;		/* id of the attached program */
	__u32 map_losses;
	__u32 zone[ZONES_MAX];	/* ifindex by zone; zone[0] is 0; 0 = unused */
	__u8 instance[16];	/* random, made with the maps */
};
_Static_assert(sizeof(struct about) == 144, "about");

/*
 * Read-only data of the program, set by the loader before load. `row_bits`: a half of a
 * table has 1 << row_bits rows, and its filter FILTER_BITS bits for each; 0 = no table.
 */
struct config {
	__u32 slots;
	__u32 cpu_rows;
	__u32 row_bits;
	__u32 zero;
};
_Static_assert(sizeof(struct config) == 16, "config");

#endif
