/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From an entry to a verdict: what the packet's hit does, and what it changes.
 */
#ifndef SHUNT_ACTION_H
#define SHUNT_ACTION_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "abi.h"
#include "maps.h"
#include "parse.h"
#include "protect.h"

/*
 * Each CPU writes a row of its own, so no count is lost and none is locked; CPUs
 * that came after the map was sized share the last row. False: no such slot.
 */
static __always_inline int count_hit(const struct packet *p, __u32 slot)
{
	__u32 cpu = bpf_get_smp_processor_id();
	__u32 slots = config.slots, rows = config.cpu_rows;
	int shared = cpu >= rows;
	__u32 row = (shared ? rows : cpu) * slots + slot;
	__u64 bytes = p->end - p->data;
	struct stat *stat;

	if (slot >= slots)
		return 0;
	stat = bpf_map_lookup_elem(&stats, &row);
	if (!stat)
		return 0;
	if (shared) {
		__sync_fetch_and_add(&stat->packets, 1);
		__sync_fetch_and_add(&stat->bytes, bytes);
	} else {
		stat->packets++;
		stat->bytes += bytes;
	}
	stat->seen = bpf_jiffies64();
	return 1;
}

/*
 * Counts a hit that is passed after all, in a row that all CPUs share: no hit that is
 * sent comes here. Global: the verifier walks it once.
 */
__noinline int count_passed(__u32 slot, __u32 reason)
{
	__u32 slots = config.slots;
	__u32 row = reason * slots + slot;
	__u64 *packets;

	if (slot >= slots)
		return 0;
	packets = bpf_map_lookup_elem(&passed, &row);
	if (packets)
		__sync_fetch_and_add(packets, 1);
	return 0;
}

static __always_inline enum verdict pass(const struct value *v, enum pass_reason reason,
					 enum verdict verdict)
{
	count_passed(v->slot, reason);
	return verdict;
}

static __always_inline int is_target(const unsigned char *mac, const struct value *v)
{
	int i;

#pragma unroll
	for (i = 0; i < ETH_ALEN; i++)
		if (mac[i] != v->dmac[i])
			return 0;
	return 1;
}

/*
 * The program sees every frame, also those to other stations that a switch floods
 * while it does not know where they are. Were each host to send its copy back to
 * the target, one packet would become a storm of as many as there are hosts.
 */
static __always_inline int is_overheard(const struct xdp_md *ctx, const struct ethhdr *eth,
					const struct value *v)
{
	return v->ifindex == ctx->ingress_ifindex && is_target(eth->h_dest, v);
}

/* RFC 1624, as the kernel's ip_decrease_ttl() does it. */
static __always_inline void decrease_ttl4(struct iphdr *ip)
{
	__u32 check = ip->check + bpf_htons(0x0100);

	ip->check = check + (check >= 0xffff);
	ip->ttl--;
}

static __always_inline int is_priority_tagged(const struct packet *p)
{
	return p->tags && !p->tagged;
}

/*
 * A tag that names no VLAN is of the link that it came by, and stays behind: rewrite() has
 * put the Ethernet header right before the IP header, and what is before it goes. It cannot
 * fail, for it would have to leave less than an Ethernet header (bpf_xdp_adjust_head in
 * net/core/filter.c). No pointer into the frame is good afterwards.
 */
static __always_inline void untag(struct xdp_md *ctx, const struct packet *p)
{
	if (p->tags == 1)
		bpf_xdp_adjust_head(ctx, sizeof(struct vlan_tag));
	else
		bpf_xdp_adjust_head(ctx, 2 * sizeof(struct vlan_tag));
}

static __always_inline void rewrite(const struct packet *p, enum kind kind, const struct value *v)
{
	struct ethhdr *eth = p->data;

	if (is_priority_tagged(p))
		eth = p->l3 - sizeof(*eth);	/* whose type is that of the last tag */
	__builtin_memcpy(eth->h_dest, v->dmac, ETH_ALEN);
	__builtin_memcpy(eth->h_source, v->smac, ETH_ALEN);
	if (v->flags & VALUE_KEEP_TTL)
		return;
	if (kind == KIND_IPV4)
		decrease_ttl4(p->l3);
	else
		((struct ipv6hdr *)p->l3)->hop_limit--;
}

/*
 * The egress is asked before any byte changes: a packet that was changed first
 * and passed then would be lost.
 */
static __always_inline enum verdict send(struct xdp_md *ctx, const struct packet *p, enum kind kind,
					 const struct value *v)
{
	enum verdict verdict = VERDICT_SENT_BACK;

	if (!(v->flags & VALUE_KEEP_TTL) && p->ttl <= 1)
		return pass(v, PASS_TTL, VERDICT_TTL);
	if (p->l3_len > v->mtu)
		return pass(v, PASS_TOO_BIG, VERDICT_TOO_BIG);
	if (v->ifindex != ctx->ingress_ifindex) {
		if (p->tagged)
			return pass(v, PASS_VLAN, VERDICT_VLAN);
		if (bpf_redirect_map(&ports, v->ifindex, XDP_PASS) != XDP_REDIRECT)
			return pass(v, PASS_NO_PORT, VERDICT_NO_PORT);
		verdict = VERDICT_SENT;
	}
	rewrite(p, kind, v);
	if (is_priority_tagged(p))
		untag(ctx, p);
	return verdict;
}

static __always_inline enum verdict act(struct xdp_md *ctx, const struct packet *p, enum kind kind,
					const struct value *v)
{
	if (v->until && bpf_jiffies64() >= v->until)
		return VERDICT_EXPIRED;
	if (v->flags & VALUE_GUARDED &&
	    is_protected(ctx, p->l3 - p->data, p->sport | (__u32)p->dport << 16, seen_of(p, kind)))
		return VERDICT_PROTECTED;
	if (v->action == ACTION_SEND) {
		const struct ethhdr *eth = p->data;

		if (is_target(eth->h_source, v))
			return VERDICT_RETURNED;
		if (is_overheard(ctx, eth, v))
			return VERDICT_OVERHEARD;
	}
	if (!count_hit(p, v->slot))
		return VERDICT_UNKNOWN_ACTION;
	switch (v->action) {
	case ACTION_PASS:
		return VERDICT_PASSED;
	case ACTION_DROP:
		return VERDICT_DROPPED;
	case ACTION_SEND:
		return send(ctx, p, kind, v);
	default:
		return pass(v, PASS_UNKNOWN_ACTION, VERDICT_UNKNOWN_ACTION);
	}
}

#endif
