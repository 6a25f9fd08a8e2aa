// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A redirect verdict is not delivery: these programs count the packets of ours that
 * die after it, by egress and errno. They hang on the kernel's raw tracepoints, which
 * the whole machine shares, so each first tells whether the packet was ours. An object
 * of its own, for it needs the kernel's BTF, and the XDP program must load without.
 */
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "abi.h"
#include "shared.h"

char _license[] SEC("license") = "Dual BSD/GPL";

/* The kernel's own, as far as it is read here; libbpf finds the real offsets. */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct ns_common {
	unsigned int inum;
};
struct net {
	struct ns_common ns;
};
typedef struct {
	struct net *net;
} possible_net_t;
struct net_device {
	int ifindex;
	possible_net_t nd_net;
};
struct bpf_prog_aux {
	__u32 id;
};
struct bpf_prog {
	struct bpf_prog_aux *aux;
};
#pragma clang attribute pop

static __always_inline const struct about *words(void)
{
	__u32 only = 0;

	return bpf_map_lookup_elem(&about, &only);
}

/* Our program runs on this device: nobody else's can. */
static __always_inline int is_ingress(const struct net_device *dev)
{
	const struct about *a = words();
	__u32 ifindex, zone;

	if (!a || BPF_CORE_READ(dev, nd_net.net, ns.inum) != a->netns)
		return 0;
	ifindex = BPF_CORE_READ(dev, ifindex);
	for (zone = 1; zone < ZONES_MAX; zone++)
		if (a->zone[zone] == ifindex)
			return 1;
	return 0;
}

static __always_inline int count(__u32 ifindex, int err, enum loss_at at, __u64 packets)
{
	struct loss loss = { .ifindex = ifindex, .error = err < 0 ? -err : 0, .at = at };
	__u64 none = 0, *counted = bpf_map_lookup_elem(&losses, &loss);

	if (!counted) {
		bpf_map_update_elem(&losses, &loss, &none, BPF_NOEXIST);
		counted = bpf_map_lookup_elem(&losses, &loss);
	}
	if (!counted) {
		loss.ifindex = 0;
		loss.error = 0;
		counted = bpf_map_lookup_elem(&losses, &loss);
	}
	if (counted)
		*counted += packets;
	return 0;
}

/* dev, prog, target, err, map type, map id, index; the index of our devmap is the egress. Since 5.13. */
SEC("raw_tp/xdp_redirect_err")
int redirect_err(struct bpf_raw_tracepoint_args *ctx)
{
	const struct about *a = words();

	if (!a || (__u32)ctx->args[5] != a->map_ports)
		return 0;
	return count(ctx->args[6], ctx->args[3], LOSS_REDIRECT_ERR, 1);
}

/* from dev, to dev, sent, drops, err; once for up to 16 packets. */
SEC("raw_tp/xdp_devmap_xmit")
int devmap_xmit(struct bpf_raw_tracepoint_args *ctx)
{
	const struct net_device *to = (void *)ctx->args[1];
	int drops = ctx->args[3];

	if (drops <= 0 || !is_ingress((void *)ctx->args[0]))
		return 0;
	return count(BPF_CORE_READ(to, ifindex), ctx->args[4], LOSS_DEVMAP_XMIT, drops);
}

/* dev, sent, drops, err; once for up to 16 packets. */
SEC("raw_tp/xdp_bulk_tx")
int bulk_tx(struct bpf_raw_tracepoint_args *ctx)
{
	const struct net_device *dev = (void *)ctx->args[0];
	int drops = ctx->args[2];

	if (drops <= 0 || !is_ingress(dev))
		return 0;
	return count(BPF_CORE_READ(dev, ifindex), ctx->args[3], LOSS_BULK_TX, drops);
}

/* dev, prog, action. Of a failed redirect xdp_redirect_err has told already, with its errno. */
SEC("raw_tp/xdp_exception")
int exception(struct bpf_raw_tracepoint_args *ctx)
{
	const struct net_device *dev = (void *)ctx->args[0];
	const struct bpf_prog *prog = (void *)ctx->args[1];
	const struct about *a = words();

	if (!a || (__u32)ctx->args[2] == XDP_REDIRECT || BPF_CORE_READ(prog, aux, id) != a->program)
		return 0;
	return count(BPF_CORE_READ(dev, ifindex), 0, LOSS_EXCEPTION, 1);
}
