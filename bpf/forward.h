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
#include "likely.h"
#include "packet.h"
#include "parse_slow.h"

/* RFC 1624, as the kernel's ip_decrease_ttl() does it. */
static __always_inline void decrease_ttl4(struct iphdr *ip)
{
	__u32 check = ip->check + bpf_htons(0x0100);

	ip->check = check + (check >= 0xffff);
	ip->ttl--;
}

/* The type of what follows stays. */
static __always_inline void set_macs(void *eth, const union entry *e)
{
	__u64 *target = eth, *source = eth + ETH_ALEN;
	__u64 type = *source & ~MAC_MASK;

	*target = e->word[WORD_OF(dmac)];	/* and two bytes more, which the source takes */
	*source = (e->word[WORD_OF(smac)] & MAC_MASK) | type;
}

static __always_inline void decrease_ttl(void *l3, enum kind kind)
{
	if (kind == KIND_IPV4)
		decrease_ttl4(l3);
	else
		((struct ipv6hdr *)l3)->hop_limit--;
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

/*
 * Frames in no VLAN leave without tags: their MACs go right before the IP header, behind
 * which as much stands as the shorter IP header is long.
 */
static __always_inline void forward_headers(struct xdp_md *ctx, const struct packet *p, const union entry *e)
{
	void *eth = at_offset(ctx, p->l3 - ETH_HLEN, ETH_HLEN + sizeof(struct iphdr));
	void *whole = at_offset(ctx, 0, ETH_HLEN);

	if (!eth || !whole)
		return;		/* never: it was read */
	if (!(e->value.flags & VALUE_KEEP_TTL))
		decrease_ttl(eth + ETH_HLEN, p->kind);
	set_macs(unlikely(p->tagged) ? whole : eth, e);
	if (unlikely(is_priority_tagged(p)))
		untag(ctx, p);
}

#endif
