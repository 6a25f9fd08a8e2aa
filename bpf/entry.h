/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A private copy of an entry, and the proof that it is whole and of a key.
 */
#ifndef SHUNT_ENTRY_H
#define SHUNT_ENTRY_H

#include <linux/types.h>

#include "abi.h"
#include "check.h"
#include "key.h"

#define WORD_OF(member) (__builtin_offsetof(struct value, member) / sizeof(__u64))
#define VALUE_WORDS (sizeof(struct value) / sizeof(__u64))
#define CHECK_WORD WORD_OF(check)
#define UNTIL_WORD WORD_OF(until)

/* Filled from `until` on. */
union entry {
	struct value value;
	__u64 word[VALUE_WORDS];
};

/*
 * Copies `words`, a value's from `check` on, and says whether the copy is whole, and of
 * this key. They may be rewritten or reused at any instant, so each is read once.
 */
static __always_inline int copy_entry(union entry *to, const volatile __u32 *rev, const volatile __u64 *words,
				      const struct key *key, int key_words)
{
	__u32 its_rev = *rev;
	__u64 check = words[0];
	unsigned int i;

#pragma unroll
	for (i = UNTIL_WORD; i < VALUE_WORDS; i++)
		to->word[i] = words[i - CHECK_WORD];
	return check == check_of(key->sum, key_words, its_rev, &to->word[UNTIL_WORD], VALUE_WORDS - UNTIL_WORD);
}

#endif
