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
#include "key.h"
#include "lookup.h"
#include "maps.h"
#include "packet.h"

/* A word that counts its shapes, and then their words. */
static __always_inline const volatile __u64 *live_shapes(enum kind kind)
{
	if (kind == KIND_IPV4)
		return &shapes.four[control.shapes4 & 1].count;
	return &shapes.six[control.shapes6 & 1].count;
}

static __always_inline enum look match(const struct xdp_md *ctx, const struct packet *p, enum kind kind,
				       union entry *e)
{
	const volatile __u64 *list = live_shapes(kind);
	const int words = key_words(kind);
	__u32 zone = ZONE_UNSEEN, i;
	__u64 count = *list++;

	for (i = 0; i < SHAPES_MAX && i < count; i++, list += words + 1) {
		struct key key;
		enum look look;

		if (!make_key(&key, ctx, p, list, words, &zone))
			continue;
		look = look_up(kind, &key, e);
		if (look != LOOK_MISS)
			return look;
	}
	return LOOK_MISS;
}

#endif
