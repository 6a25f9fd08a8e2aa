/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The part of abi.h that says what is counted: hits, why packets went where they went,
 * and where they died afterwards.
 */
#ifndef SHUNT_ABI_COUNTS_H
#define SHUNT_ABI_COUNTS_H

/* Row cpu * slots + slot of the map `stats`; each CPU writes only its own. */
struct stat {
	__u64 packets;
	__u64 bytes;		/* L2 frame bytes as received, without FCS */
	__u64 seen;		/* jiffies64 of the last hit; 0 = never */
	__u64 zero;
};
_Static_assert(sizeof(struct stat) == 32, "stat");

/* Why a packet went where it went: index of the per-CPU map `verdicts`. */
enum verdict {
	VERDICT_SENT = 0,	/* redirected to another interface */
	VERDICT_SENT_BACK,	/* XDP_TX: out of the ingress interface */
	VERDICT_DROPPED,	/* by an entry */
	VERDICT_PASSED,		/* by an entry */
	VERDICT_NO_MATCH,
	VERDICT_BYPASS,
	VERDICT_NOT_IP,
	VERDICT_MALFORMED,	/* lengths that contradict one another */
	VERDICT_GROUP,		/* group bit in the destination MAC */
	VERDICT_NEIGHBOUR,	/* ICMPv6 neighbour discovery and MLD */
	VERDICT_RETURNED,	/* the source MAC is the entry's own target */
	VERDICT_EXPIRED,
	VERDICT_TTL,		/* TTL or hop limit used up */
	VERDICT_TOO_BIG,	/* longer than the egress MTU */
	VERDICT_NO_PORT,	/* the egress does not stand in `ports` */
	VERDICT_VLAN,		/* in a VLAN, and the egress is another interface */
	VERDICT_RACE,		/* no consistent copy, not even under the lock */
	VERDICT_UNKNOWN_ACTION,	/* an action or slot this program does not know */
	VERDICT_OVERHEARD,	/* on its way to the target on this link already */
	VERDICT_PROTECTED,	/* hit an entry that is not to have it */
	VERDICT_MAX,
};

/*
 * Why a packet that hit an entry was passed all the same: each is the verdict of its name.
 * Row reason * slots + slot of the map `passed`.
 */
enum pass_reason {
	PASS_TTL = 0,
	PASS_TOO_BIG,
	PASS_NO_PORT,
	PASS_VLAN,
	PASS_UNKNOWN_ACTION,
	PASS_MAX,
};

/* Which tracepoint of the kernel (xdp_...) says that a packet died after its verdict. */
enum loss_at {
	LOSS_REDIRECT_ERR = 0,	/* the egress did not take it */
	LOSS_DEVMAP_XMIT,	/* the egress took it and dropped it */
	LOSS_BULK_TX,		/* sent back, and the driver dropped it */
	LOSS_EXCEPTION,		/* the driver could not send it, or a generic egress was stopped */
	LOSS_AT_MAX,
};

/*
 * Key of the per-CPU map `losses`. The loader makes the row with ifindex 0 once a
 * tracepoint is watched; it counts what finds no room for a row of its own.
 */
struct loss {
	__u32 ifindex;		/* egress */
	__u16 error;		/* errno; 0 = the kernel gives none */
	__u8 at;		/* enum loss_at */
	__u8 zero;
};
_Static_assert(sizeof(struct loss) == 8, "loss");

#endif
