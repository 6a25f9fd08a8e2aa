#pragma once
// For the sake of clang's pragmas in there, of which g++ would warn.
#pragma GCC system_header

#include <linux/bpf.h>
#include <linux/types.h>

/** What the program shares with user space, and the sum by which it finds a row, from its own files. */
#define _Static_assert static_assert
namespace shunt::abi {
#include "../bpf/abi.h"
#include "../bpf/check.h"
}  // namespace shunt::abi
#undef _Static_assert
