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

/* The lock is never filled. */
union entry {
	struct value value;
	__u64 word[VALUE_WORDS];
};

/*
 * `from`: the words from `check` on. They may be rewritten or reused at any instant, so
 * each is read once.
 */
static __always_inline void copy_entry(union entry *to, const volatile __u32 *rev, const volatile __u64 *from)
{
	unsigned int i;

	to->value.rev = *rev;
#pragma unroll
	for (i = CHECK_WORD; i < VALUE_WORDS; i++)
		to->word[i] = from[i - CHECK_WORD];
}

static __always_inline int is_sound(const union entry *e, const struct key *key, int key_words)
{
	return e->value.check == check_of(key->sum, key_words, e->value.rev, &e->word[UNTIL_WORD],
					  VALUE_WORDS - UNTIL_WORD);
}

#endif
