/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The table in front of the hash maps: rows that are found by the key's sum, and a
 * filter that says of most keys that none stands. The agent alone writes both, in place
 * and at any instant; so a row proves itself by its check, and whatever is not sure is
 * asked of the hash map.
 */
#ifndef SHUNT_TABLE_H
#define SHUNT_TABLE_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "abi.h"
#include "entry.h"
#include "key.h"
#include "likely.h"
#include "lookup.h"
#include "maps.h"

#define WORD_BITS 64
#define PROVEN_SHIFT 8	/* windows of 256 jiffies */
#define FILTER_SHIFT 3	/* FILTER_BITS is 1 << 3 */
_Static_assert(FILTER_BITS == 1 << FILTER_SHIFT, "filter");

/* The half of a family's table that is in force. Where none is, `first` is behind all rows. */
struct table {
	__u32 first;	/* its first row */
	__u32 shift;	/* from a key's sum to its place among the rows */
};

static __always_inline struct table live_table(enum kind kind)
{
	__u32 half = kind == KIND_IPV4 ? control.table4 : control.table6;

	return (struct table){ .first = (half - 1) << config.row_bits, .shift = WORD_BITS - config.row_bits };
}

/* False: no entry has this key. */
static __always_inline int may_stand(enum kind kind, const struct table *t, __u64 sum)
{
	__u64 bit = sum >> (t->shift - FILTER_SHIFT);
	__u32 index = t->first / (WORD_BITS / FILTER_BITS) + bit / WORD_BITS;
	const volatile __u64 *word;

	if (kind == KIND_IPV4)
		word = bpf_map_lookup_elem(&filter4, &index);
	else
		word = bpf_map_lookup_elem(&filter6, &index);
	return unlikely(!word) || *word >> (bit % WORD_BITS) & 1;
}

/* The words of a row. */
static __always_inline const volatile __u64 *row_at(enum kind kind, __u32 index)
{
	if (kind == KIND_IPV4)
		return bpf_map_lookup_elem(&rows4, &index);
	return bpf_map_lookup_elem(&rows6, &index);
}

static __always_inline int has_key(const volatile __u64 *row, const struct key *key, int words)
{
	__u64 differ = 0;
	int i;

#pragma unroll
	for (i = 0; i < (int)KEY6_WORDS; i++)
		if (i < words)
			differ |= row[i] ^ key->word[i];
	return !differ;
}

/* LOOK_UNSURE: ask the hash map. */
static __always_inline enum look look_at_rows(enum kind kind, const struct table *t, const struct key *key,
					      union entry *e)
{
	__u32 place = key->sum >> t->shift, last = (1U << config.row_bits) - 1, i;
	const int words = key_words(kind);

	for (i = 0; i < PROBES_MAX; i++, place = (place + 1) & last) {
		const volatile __u64 *row = row_at(kind, t->first + place);
		const volatile __u32 *rev;
		__u32 state;

		if (unlikely(!row))
			return LOOK_UNSURE;
		rev = (const volatile __u32 *)&row[words];
		state = rev[1];
		if (likely(state == ROW_USED && has_key(row, key, words)))
			return likely(copy_entry(e, rev, &row[words + 1], key, words)) ? LOOK_HIT : LOOK_UNSURE;
		if (state == ROW_EMPTY)
			return LOOK_MISS;
	}
	return LOOK_UNSURE;
}

static __always_inline enum look look_in_table(enum kind kind, const struct table *t, const struct key *key,
					       union entry *e)
{
	if (!config.row_bits)
		return LOOK_UNSURE;
	return may_stand(kind, t, key->sum) ? look_at_rows(kind, t, key, e) : LOOK_MISS;
}

/*
 * A row is believed for the rest of the window in which this CPU last counted a hit of its
 * slot. The first hit of each window asks the hash map, so that what somebody takes out of
 * it behind the agent's back stops soon.
 */
static __always_inline int is_fresh(const struct stat *stat, __u64 now)
{
	return likely(stat && !((now ^ stat->seen) >> PROVEN_SHIFT));
}

#endif
