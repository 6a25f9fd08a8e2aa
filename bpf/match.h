/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From a parsed packet to the entry that it hits: a look a live shape, most specific
 * first.
 */
#ifndef SHUNT_MATCH_H
#define SHUNT_MATCH_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "abi.h"
#include "count.h"
#include "key.h"
#include "likely.h"
#include "lookup.h"
#include "maps.h"
#include "packet.h"
#include "table.h"

struct hit {
	union entry entry;
	struct stat *stat;	/* where it counts; NULL: its slot is none */
	__u32 cpu;
	__u64 now;		/* jiffies64 */
};

/* A word that counts its shapes, and then their words. */
static __always_inline const volatile __u64 *live_shapes(enum kind kind)
{
	if (kind == KIND_IPV4)
		return &shapes.four[control.shapes4 & 1].count;
	return &shapes.six[control.shapes6 & 1].count;
}

static __always_inline void set_stat(struct hit *hit)
{
	hit->cpu = bpf_get_smp_processor_id();
	hit->stat = stat_of(hit->cpu, hit->entry.value.slot);
	hit->now = bpf_jiffies64();
}

static __always_inline enum look look_for(enum kind kind, const struct table *t, const struct key *key, struct hit *hit)
{
	enum look look = look_in_table(kind, t, key, &hit->entry);

	if (look == LOOK_MISS)
		return look;
	if (look == LOOK_HIT) {
		set_stat(hit);
		if (likely(is_fresh(hit->stat, hit->now)))
			return look;
	}
	look = look_up(kind, key, &hit->entry);
	if (look == LOOK_HIT)
		set_stat(hit);
	return look;
}

static __always_inline enum look match(const struct xdp_md *ctx, const struct packet *p, enum kind kind,
				       struct hit *hit)
{
	const volatile __u64 *list = live_shapes(kind);
	const int words = key_words(kind);
	const struct table table = live_table(kind);
	__u32 zone = ZONE_UNSEEN, i;
	__u64 count = *list++;

	if (count > SHAPES_MAX)
		count = SHAPES_MAX;
	for (i = 0; i < count; i++, list += words + 1) {
		struct key key;
		enum look look;

		if (!make_key(&key, ctx, p, list, words, &zone))
			continue;
		look = look_for(kind, &table, &key, hit);
		if (look != LOOK_MISS)
			return look;
	}
	return LOOK_MISS;
}

#endif
