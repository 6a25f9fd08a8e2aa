/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From a key to a proven copy of its entry, out of the hash maps, which are the truth.
 */
#ifndef SHUNT_LOOKUP_H
#define SHUNT_LOOKUP_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "abi.h"
#include "entry.h"
#include "key.h"
#include "maps.h"

enum look {
	LOOK_MISS,
	LOOK_HIT,
	LOOK_RACE,	/* no consistent copy */
	LOOK_UNSURE,	/* of the table: it can not say */
};

static __always_inline struct value *find_value(enum kind kind, const struct key *key)
{
	if (kind == KIND_IPV4)
		return bpf_map_lookup_elem(&redirect4, key->word);
	return bpf_map_lookup_elem(&redirect6, key->word);
}

static __always_inline void copy_value(union entry *e, const struct value *value)
{
	copy_entry(e, &value->rev, &value->check);
}

/*
 * A copy that fails its check was torn, or its element was freed and given to
 * another key; a miss right after that may be the same replacement in passing.
 * So both are looked at again.
 *
 * A writer whose CPU was taken away in the middle of its copy outlasts all looks
 * (on a virtual machine: 50 in 60 million). The last one waits for it.
 */
static __noinline int look_again(enum kind kind, const struct key *key, union entry *e)
{
	const int words = key_words(kind);
	struct value *value;
	int i;

	for (i = 1; i < LOOKS_MAX; i++) {
		value = find_value(kind, key);
		if (!value)
			continue;
		copy_value(e, value);
		if (is_sound(e, key, words))
			return LOOK_HIT;
	}
	value = find_value(kind, key);
	if (!value)
		return LOOK_RACE;
	bpf_spin_lock(&value->lock);
	copy_value(e, value);
	bpf_spin_unlock(&value->lock);
	return is_sound(e, key, words) ? LOOK_HIT : LOOK_RACE;
}

/* A miss at first sight is simply no match. */
static __always_inline enum look look_up(enum kind kind, const struct key *key, union entry *e)
{
	const struct value *value = find_value(kind, key);

	if (!value)
		return LOOK_MISS;
	copy_value(e, value);
	if (is_sound(e, key, key_words(kind)))
		return LOOK_HIT;
	return look_again(kind, key, e);
}

#endif
