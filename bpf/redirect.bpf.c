// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Shunt's XDP program: a packet that hits an entry goes where the entry says.
 * What is not understood passes untouched, and every packet is counted once, by
 * why it went where it went.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "abi.h"
#include "action.h"
#include "lookup.h"
#include "maps.h"
#include "parse.h"

char _license[] SEC("license") = "Dual BSD/GPL";

static __always_inline enum verdict judge_ip(struct xdp_md *ctx, struct packet *p, enum kind kind,
					     const struct control *words)
{
	union entry e = {};
	enum look look;

	if (kind == KIND_IPV4)
		look = match4(ctx, p, words->shapes4, &e);
	else
		look = match6(ctx, p, words->shapes6, &e);
	if (look == LOOK_MISS)
		return VERDICT_NO_MATCH;
	if (look == LOOK_RACE)
		return VERDICT_RACE;
	return act(ctx, p, kind, &e.value);
}

static __always_inline enum verdict judge(struct xdp_md *ctx)
{
	struct packet p = {
		.data = (void *)(long)ctx->data,
		.end = (void *)(long)ctx->data_end,
	};
	__u32 only = 0;
	const struct control *words = bpf_map_lookup_elem(&control, &only);
	enum kind kind;

	if (!words || words->bypass)
		return VERDICT_BYPASS;
	kind = parse_frame(&p);
	if (p.group)
		return VERDICT_GROUP;
	if (kind == KIND_IPV4)
		kind = parse_ipv4(&p);
	else if (kind == KIND_IPV6)
		kind = parse_ipv6(ctx, &p);
	if (kind == KIND_MALFORMED)
		return VERDICT_MALFORMED;
	if (kind == KIND_OTHER)
		return VERDICT_NOT_IP;
	if (p.neighbour)
		return VERDICT_NEIGHBOUR;
	return judge_ip(ctx, &p, kind, words);
}

static __always_inline void count(__u32 verdict)
{
	__u64 *packets = bpf_map_lookup_elem(&verdicts, &verdict);

	if (packets)
		++*packets;
}

SEC("xdp")
int shunt(struct xdp_md *ctx)
{
	enum verdict verdict = judge(ctx);

	count(verdict);
	switch (verdict) {
	case VERDICT_SENT:
		return XDP_REDIRECT;
	case VERDICT_SENT_BACK:
		return XDP_TX;
	case VERDICT_DROPPED:
		return XDP_DROP;
	default:
		return XDP_PASS;
	}
}

/*
 * The kernel's own clock by test-run: jiffies64 in cb[0] (low) and cb[1] (high).
 * A socket filter, so that nobody who may open its pin can attach it to a netdev.
 */
SEC("socket")
int clock(struct __sk_buff *skb)
{
	__u64 now = bpf_jiffies64();

	skb->cb[0] = (__u32)now;
	skb->cb[1] = (__u32)(now >> 32);
	return 0;
}
