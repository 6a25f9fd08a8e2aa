#pragma once

#include <linux/bpf.h>

#include "handle.h"

namespace shunt {

class Map : public FdHandle {
 public:
  static constexpr napi_type_tag kTag = kMapTag;
  Map(int fd, const bpf_map_info& info, size_t valueBytes)
      : FdHandle(fd), keySize(info.key_size), valueSize(info.value_size), maxEntries(info.max_entries),
        valueBytes(valueBytes) {}
  const size_t keySize;
  const size_t valueSize;
  const uint32_t maxEntries;
  /** Of one value as it crosses: for a per-CPU map, every possible CPU's, each rounded up to 8. */
  const size_t valueBytes;
};

/** Takes the descriptor over, or closes it; answers the handle or a negative errno. */
Napi::Value adoptMap(Napi::Env env, int fd);

}  // namespace shunt
