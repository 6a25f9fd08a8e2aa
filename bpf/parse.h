/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From bytes to what a shape can ask for: the packets that most are. Untagged, IPv4
 * without options or fragments, IPv6 without extension headers, lengths that fit one
 * another. Whatever else there is, parse_slow.h reads.
 */
#ifndef SHUNT_PARSE_H
#define SHUNT_PARSE_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "likely.h"
#include "packet.h"
#include "parse_slow.h"

#define IPV4_NO_OPTIONS 0x45	/* version 4, five words of header */

/* The last word of a key. What has no ports has other data there, but as much. */
static __always_inline __u64 read_last_word(struct packet *p, __u8 proto, const __u32 *ports)
{
	if (proto == IPPROTO_UDP || proto == IPPROTO_TCP) {
		p->unread = 0;
		return last_word_of(*ports, proto);
	}
	p->unread = PORTS_UNREAD;
	return last_word_of(0, proto);
}

/* Up to its ports it lies inside the frame; 0: it takes a closer look. */
static __always_inline int parse_plain4(struct packet *p, const struct iphdr *ip, const void *end)
{
	const __u32 *ports = (const void *)(ip + 1);

	if (*(const __u8 *)ip != IPV4_NO_OPTIONS || ip->frag_off & bpf_htons(IP_FRAGMENT))
		return 0;
	p->l3_len = bpf_ntohs(ip->tot_len);
	if (p->l3_len < sizeof(*ip) + sizeof(*ports) || p->l3_len > (__u64)(end - (void *)ip))
		return 0;
	p->kind = KIND_IPV4;
	p->ttl = ip->ttl;
	p->word[0] = word_of(ip->saddr, ip->daddr);
	p->word[1] = read_last_word(p, ip->protocol, ports);
	return 1;
}

static __always_inline int parse_plain6(struct packet *p, const struct ipv6hdr *ip, const void *end)
{
	const __u32 *ports = (const void *)(ip + 1);
	const __u32 *address = (const void *)&ip->saddr;
	int i;

	if ((void *)(ports + 1) > end || *(const __u8 *)ip >> 4 != 6)
		return 0;
	if (is_extension(ip->nexthdr) || ip->nexthdr == IPPROTO_ICMPV6)
		return 0;
	p->l3_len = sizeof(*ip) + bpf_ntohs(ip->payload_len);
	if (p->l3_len < sizeof(*ip) + sizeof(*ports) || p->l3_len > (__u64)(end - (void *)ip))
		return 0;
	p->kind = KIND_IPV6;
	p->ttl = ip->hop_limit;
#pragma unroll
	for (i = 0; i < 4; i++)
		p->word[i] = word_of(address[2 * i], address[2 * i + 1]);
	p->word[4] = read_last_word(p, ip->nexthdr, ports);
	return 1;
}

static __always_inline int parse_plain(struct xdp_md *ctx, struct packet *p)
{
	const void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	const void *l3 = data + sizeof(struct ethhdr);
	__be16 type;

	if (l3 + sizeof(struct iphdr) + sizeof(__u32) > end || *(const __u8 *)data & 1)
		return 0;
	p->l3 = sizeof(struct ethhdr);
	p->tags = 0;
	p->tagged = 0;
	type = *(const __be16 *)(l3 - sizeof(type));
	if (type == bpf_htons(ETH_P_IP))
		return parse_plain4(p, l3, end);
	if (type == bpf_htons(ETH_P_IPV6))
		return parse_plain6(p, l3, end);
	return 0;
}

static __always_inline void parse(struct xdp_md *ctx, struct packet *p)
{
	if (unlikely(!parse_plain(ctx, p)))
		parse_slow(ctx, p);
}

#endif
