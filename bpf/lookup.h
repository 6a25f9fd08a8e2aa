/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From a parsed packet to a proven copy of the entry that it hits: one look-up a
 * live shape, most specific first.
 */
#ifndef SHUNT_LOOKUP_H
#define SHUNT_LOOKUP_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "abi.h"
#include "check.h"
#include "maps.h"
#include "parse.h"

#define KEY_READ (KEY_PROTO | KEY_SPORT | KEY_DPORT)
#define ZONE_UNSEEN ZONES_MAX

#define VALUE_WORDS (sizeof(struct value) / sizeof(__u64))
#define CHECK_WORD (__builtin_offsetof(struct value, check) / sizeof(__u64))
#define UNTIL_WORD (__builtin_offsetof(struct value, until) / sizeof(__u64))

/* A private copy; the lock is never filled. */
union entry {
	struct value value;
	__u64 word[VALUE_WORDS];
};

union words4 {
	struct key4 key;
	__u64 word[sizeof(struct key4) / sizeof(__u64)];
};

union words6 {
	struct key6 key;
	__u64 word[sizeof(struct key6) / sizeof(__u64)];
};

/* All ones or none, without a branch: branches here multiply the verifier's paths. */
static __always_inline __u16 all_if(__u32 bit)
{
	return -(__u32)!!bit;
}

enum look {
	LOOK_MISS,
	LOOK_HIT,
	LOOK_RACE,
};

/* The element may be rewritten or reused at any instant: each word is read once. */
static __always_inline void copy_entry(union entry *to, const struct value *from)
{
	const volatile __u64 *word = (const volatile __u64 *)from;
	unsigned int i;

	to->value.rev = *(const volatile __u32 *)&from->rev;
#pragma unroll
	for (i = CHECK_WORD; i < VALUE_WORDS; i++)
		to->word[i] = word[i];
}

/* Whether a copy is whole, and of this key. */
static __always_inline int is_sound(const union entry *e, const __u64 *key_word, int key_words)
{
	return e->value.check == check_of(key_word, key_words, e->value.rev,
					  &e->word[UNTIL_WORD], VALUE_WORDS - UNTIL_WORD);
}

/*
 * A copy that fails its check was torn, or its element was freed and given to
 * another key; a miss right after that may be the same replacement in passing.
 * So both are looked at again. A miss at first sight is simply no match.
 *
 * A writer whose CPU was taken away in the middle of its copy outlasts all looks
 * (on a virtual machine: 50 in 60 million). The last one waits for it.
 */
static __always_inline enum look look_up(void *map, const void *key, const __u64 *key_word,
					 int key_words, union entry *e)
{
	struct value *value;
	int i;

	for (i = 0; i < LOOKS_MAX; i++) {
		value = bpf_map_lookup_elem(map, key);
		if (!value && i == 0)
			return LOOK_MISS;
		if (!value)
			continue;
		copy_entry(e, value);
		if (is_sound(e, key_word, key_words))
			return LOOK_HIT;
	}
	value = bpf_map_lookup_elem(map, key);
	if (!value)
		return LOOK_RACE;
	bpf_spin_lock(&value->lock);
	copy_entry(e, value);
	bpf_spin_unlock(&value->lock);
	return is_sound(e, key_word, key_words) ? LOOK_HIT : LOOK_RACE;
}

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

static __always_inline enum look match4(struct xdp_md *ctx, const struct packet *p, __u32 live,
					union entry *e)
{
	const struct iphdr *ip = p->l3;
	__u32 which = live & 1, zone = ZONE_UNSEEN, i;
	const struct shapes4 *list = bpf_map_lookup_elem(&shapes4, &which);

	if (!list)
		return LOOK_MISS;
	for (i = 0; i < SHAPES_MAX && i < list->count; i++) {
		const struct shape4 *shape = &list->shape[i];
		__u8 flags = shape->flags;
		union words4 w = {};
		enum look look;

		if (flags & KEY_READ & ~p->known)
			continue;
		if (flags & KEY_IN) {
			if (zone == ZONE_UNSEEN)
				zone = find_zone(ctx->ingress_ifindex);
			if (!zone)
				continue;
			flags |= zone << KEY_ZONE_SHIFT;
		}
		w.key.src = ip->saddr & shape->src_mask;
		w.key.dst = ip->daddr & shape->dst_mask;
		w.key.sport = p->sport & all_if(flags & KEY_SPORT);
		w.key.dport = p->dport & all_if(flags & KEY_DPORT);
		w.key.proto = p->proto & all_if(flags & KEY_PROTO);
		w.key.src_len = shape->src_len;
		w.key.dst_len = shape->dst_len;
		w.key.flags = flags;
		look = look_up(&redirect4, &w.key, w.word, sizeof(w) / sizeof(__u64), e);
		if (look != LOOK_MISS)
			return look;
	}
	return LOOK_MISS;
}

static __always_inline enum look match6(struct xdp_md *ctx, const struct packet *p, __u32 live,
					union entry *e)
{
	const struct ipv6hdr *ip = p->l3;
	__u32 which = live & 1, zone = ZONE_UNSEEN, i, j;
	const struct shapes6 *list = bpf_map_lookup_elem(&shapes6, &which);

	if (!list)
		return LOOK_MISS;
	for (i = 0; i < SHAPES_MAX && i < list->count; i++) {
		const struct shape6 *shape = &list->shape[i];
		__u8 flags = shape->flags;
		union words6 w = {};
		enum look look;

		if (flags & KEY_READ & ~p->known)
			continue;
		if (flags & KEY_IN) {
			if (zone == ZONE_UNSEEN)
				zone = find_zone(ctx->ingress_ifindex);
			if (!zone)
				continue;
			flags |= zone << KEY_ZONE_SHIFT;
		}
#pragma unroll
		for (j = 0; j < 4; j++) {
			w.key.src[j] = ip->saddr.in6_u.u6_addr32[j] & shape->src_mask[j];
			w.key.dst[j] = ip->daddr.in6_u.u6_addr32[j] & shape->dst_mask[j];
		}
		w.key.sport = p->sport & all_if(flags & KEY_SPORT);
		w.key.dport = p->dport & all_if(flags & KEY_DPORT);
		w.key.proto = p->proto & all_if(flags & KEY_PROTO);
		w.key.src_len = shape->src_len;
		w.key.dst_len = shape->dst_len;
		w.key.flags = flags;
		look = look_up(&redirect6, &w.key, w.word, sizeof(w) / sizeof(__u64), e);
		if (look != LOOK_MISS)
			return look;
	}
	return LOOK_MISS;
}

#endif
