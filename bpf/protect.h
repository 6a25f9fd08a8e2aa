/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Packets that no entry takes: those that keep the host reachable. Asked of the
 * hits of entries that are marked for it.
 */
#ifndef SHUNT_PROTECT_H
#define SHUNT_PROTECT_H

#include <linux/bpf.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_helpers.h>

#include "abi.h"
#include "cursor.h"
#include "maps.h"
#include "packet.h"

/* What was read of a packet, as one argument: the verifier lets a global function have five. */
#define SEEN_KNOWN_SHIFT 8
#define SEEN_IPV6 (1 << 16)

static __always_inline __u32 seen_of(const struct packet *p)
{
	__u32 known = flags_of(~p->unread & ALL_UNREAD);

	return proto_of(last_word(p)) | known << SEEN_KNOWN_SHIFT | (p->kind == KIND_IPV6 ? SEEN_IPV6 : 0);
}

/* What could not be read counts as fitting: the rest of a protected packet's fragments is of it. */
static __always_inline int fits(__u8 fixed, __u8 proto, __be16 sport, __be16 dport, __u32 ports,
				__u32 seen)
{
	fixed &= seen >> SEEN_KNOWN_SHIFT;
	if (fixed & KEY_PROTO && proto != (__u8)seen)
		return 0;
	if (fixed & KEY_SPORT && sport != (__be16)ports)
		return 0;
	return !(fixed & KEY_DPORT) || dport == (__be16)(ports >> 16);
}

static __always_inline int is_protected4(const struct protects *all, const struct iphdr *ip,
					 __u32 ports, __u32 seen)
{
	__u32 i;

	for (i = 0; i < PROTECTED_MAX && i < all->count4; i++) {
		const struct protected4 *one = &all->four[i];

		if ((ip->saddr ^ one->src) & one->src_mask || (ip->daddr ^ one->dst) & one->dst_mask)
			continue;
		if (fits(one->flags, one->proto, one->sport, one->dport, ports, seen))
			return 1;
	}
	return 0;
}

static __always_inline int is_protected6(const struct protects *all, const struct ipv6hdr *ip,
					 __u32 ports, __u32 seen)
{
	__u32 i, j;

	for (i = 0; i < PROTECTED_MAX && i < all->count6; i++) {
		const struct protected6 *one = &all->six[i];
		__u32 differ = 0;

#pragma unroll
		for (j = 0; j < 4; j++) {
			differ |= (ip->saddr.in6_u.u6_addr32[j] ^ one->src[j]) & one->src_mask[j];
			differ |= (ip->daddr.in6_u.u6_addr32[j] ^ one->dst[j]) & one->dst_mask[j];
		}
		if (!differ && fits(one->flags, one->proto, one->sport, one->dport, ports, seen))
			return 1;
	}
	return 0;
}

/*
 * Whether the IP packet at `offset` of the frame is protected. `ports`: those of its
 * source, and << 16 those of its destination, as they stand there. Global: the
 * verifier walks it once.
 */
__noinline int is_protected(struct xdp_md *ctx, __u32 offset, __u32 ports, __u32 seen)
{
	__u32 which = 0;
	const struct protects *all = bpf_map_lookup_elem(&protect, &which);

	if (!all)
		return 0;
	which = all->live & 1;
	all = bpf_map_lookup_elem(&protect, &which);
	if (!all)
		return 0;
	if (seen & SEEN_IPV6) {
		const struct ipv6hdr *six = at_offset(ctx, offset, sizeof(*six));

		return six && is_protected6(all, six, ports, seen);
	}
	const struct iphdr *four = at_offset(ctx, offset, sizeof(*four));

	return four && is_protected4(all, four, ports, seen);
}

#endif
