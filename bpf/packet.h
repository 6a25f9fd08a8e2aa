/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is read of a frame. Where in it something stands is an offset: a pointer would
 * not outlive a call that moves the frame's beginning.
 */
#ifndef SHUNT_PACKET_H
#define SHUNT_PACKET_H

#include <linux/if_ether.h>
#include <linux/types.h>

#include "abi.h"
#include "words.h"

/* 64-bit words of a key, and how far left in the last of them its fields stand. */
#define KEY4_WORDS (sizeof(struct key4) / sizeof(__u64))
#define KEY6_WORDS (sizeof(struct key6) / sizeof(__u64))
#define KEY_PORTS_SHIFT SHIFT_OF(0, 4)
#define KEY_PROTO_SHIFT SHIFT_OF(4, 1)
#define KEY_FLAGS(flags) ((__u64)(flags) << SHIFT_OF(7, 1))
#define PORTS_UNREAD KEY_FLAGS(KEY_SPORT | KEY_DPORT)
#define ALL_UNREAD KEY_FLAGS(KEY_PROTO | KEY_SPORT | KEY_DPORT)

enum kind {
	KIND_IPV4,
	KIND_IPV6,
	KIND_OTHER,
	KIND_MALFORMED,
	KIND_GROUP,	/* group bit in the destination MAC */
	KIND_NEIGHBOUR,	/* neighbour discovery or MLD */
};

struct packet {
	__u64 word[KEY6_WORDS];	/* as a key has them that fixes all, but for lengths and flags */
	__u64 unread;		/* KEY_FLAGS of what could not be read */
	__u32 kind;		/* enum kind */
	__u32 l3;		/* offset of the IP header */
	__u32 l3_len;		/* as the IP header says; inside the frame */
	__u8 ttl;
	__u8 tags;
	__u8 tagged;		/* one of the tags names a VLAN */
};

static __always_inline int key_words(enum kind kind)
{
	return kind == KIND_IPV4 ? KEY4_WORDS : KEY6_WORDS;
}

/* The word that has ports and protocol. */
static __always_inline __u64 last_word(const struct packet *p)
{
	return p->kind == KIND_IPV4 ? p->word[KEY4_WORDS - 1] : p->word[KEY6_WORDS - 1];
}

static __always_inline __u64 last_word_of(__u32 ports, __u8 proto)
{
	return (__u64)ports << KEY_PORTS_SHIFT | (__u64)proto << KEY_PROTO_SHIFT;
}

static __always_inline __u32 ports_of(__u64 last_word)
{
	return last_word >> KEY_PORTS_SHIFT;
}

static __always_inline __u8 proto_of(__u64 last_word)
{
	return last_word >> KEY_PROTO_SHIFT;
}

static __always_inline __u8 flags_of(__u64 last_word)
{
	return last_word >> SHIFT_OF(7, 1);
}

#endif
