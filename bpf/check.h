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

#endif
