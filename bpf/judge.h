/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From a frame to what is to become of it, and why. Changes nothing and counts
 * nothing: what follows from a decision is done by those who asked for it.
 */
#ifndef SHUNT_JUDGE_H
#define SHUNT_JUDGE_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "abi.h"
#include "count.h"
#include "likely.h"
#include "match.h"
#include "packet.h"
#include "parse.h"
#include "protect.h"

struct decision {
	enum verdict verdict;
	int counts;		/* the packet is a hit of a slot */
	struct hit hit;
	struct packet packet;
};

/* `word`: any whose first six bytes are a MAC. */
static __always_inline int is_target(__u64 word, const union entry *e)
{
	return !((word ^ e->word[WORD_OF(dmac)]) & MAC_MASK);
}

/*
 * The program sees every frame, also those to other stations that a switch floods
 * while it does not know where they are. Were each host to send its copy back to
 * the target, one packet would become a storm of as many as there are hosts.
 */
static __always_inline enum verdict judge_stations(const struct xdp_md *ctx, const union entry *e, int goes_back)
{
	const struct ethhdr *eth = at_offset(ctx, 0, sizeof(*eth));

	if (!eth)
		return VERDICT_MALFORMED;	/* never */
	if (is_target(*(const __u64 *)eth->h_source, e))
		return VERDICT_RETURNED;
	if (goes_back && is_target(*(const __u64 *)eth->h_dest, e))
		return VERDICT_OVERHEARD;
	return VERDICT_SENT_BACK;
}

/*
 * The egress is asked before any byte changes: a packet that was changed first
 * and passed then would be lost. What is told it here counts only if the program
 * ends with XDP_REDIRECT.
 */
static __always_inline enum verdict judge_way(const struct packet *p, const struct value *v, int goes_back)
{
	if (!(v->flags & VALUE_KEEP_TTL) && p->ttl <= 1)
		return VERDICT_TTL;
	if (p->l3_len > v->mtu)
		return VERDICT_TOO_BIG;
	if (goes_back)
		return VERDICT_SENT_BACK;
	if (p->tagged)
		return VERDICT_VLAN;
	if (bpf_redirect_map(&ports, v->ifindex, XDP_PASS) != XDP_REDIRECT)
		return VERDICT_NO_PORT;
	return VERDICT_SENT;
}

/* VERDICT_SENT_BACK: nothing speaks against it. */
static __always_inline enum verdict judge_match(struct xdp_md *ctx, const struct packet *p, const struct hit *hit,
						int goes_back)
{
	const struct value *v = &hit->entry.value;

	if (unlikely(v->until && hit->now >= v->until))
		return VERDICT_EXPIRED;
	if (unlikely(v->flags & VALUE_GUARDED) && is_protected(ctx, p->l3, ports_of(last_word(p)), seen_of(p)))
		return VERDICT_PROTECTED;
	return v->action == ACTION_SEND ? judge_stations(ctx, &hit->entry, goes_back) : VERDICT_SENT_BACK;
}

static __always_inline enum verdict judge_hit(struct xdp_md *ctx, struct decision *d)
{
	const struct value *v = &d->hit.entry.value;
	int goes_back = v->ifindex == ctx->ingress_ifindex;
	enum verdict verdict = judge_match(ctx, &d->packet, &d->hit, goes_back);

	if (unlikely(verdict != VERDICT_SENT_BACK))
		return verdict;
	if (unlikely(!d->hit.stat))
		return VERDICT_UNKNOWN_ACTION;
	d->counts = 1;
	switch (v->action) {
	case ACTION_PASS:
		return VERDICT_PASSED;
	case ACTION_DROP:
		return VERDICT_DROPPED;
	case ACTION_SEND:
		return judge_way(&d->packet, v, goes_back);
	default:
		return VERDICT_UNKNOWN_ACTION;
	}
}

static __always_inline enum verdict judge(struct xdp_md *ctx, struct decision *d)
{
	enum look look;

	d->counts = 0;
	if (unlikely(control.bypass))
		return VERDICT_BYPASS;
	parse(ctx, &d->packet);
	switch (d->packet.kind) {
	case KIND_IPV4:
		look = match(ctx, &d->packet, KIND_IPV4, &d->hit);
		break;
	case KIND_IPV6:
		look = match(ctx, &d->packet, KIND_IPV6, &d->hit);
		break;
	case KIND_GROUP:
		return VERDICT_GROUP;
	case KIND_MALFORMED:
		return VERDICT_MALFORMED;
	case KIND_NEIGHBOUR:
		return VERDICT_NEIGHBOUR;
	default:
		return VERDICT_NOT_IP;
	}
	if (look == LOOK_HIT)
		return judge_hit(ctx, d);
	return look == LOOK_MISS ? VERDICT_NO_MATCH : VERDICT_RACE;
}

#endif
