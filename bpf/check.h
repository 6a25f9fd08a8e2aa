/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The 64-bit check of an entry: h = S + sum(word[i] * P[i]), h ^= h >> 32,
 * over the key's 64-bit words, then `rev`, then the value's words from `until`.
 * Words are read in host byte order. P[i] are distinct odd constants.
 * Kept equal with agent/kernel/check.ts by test vectors.
 */
#ifndef SHUNT_CHECK_H
#define SHUNT_CHECK_H

#define CHECK_SEED 0x5348554e54763101ULL
#define CHECK_WORDS_MAX 16

/* splitmix64 of 1..16, made odd. */
static const __u64 check_p[CHECK_WORDS_MAX] = {
	0xe220a8397b1dcdafULL,
	0x6e789e6aa1b965f5ULL,
	0x06c45d188009454fULL,
	0xf88bb8a8724c81edULL,
	0x1b39896a51a8749bULL,
	0x53cb9f0c747ea2ebULL,
	0x2c829abe1f4532e1ULL,
	0xc584133ac916ab3dULL,
	0x3ee5789041c98ac3ULL,
	0xf3b8488c368cb0a7ULL,
	0x657eecdd3cb13d09ULL,
	0xc2d326e0055bdef7ULL,
	0x8621a03fe0bbdb7bULL,
	0x8e1f7555983aa92fULL,
	0xb54e0f1600cc4d19ULL,
	0x84bb3f97971d80abULL,
};

/*
 * The sum over `count` words that take the constants from `first` on.
 * With constant arguments it unrolls to immediates: the fixed bound is what lets
 * the compiler unroll before it knows `count`.
 */
static inline __attribute__((always_inline)) __u64
check_sum(const __u64 *word, int count, int first)
{
	__u64 sum = 0;
	int i;

#pragma unroll
	for (i = 0; i < CHECK_WORDS_MAX; i++)
		if (i < count)
			sum += word[i] * check_p[first + i];
	return sum;
}

/* `key_sum`: check_sum of the key's words, with the constants from 0 on. */
static inline __attribute__((always_inline)) __u64
check_of(__u64 key_sum, int key_words, __u32 rev, const __u64 *rest, int rest_words)
{
	__u64 h = CHECK_SEED + key_sum;

	h += rev * check_p[key_words];
	h += check_sum(rest, rest_words, key_words + 1);
	return h ^ (h >> 32);
}

#endif
