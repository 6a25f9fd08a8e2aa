/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The program's maps and its read-only config. Sizes here are for trying things
 * out; the loader sets the real ones before load, from the limits that it checks.
 */
#ifndef SHUNT_MAPS_H
#define SHUNT_MAPS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "abi.h"
#include "shared.h"

#define TRY_SLOTS 64

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4 * TRY_SLOTS);
	__type(key, struct key4);
	__type(value, struct value);
} redirect4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4 * TRY_SLOTS);
	__type(key, struct key6);
	__type(value, struct value);
} redirect6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, TRY_SLOTS);
	__type(key, __u32);
	__type(value, struct stat);
} stats SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, PASS_MAX * TRY_SLOTS);
	__type(key, __u32);
	__type(value, __u64);
} passed SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, VERDICT_MAX);
	__type(key, __u32);
	__type(value, __u64);
} verdicts SEC(".maps");

/*
 * Data, not maps that are looked up: what each packet asks for has an address. The
 * agent maps both.
 */
volatile struct control control SEC(".data.control") = {};
volatile struct shapes shapes SEC(".data.shapes") = {};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct protects);
} protect SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP_HASH);
	__uint(max_entries, TRY_SLOTS);
	__type(key, __u32);
	__type(value, __u32);
} ports SEC(".maps");

/* The table in front of redirect4 and redirect6: two halves each, of which control selects one. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct row4);
} rows4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct row6);
} rows6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} filter4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} filter6 SEC(".maps");

/* First in .rodata, at offset 0: the loader writes it there. */
const volatile struct config config = { .slots = TRY_SLOTS };

/* Names every enum of abi.h, so that the object's BTF carries them. */
const volatile union {
	enum limit limit;
	enum key_flag key_flag;
	enum action action;
	enum value_flag value_flag;
	enum verdict verdict;
	enum pass_reason pass_reason;
	enum loss_at loss_at;
	enum row_state row_state;
} abi_enums;

#endif
