/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The maps that both objects know: redirect.bpf.o makes them, delivery.bpf.o is
 * given them by the loader.
 */
#ifndef SHUNT_SHARED_H
#define SHUNT_SHARED_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "abi.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct about);
} about SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, LOSSES_MAX);
	__type(key, struct loss);
	__type(value, __u64);
} losses SEC(".maps");

#endif
