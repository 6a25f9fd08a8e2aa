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
#include "likely.h"
#include "maps.h"

enum look {
	LOOK_MISS,
	LOOK_HIT,
	LOOK_RACE,	/* no consistent copy */
	LOOK_UNSURE,	/* of the table: it cannot say */
};

static __always_inline struct value *find_value(enum kind kind, const struct key *key)
{
	if (kind == KIND_IPV4)
		return bpf_map_lookup_elem(&redirect4, key->word);
	return bpf_map_lookup_elem(&redirect6, key->word);
}

static __always_inline int copy_value(union entry *e, const struct value *value, enum kind kind,
				      const struct key *key)
{
	return copy_entry(e, &value->rev, &value->check, key, key_words(kind));
}

/*
 * A copy that fails its check was torn, or its element was freed and given to
 * another key; a miss right after that may be the same replacement in passing.
 * So both are looked at again.
 *
 * A writer whose CPU was taken away in the middle of its copy outlasts all looks
 * (on a virtual machine: 50 in 60 million). The last one waits for it.
 */
static __always_inline enum look look_again(enum kind kind, const struct key *key, union entry *e)
{
	struct value *value;
	int is_sound, i;

	for (i = 1; i < LOOKS_MAX; i++) {
		value = find_value(kind, key);
		if (!value)
			continue;
		if (copy_value(e, value, kind, key))
			return LOOK_HIT;
	}
	value = find_value(kind, key);
	if (!value)
		return LOOK_RACE;
	bpf_spin_lock(&value->lock);
	is_sound = copy_value(e, value, kind, key);
	bpf_spin_unlock(&value->lock);
	return is_sound ? LOOK_HIT : LOOK_RACE;
}

/* It happens so seldom that it stays out of the way of the others. */
static __noinline int look_again4(const struct key *key, union entry *e)
{
	return look_again(KIND_IPV4, key, e);
}

static __noinline int look_again6(const struct key *key, union entry *e)
{
	return look_again(KIND_IPV6, key, e);
}

/* A miss at first sight is simply no match. */
static __always_inline enum look look_up(enum kind kind, const struct key *key, union entry *e)
{
	const struct value *value = find_value(kind, key);

	if (!value)
		return LOOK_MISS;
	if (likely(copy_value(e, value, kind, key)))
		return LOOK_HIT;
	return kind == KIND_IPV4 ? look_again4(key, e) : look_again6(key, e);
}

#endif
