/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is counted: each packet once by its verdict, and hits by their slot.
 */
#ifndef SHUNT_COUNT_H
#define SHUNT_COUNT_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "abi.h"
#include "likely.h"
#include "maps.h"

static __always_inline void count_verdict(__u32 verdict)
{
	__u64 *packets = bpf_map_lookup_elem(&verdicts, &verdict);

	if (packets)
		++*packets;
}

/* Where a CPU counts the hits of a slot; NULL: there is no such slot. */
static __always_inline struct stat *stat_of(__u32 cpu, __u32 slot)
{
	__u32 slots = config.slots, rows = config.cpu_rows;
	__u32 row = (cpu < rows ? cpu : rows) * slots + slot;

	return slot < slots ? bpf_map_lookup_elem(&stats, &row) : 0;
}

/*
 * Each CPU writes a row of its own, so no count is lost and none is locked; CPUs
 * that came after the map was sized share the last row.
 */
static __always_inline void count_hit(struct stat *stat, __u32 cpu, __u64 bytes, __u64 now)
{
	if (likely(cpu < config.cpu_rows)) {
		stat->packets++;
		stat->bytes += bytes;
	} else {
		__sync_fetch_and_add(&stat->packets, 1);
		__sync_fetch_and_add(&stat->bytes, bytes);
	}
	stat->seen = now;
}

/* PASS_MAX: hits with such a verdict are not passed, or because their entry says so. */
static __always_inline enum pass_reason reason_of(enum verdict verdict)
{
	switch (verdict) {
	case VERDICT_TTL:
		return PASS_TTL;
	case VERDICT_TOO_BIG:
		return PASS_TOO_BIG;
	case VERDICT_NO_PORT:
		return PASS_NO_PORT;
	case VERDICT_VLAN:
		return PASS_VLAN;
	case VERDICT_UNKNOWN_ACTION:
		return PASS_UNKNOWN_ACTION;
	default:
		return PASS_MAX;
	}
}

/*
 * Counts a hit that is passed after all, in a row that all CPUs share: no hit that is
 * sent comes here. Global: the verifier walks it once.
 */
__noinline int count_passed(__u32 slot, __u32 reason)
{
	__u32 slots = config.slots;
	__u32 row = reason * slots + slot;
	__u64 *packets;

	if (slot >= slots)
		return 0;
	packets = bpf_map_lookup_elem(&passed, &row);
	if (packets)
		__sync_fetch_and_add(packets, 1);
	return 0;
}

#endif
