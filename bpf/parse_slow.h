/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From bytes to what a shape can ask for, whatever the frame is: tags, options,
 * extension headers, fragments. Moves one cursor, reports what it found and decides
 * nothing.
 */
#ifndef SHUNT_PARSE_SLOW_H
#define SHUNT_PARSE_SLOW_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "cursor.h"
#include "extension.h"
#include "packet.h"

#define IP_FRAGMENT 0x3fff	/* more fragments, or an offset */
#define VLAN_ID 0x0fff

struct vlan_tag {
	__be16 tci;
	__be16 type;
};

static __always_inline int is_vlan(__be16 type)
{
	return type == bpf_htons(ETH_P_8021Q) || type == bpf_htons(ETH_P_8021AD);
}

static __always_inline enum kind kind_of(__be16 type)
{
	if (type == bpf_htons(ETH_P_IP))
		return KIND_IPV4;
	return type == bpf_htons(ETH_P_IPV6) ? KIND_IPV6 : KIND_OTHER;
}

/* IEEE 802.1Q, 9.6: a tag with VLAN id 0 says only a priority, and its frame is in no VLAN. */
static __always_inline enum kind parse_link(struct xdp_md *ctx, struct packet *p)
{
	const struct ethhdr *eth = at_offset(ctx, 0, sizeof(*eth));
	const struct vlan_tag *tag;
	__be16 type;
	int i;

	if (!eth)
		return KIND_MALFORMED;
	if (eth->h_dest[0] & 1)
		return KIND_GROUP;
	type = eth->h_proto;
	p->l3 = sizeof(*eth);
#pragma unroll
	for (i = 0; i < VLANS_MAX; i++) {
		if (!is_vlan(type))
			break;
		tag = at_offset(ctx, p->l3, sizeof(*tag));
		if (!tag)
			return KIND_MALFORMED;
		p->l3 += sizeof(*tag);
		p->tags++;
		p->tagged |= !!(tag->tci & bpf_htons(VLAN_ID));
		type = tag->type;
	}
	return kind_of(type);
}

/* `left`: bytes of the packet from `offset` on, as the IP header says. */
static __always_inline __u32 read_ports(struct xdp_md *ctx, struct packet *p, __u8 proto, __u32 offset,
					__u32 left)
{
	const __u32 *ports;

	if (proto != IPPROTO_TCP && proto != IPPROTO_UDP)
		return 0;
	ports = at_offset(ctx, offset, sizeof(*ports));
	if (!ports || left < sizeof(*ports))
		return 0;
	p->unread &= ~PORTS_UNREAD;
	return *ports;
}

/* Bytes of the frame from the IP header on. */
static __always_inline __u32 room_of(struct xdp_md *ctx, const struct packet *p)
{
	return ctx->data_end - ctx->data - p->l3;
}

static __always_inline enum kind parse_ipv4(struct xdp_md *ctx, struct packet *p)
{
	const struct iphdr *ip = at_offset(ctx, p->l3, sizeof(*ip));
	__u32 header_len, ports = 0;

	if (!ip || ip->version != 4)
		return KIND_MALFORMED;
	header_len = ip->ihl * 4;
	p->l3_len = bpf_ntohs(ip->tot_len);
	if (header_len < sizeof(*ip) || p->l3_len < header_len)
		return KIND_MALFORMED;
	if (p->l3_len > room_of(ctx, p))
		return KIND_MALFORMED;
	p->ttl = ip->ttl;
	p->unread = PORTS_UNREAD;
	if (!(ip->frag_off & bpf_htons(IP_FRAGMENT)))
		ports = read_ports(ctx, p, ip->protocol, p->l3 + header_len, p->l3_len - header_len);
	p->word[0] = word_of(ip->saddr, ip->daddr);
	p->word[1] = last_word_of(ports, ip->protocol);
	return KIND_IPV4;
}

/* RFC 4861 (133-137), RFC 2710 (130-132), RFC 3810 (143). */
static __always_inline int is_neighbour(struct xdp_md *ctx, __u32 offset, __u32 left)
{
	const __u8 *type = at_offset(ctx, offset, sizeof(*type));

	if (!left || !type)
		return 0;
	return (*type >= 130 && *type <= 137) || *type == 143;
}

/*
 * Walks to the upper-layer header. Leaves the protocol unread when a header is cut
 * off, when there are more than EXT_HDRS_MAX, or when the rest of the chain lies in
 * another fragment. What is whole in one fragment is no part (RFC 6946).
 * `left`: bytes of the packet after the fixed header.
 */
static __always_inline enum kind parse_upper(struct xdp_md *ctx, struct packet *p, __u8 next, __u32 left)
{
	__u32 offset = p->l3 + sizeof(struct ipv6hdr), ports = 0, len;
	int whole = 1, found, i;

	p->unread = ALL_UNREAD;
	for (i = 0; i < EXT_HDRS_MAX && is_extension(next); i++) {
		found = read_extension(ctx, offset, next);
		len = found & 0xffff;
		if (found < 0 || len > left)
			return KIND_IPV6;
		if (found & EXT_PART)
			whole = 0;
		offset += len;
		left -= len;
		next = found >> 16;
		if (found & EXT_LATER) {
			left = 0;	/* what follows is no header */
			break;
		}
	}
	if (is_extension(next) || offset > OFFSET_MAX)
		return KIND_IPV6;
	p->unread = PORTS_UNREAD;
	if (next == IPPROTO_ICMPV6 && is_neighbour(ctx, offset, left))
		return KIND_NEIGHBOUR;
	if (whole)
		ports = read_ports(ctx, p, next, offset, left);
	p->word[KEY6_WORDS - 1] = last_word_of(ports, next);
	return KIND_IPV6;
}

/* RFC 2675: the length of a jumbogram does not fit its field, which is 0; it is as long as its frame. */
static __always_inline int is_jumbogram(const struct ipv6hdr *ip)
{
	return !ip->payload_len && ip->nexthdr == IPPROTO_HOPOPTS;
}

static __always_inline enum kind parse_ipv6(struct xdp_md *ctx, struct packet *p)
{
	const struct ipv6hdr *ip = at_offset(ctx, p->l3, sizeof(*ip));
	const __u32 *address;
	int i;

	if (!ip || ip->version != 6)
		return KIND_MALFORMED;
	p->l3_len = sizeof(*ip) + bpf_ntohs(ip->payload_len);
	if (is_jumbogram(ip))
		p->l3_len = room_of(ctx, p);
	if (p->l3_len > room_of(ctx, p))
		return KIND_MALFORMED;
	p->ttl = ip->hop_limit;
	address = (const void *)&ip->saddr;
#pragma unroll
	for (i = 0; i < 4; i++)
		p->word[i] = word_of(address[2 * i], address[2 * i + 1]);
	return parse_upper(ctx, p, ip->nexthdr, p->l3_len - sizeof(*ip));
}

/* A function of its own: packets that need it are few, and the others shall not carry its code. */
static __noinline int parse_slow(struct xdp_md *ctx, struct packet *p)
{
	*p = (struct packet){};
	p->kind = parse_link(ctx, p);
	if (p->kind == KIND_IPV4)
		p->kind = parse_ipv4(ctx, p);
	else if (p->kind == KIND_IPV6)
		p->kind = parse_ipv6(ctx, p);
	return 0;
}

#endif
