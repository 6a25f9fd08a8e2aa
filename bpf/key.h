/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From a packet and a compiled shape to the key of the entry that the packet would hit.
 */
#ifndef SHUNT_KEY_H
#define SHUNT_KEY_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "abi.h"
#include "check.h"
#include "likely.h"
#include "maps.h"
#include "packet.h"

#define ZONE_UNSEEN ZONES_MAX

struct key {
	__u64 word[KEY6_WORDS];	/* a struct key4 or key6 */
	__u64 sum;		/* its part of the check */
};

/* The zone of an interface; 0 when it has none. Global: the verifier walks it once. */
__noinline int find_zone(__u32 ifindex)
{
	__u32 only = 0, zone;
	const struct about *a = bpf_map_lookup_elem(&about, &only);

	if (!a)
		return 0;
	for (zone = 1; zone < ZONES_MAX; zone++)
		if (a->zone[zone] == ifindex)
			return zone;
	return 0;
}

/*
 * `shape`: the words of its mask, then `fixed`. False: no packet like this has such a
 * key, for it lacks a field, or came in by an interface without a zone.
 */
static __always_inline int make_key(struct key *key, const struct xdp_md *ctx, const struct packet *p,
				    const volatile __u64 *shape, int words, __u32 *zone)
{
	__u64 fixed = shape[words], sum = 0;
	int i;

	if (unlikely(fixed & (p->unread | KEY_FLAGS(KEY_IN)))) {
		if (fixed & p->unread)
			return 0;
		if (*zone == ZONE_UNSEEN)
			*zone = find_zone(ctx->ingress_ifindex);
		if (!*zone)
			return 0;
		fixed |= KEY_FLAGS(*zone << KEY_ZONE_SHIFT);
	}
#pragma unroll
	for (i = 0; i < (int)KEY6_WORDS; i++)
		if (i < words) {
			__u64 word = p->word[i] & shape[i];

			if (i == words - 1)
				word |= fixed;
			key->word[i] = word;
			sum += word * check_p[i];
		}
	key->sum = sum;
	return 1;
}

#endif
