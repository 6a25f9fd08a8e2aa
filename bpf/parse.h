/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From bytes to what a shape can ask for. Moves one cursor, checks bounds before
 * every read, reports what it found and decides nothing.
 */
#ifndef SHUNT_PARSE_H
#define SHUNT_PARSE_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "abi.h"

#define IP_FRAGMENT 0x3fff	/* more fragments, or an offset */
#define IP6_OFFSET 0xfff8	/* fragment offset, in the Fragment header */
#define IP6_FRAGMENT 0xfff9	/* more fragments, or an offset */
#define NEXTHDR_MOBILITY 135
#define EXT_LATER (1 << 24)
#define EXT_PART (1 << 25)
#define VLAN_ID 0x0fff
#define OFFSET_MAX 0x3fff	/* more than tags, IPv6 header and EXT_HDRS_MAX of the longest */

enum kind {
	KIND_IPV4,
	KIND_IPV6,
	KIND_OTHER,
	KIND_MALFORMED,
};

struct packet {
	void *data;
	void *end;
	void *l3;	/* IP header; its fixed part lies inside the frame */
	__u32 l3_len;	/* as the IP header says; inside the frame */
	__u8 group;	/* group bit in the destination MAC */
	__u8 tags;
	__u8 tagged;	/* one of the tags names a VLAN */
	__u8 known;	/* which of KEY_PROTO, KEY_SPORT and KEY_DPORT could be read */
	__u8 proto;
	__u8 ttl;
	__u8 neighbour;	/* neighbour discovery or MLD */
	__be16 sport;
	__be16 dport;
};

struct vlan_tag {
	__be16 tci;
	__be16 type;
};

struct ports_head {
	__be16 sport;
	__be16 dport;
};

struct extension {
	__u8 next;
	__u8 len;
	__be16 fragment;	/* only of a Fragment header */
	__u8 rest[4];
};

static __always_inline int is_vlan(__be16 type)
{
	return type == bpf_htons(ETH_P_8021Q) || type == bpf_htons(ETH_P_8021AD);
}

/* IEEE 802.1Q, 9.6: a tag with VLAN id 0 says only a priority, and its frame is in no VLAN. */
static __always_inline enum kind parse_frame(struct packet *p)
{
	struct ethhdr *eth = p->data;
	void *cursor = eth + 1;
	struct vlan_tag *tag;
	__be16 type;
	int i;

	if (cursor > p->end)
		return KIND_MALFORMED;
	p->group = eth->h_dest[0] & 1;
	type = eth->h_proto;
#pragma unroll
	for (i = 0; i < VLANS_MAX; i++) {
		if (!is_vlan(type))
			break;
		tag = cursor;
		cursor = tag + 1;
		if (cursor > p->end)
			return KIND_MALFORMED;
		p->tags++;
		p->tagged |= !!(tag->tci & bpf_htons(VLAN_ID));
		type = tag->type;
	}
	p->l3 = cursor;
	if (type == bpf_htons(ETH_P_IP))
		return KIND_IPV4;
	if (type == bpf_htons(ETH_P_IPV6))
		return KIND_IPV6;
	return KIND_OTHER;
}

/* `left`: bytes of the packet from `cursor` on, as the IP header says. */
static __always_inline void parse_ports(struct packet *p, void *cursor, __u32 left)
{
	struct ports_head *head = cursor;

	if (p->proto != IPPROTO_TCP && p->proto != IPPROTO_UDP)
		return;
	if (left < sizeof(*head) || (void *)(head + 1) > p->end)
		return;
	p->sport = head->sport;
	p->dport = head->dport;
	p->known |= KEY_SPORT | KEY_DPORT;
}

static __always_inline enum kind parse_ipv4(struct packet *p)
{
	struct iphdr *ip = p->l3;
	__u32 header_len;

	if ((void *)(ip + 1) > p->end || ip->version != 4)
		return KIND_MALFORMED;
	header_len = ip->ihl * 4;
	p->l3_len = bpf_ntohs(ip->tot_len);
	if (header_len < sizeof(*ip) || p->l3_len < header_len)
		return KIND_MALFORMED;
	if (p->l3_len > (__u64)(p->end - p->l3))
		return KIND_MALFORMED;
	p->ttl = ip->ttl;
	p->proto = ip->protocol;
	p->known = KEY_PROTO;
	if (!(ip->frag_off & bpf_htons(IP_FRAGMENT)))
		parse_ports(p, p->l3 + header_len, p->l3_len - header_len);
	return KIND_IPV4;
}

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
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	struct extension *ext;
	int found;

	if (offset > OFFSET_MAX)
		return -1;
	ext = data + offset;
	if ((void *)(ext + 1) > end)
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

/* RFC 4861 (133-137), RFC 2710 (130-132), RFC 3810 (143). */
static __always_inline void parse_icmp6(struct packet *p, void *cursor, __u32 left)
{
	__u8 *type = cursor;

	if (!left || (void *)(type + 1) > p->end)
		return;
	p->neighbour = (*type >= 130 && *type <= 137) || *type == 143;
}

/*
 * Walks to the upper-layer header. Leaves the protocol unknown when a header is
 * cut off, when there are more than EXT_HDRS_MAX, or when the rest of the chain
 * lies in another fragment. What is whole in one fragment is no part (RFC 6946).
 * `left`: bytes of the packet after the fixed header.
 */
static __always_inline void parse_upper(struct xdp_md *ctx, struct packet *p, __u8 next, __u32 left)
{
	__u32 offset = p->l3 - p->data + sizeof(struct ipv6hdr), len;
	int whole = 1, found, i;

	for (i = 0; i < EXT_HDRS_MAX && is_extension(next); i++) {
		found = read_extension(ctx, offset, next);
		len = found & 0xffff;
		if (found < 0 || len > left)
			return;
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
		return;
	p->proto = next;
	p->known = KEY_PROTO;
	if (next == IPPROTO_ICMPV6)
		parse_icmp6(p, p->data + offset, left);
	else if (whole)
		parse_ports(p, p->data + offset, left);
}

/* RFC 2675: the length of a jumbogram does not fit its field, which is 0; it is as long as its frame. */
static __always_inline int is_jumbogram(const struct ipv6hdr *ip)
{
	return !ip->payload_len && ip->nexthdr == IPPROTO_HOPOPTS;
}

static __always_inline enum kind parse_ipv6(struct xdp_md *ctx, struct packet *p)
{
	struct ipv6hdr *ip = p->l3;

	if ((void *)(ip + 1) > p->end || ip->version != 6)
		return KIND_MALFORMED;
	p->l3_len = sizeof(*ip) + bpf_ntohs(ip->payload_len);
	if (is_jumbogram(ip))
		p->l3_len = p->end - p->l3;
	if (p->l3_len > (__u64)(p->end - p->l3))
		return KIND_MALFORMED;
	p->ttl = ip->hop_limit;
	parse_upper(ctx, p, ip->nexthdr, p->l3_len - sizeof(*ip));
	return KIND_IPV6;
}

#endif
