/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which way most packets go: the compiler lays it out straight.
 */
#ifndef SHUNT_LIKELY_H
#define SHUNT_LIKELY_H

#define likely(it) __builtin_expect(!!(it), 1)
#define unlikely(it) __builtin_expect(!!(it), 0)

#endif
