/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Extension headers of IPv6: which there are, and how long one is.
 */
#ifndef SHUNT_EXTENSION_H
#define SHUNT_EXTENSION_H

#include <linux/in.h>
#include <linux/in6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "cursor.h"

#define IP6_OFFSET 0xfff8	/* fragment offset, in the Fragment header */
#define IP6_FRAGMENT 0xfff9	/* more fragments, or an offset */
#define NEXTHDR_MOBILITY 135
#define EXT_LATER (1 << 24)
#define EXT_PART (1 << 25)

struct extension {
	__u8 next;
	__u8 len;
	__be16 fragment;	/* only of a Fragment header */
	__u8 rest[4];
};

static __always_inline int is_extension(__u8 next)
{
	return next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING ||
	       next == IPPROTO_FRAGMENT || next == IPPROTO_AH ||
	       next == IPPROTO_DSTOPTS || next == NEXTHDR_MOBILITY;
}

static __always_inline __u32 extension_len(__u8 kind, __u8 len)
{
	if (kind == IPPROTO_FRAGMENT)
		return 8;
	if (kind == IPPROTO_AH)
		return (len + 2) * 4;
	return (len + 1) * 8;
}

/*
 * Reads the extension header at `offset` of the frame: its length in bytes, the next
 * header << 16, and of a Fragment header EXT_PART, unless it is the only fragment, and
 * EXT_LATER, if it is not the first; negative when it is cut off. Global, so that the
 * verifier walks it once and not once for every chain of headers.
 */
__noinline int read_extension(struct xdp_md *ctx, __u32 offset, __u32 kind)
{
	const struct extension *ext = at_offset(ctx, offset, sizeof(*ext));
	int found;

	if (!ext)
		return -1;
	found = extension_len(kind, ext->len) | ext->next << 16;
	if (kind != IPPROTO_FRAGMENT)
		return found;
	if (ext->fragment & bpf_htons(IP6_FRAGMENT))
		found |= EXT_PART;
	if (ext->fragment & bpf_htons(IP6_OFFSET))
		found |= EXT_LATER;
	return found;
}

#endif
