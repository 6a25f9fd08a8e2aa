/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The way to bytes of a frame that may not be there. Only parse.h has checks of its own.
 */
#ifndef SHUNT_CURSOR_H
#define SHUNT_CURSOR_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define OFFSET_MAX 0x3fff	/* more than tags, IPv6 header and EXT_HDRS_MAX of the longest */

/* The `size` bytes at `offset` of the frame; NULL where it ends before. */
static __always_inline void *at_offset(const struct xdp_md *ctx, __u32 offset, __u32 size)
{
	void *end = (void *)(long)ctx->data_end;
	void *at = (void *)(long)ctx->data;

	if (offset > OFFSET_MAX)
		return 0;
	at += offset;
	return at + size > end ? 0 : at;
}

#endif
