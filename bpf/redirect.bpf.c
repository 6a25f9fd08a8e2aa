// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Shunt's XDP program: a packet that hits an entry goes where the entry says.
 * What is not understood passes untouched, and every packet is counted once, by
 * why it went where it went.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "abi.h"
#include "count.h"
#include "forward.h"
#include "judge.h"

char _license[] SEC("license") = "Dual BSD/GPL";

/* What passes although it hit an entry that would have it elsewhere. */
static __always_inline int pass(const struct decision *d)
{
	enum pass_reason reason = reason_of(d->verdict);

	if (d->counts && reason != PASS_MAX)
		count_passed(d->hit.entry.value.slot, reason);
	return XDP_PASS;
}

static __always_inline int carry_out(struct xdp_md *ctx, const struct decision *d)
{
	switch (d->verdict) {
	case VERDICT_SENT:
		forward_headers(ctx, &d->packet, &d->hit.entry);
		return XDP_REDIRECT;
	case VERDICT_SENT_BACK:
		forward_headers(ctx, &d->packet, &d->hit.entry);
		return XDP_TX;
	case VERDICT_DROPPED:
		return XDP_DROP;
	default:
		return pass(d);
	}
}

/* The verdict is counted last: until then, packets that met nothing have nothing to do. */
SEC("xdp")
int shunt(struct xdp_md *ctx)
{
	struct decision d;
	int answer;

	d.verdict = judge(ctx, &d);
	if (d.counts)
		count_hit(d.hit.stat, d.hit.cpu, ctx->data_end - ctx->data, d.hit.now);
	answer = carry_out(ctx, &d);
	count_verdict(d.verdict);
	return answer;
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
