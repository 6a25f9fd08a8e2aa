/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Fields of 64-bit words. Keys, values and headers are handled as words, read as they
 * stand in memory: what is stored in pieces and read whole waits for its own stores.
 */
#ifndef SHUNT_WORDS_H
#define SHUNT_WORDS_H

#include <linux/types.h>

/* How far left in its word stands a field of `size` bytes that begins at byte `at`. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define SHIFT_OF(at, size) (8 * (at))
#else
#define SHIFT_OF(at, size) (64 - 8 * ((at) + (size)))
#endif

#define MAC_MASK (0xffffffffffffULL << SHIFT_OF(0, 6))

static __always_inline __u64 word_of(__u32 first, __u32 second)
{
	return (__u64)first << SHIFT_OF(0, 4) | (__u64)second << SHIFT_OF(4, 4);
}

#endif
