// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What Shunt's program is measured against, and what measures both.
 *
 * `wrapper` puts a packet back as it was, gives it the next address and tail-calls the subject: a test-run hands the
 * packet on from run to run as the last one left it. Its cost stands on both sides of every ratio.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* Set before load. `mask` + 1 addresses are drawn from `base` on, which are the last 32 bits of the destination. */
const volatile struct {
	__u32 v6;
	__u32 base;
	__u32 mask;
	__u8 macs[2 * ETH_ALEN];
} run;

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} subject SEC(".maps");

struct ports_head {
	__be16 sport;
	__be16 dport;
};

/* The generator's state lies behind the UDP header: each packet, and so each CPU, has its own. */
struct datagram {
	struct ports_head ports;
	__be16 len;
	__be16 check;
	__u32 state;
};

struct frame4 {
	struct ethhdr eth;
	struct iphdr ip;
	struct datagram udp;
} __attribute__((packed));

struct frame6 {
	struct ethhdr eth;
	struct ipv6hdr ip;
	struct datagram udp;
} __attribute__((packed));

static __always_inline __u32 next_state(__u32 state)
{
	return state * 1664525 + 1013904223;
}

static __always_inline __u32 address_of(__u32 state)
{
	return bpf_htonl(run.base + ((state >> 9) & run.mask));
}

static __always_inline void put_macs(struct ethhdr *eth)
{
	__builtin_memcpy(eth, (const void *)run.macs, 2 * ETH_ALEN);
}

SEC("xdp")
int wrapper(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	if (run.v6) {
		struct frame6 *frame = data;

		if ((void *)(frame + 1) > end)
			return XDP_ABORTED;
		put_macs(&frame->eth);
		frame->ip.hop_limit = 64;
		frame->udp.state = next_state(frame->udp.state);
		frame->ip.daddr.in6_u.u6_addr32[3] = address_of(frame->udp.state);
	} else {
		struct frame4 *frame = data;

		if ((void *)(frame + 1) > end)
			return XDP_ABORTED;
		put_macs(&frame->eth);
		frame->ip.ttl = 64;
		frame->udp.state = next_state(frame->udp.state);
		frame->ip.daddr = address_of(frame->udp.state);
	}
	bpf_tail_call(ctx, &subject, 0);
	return XDP_ABORTED;
}

struct floor_key4 {
	__be32 src;
	__be32 dst;
	struct ports_head ports;
	__u32 proto;
};

struct floor_key6 {
	__be32 src[4];
	__be32 dst[4];
	struct ports_head ports;
	__u32 proto;
};

struct macs {
	__u8 mac[2 * ETH_ALEN];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct floor_key4);
	__type(value, struct macs);
} floor4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct floor_key6);
	__type(value, struct macs);
} floor6 SEC(".maps");

/* The plain program: parse, one look-up, MACs, back out. It counts nothing, proves nothing, and keeps the TTL. */
SEC("xdp")
int floor1(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	struct floor_key4 key = {};
	struct ports_head *ports;
	struct macs *to;

	if ((void *)(ip + 1) > end || eth->h_proto != bpf_htons(ETH_P_IP) || ip->version != 4)
		return XDP_PASS;
	ports = (void *)ip + ip->ihl * 4;
	if ((void *)(ports + 1) > end || (ip->protocol != IPPROTO_UDP && ip->protocol != IPPROTO_TCP))
		return XDP_PASS;
	key.src = ip->saddr;
	key.dst = ip->daddr;
	key.ports = *ports;
	key.proto = ip->protocol;
	to = bpf_map_lookup_elem(&floor4, &key);
	if (!to)
		return XDP_PASS;
	__builtin_memcpy(eth, to->mac, sizeof(to->mac));
	return XDP_TX;
}

SEC("xdp")
int floor1_v6(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct ipv6hdr *ip = (void *)(eth + 1);
	struct ports_head *ports = (void *)(ip + 1);
	struct floor_key6 key = {};
	struct macs *to;

	if ((void *)(ports + 1) > end || eth->h_proto != bpf_htons(ETH_P_IPV6) || ip->version != 6)
		return XDP_PASS;
	if (ip->nexthdr != IPPROTO_UDP && ip->nexthdr != IPPROTO_TCP)
		return XDP_PASS;
	__builtin_memcpy(key.src, &ip->saddr, sizeof(key.src));
	__builtin_memcpy(key.dst, &ip->daddr, sizeof(key.dst));
	key.ports = *ports;
	key.proto = ip->nexthdr;
	to = bpf_map_lookup_elem(&floor6, &key);
	if (!to)
		return XDP_PASS;
	__builtin_memcpy(eth, to->mac, sizeof(to->mac));
	return XDP_TX;
}

/* What a router in XDP does: the kernel is asked where each packet goes. */
SEC("xdp")
int fib(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct bpf_fib_lookup to = { .family = 2 /* AF_INET */ };
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);

	if ((void *)(ip + 1) > end || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	to.l4_protocol = ip->protocol;
	to.tot_len = bpf_ntohs(ip->tot_len);
	to.ifindex = ctx->ingress_ifindex;
	to.ipv4_src = ip->saddr;
	to.ipv4_dst = ip->daddr;
	if (bpf_fib_lookup(ctx, &to, sizeof(to), 0) != BPF_FIB_LKUP_RET_SUCCESS)
		return XDP_PASS;
	__builtin_memcpy(eth->h_dest, to.dmac, ETH_ALEN);
	__builtin_memcpy(eth->h_source, to.smac, ETH_ALEN);
	ip->ttl--;
	return bpf_redirect(to.ifindex, 0);
}

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} out SEC(".maps");

/* Looks at nothing: what the kernel's own sending costs. */
SEC("xdp")
int bare(struct xdp_md *ctx __attribute__((unused)))
{
	return bpf_redirect_map(&out, 0, 0);
}

/* Stands at the far end of the egress, or a veth would take no frames. */
SEC("xdp")
int far(struct xdp_md *ctx __attribute__((unused)))
{
	return XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
