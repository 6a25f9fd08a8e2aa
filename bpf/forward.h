/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What changes of a frame that is sent on: its MACs, one hop less, and without tags
 * that name no VLAN.
 */
#ifndef SHUNT_FORWARD_H
#define SHUNT_FORWARD_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "cursor.h"
#include "entry.h"
#include "packet.h"
#include "parse_slow.h"

/* RFC 1624, as the kernel's ip_decrease_ttl() does it. */
static __always_inline void decrease_ttl4(struct iphdr *ip)
{
	__u32 check = ip->check + bpf_htons(0x0100);

	ip->check = check + (check >= 0xffff);
	ip->ttl--;
}

static __always_inline void decrease_ttl(struct xdp_md *ctx, const struct packet *p)
{
	struct ipv6hdr *six;
	struct iphdr *four;

	if (p->kind == KIND_IPV4) {
		four = at_offset(ctx, p->l3, sizeof(*four));
		if (four)
			decrease_ttl4(four);
	} else {
		six = at_offset(ctx, p->l3, sizeof(*six));
		if (six)
			six->hop_limit--;
	}
}

/* The type of what follows stays: it is that of the last tag, where there are any. */
static __always_inline void set_macs(struct xdp_md *ctx, __u32 offset, const union entry *e)
{
	struct ethhdr *eth = at_offset(ctx, offset, sizeof(*eth));
	__u64 *target, *source, type;

	if (!eth)
		return;
	target = (__u64 *)eth->h_dest;
	source = (__u64 *)eth->h_source;
	type = *source & ~MAC_MASK;
	*target = e->word[WORD_OF(dmac)];	/* and two bytes more, which the source takes */
	*source = (e->word[WORD_OF(smac)] & MAC_MASK) | type;
}

static __always_inline int is_priority_tagged(const struct packet *p)
{
	return p->tags && !p->tagged;
}

/*
 * A tag that names no VLAN is of the link that it came by, and stays behind: the MACs stand
 * right before the IP header by now, and what is before them goes. It cannot fail, for it would
 * have to leave less than an Ethernet header (bpf_xdp_adjust_head in net/core/filter.c).
 */
static __always_inline void untag(struct xdp_md *ctx, const struct packet *p)
{
	if (p->tags == 1)
		bpf_xdp_adjust_head(ctx, sizeof(struct vlan_tag));
	else
		bpf_xdp_adjust_head(ctx, 2 * sizeof(struct vlan_tag));
}

static __always_inline void forward_headers(struct xdp_md *ctx, const struct packet *p, const union entry *e)
{
	if (!(e->value.flags & VALUE_KEEP_TTL))
		decrease_ttl(ctx, p);
	if (!is_priority_tagged(p)) {
		set_macs(ctx, 0, e);
	} else {
		set_macs(ctx, p->l3 - sizeof(struct ethhdr), e);
		untag(ctx, p);
	}
}

#endif
