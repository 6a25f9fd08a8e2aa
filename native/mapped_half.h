#pragma once

#include <memory>

#include "memory.h"
#include "table_half.h"

namespace shunt {

/** One of two parts of a map that are as large as each other. */
struct MapHalves {
  int fd;
  size_t bytes;
  std::shared_ptr<Memory> map(size_t which, int& rc) const { return Memory::mapPart(fd, which * bytes, bytes, rc); }
};

inline uint64_t* wordsOf(const Memory& memory) { return reinterpret_cast<uint64_t*>(memory.at(0)); }

/** A half, and the memory in which it lies. */
struct MappedHalf {
  TableHalf half;
  std::shared_ptr<Memory> rows, filter;

  int map(const MapHalves& rowHalves, const MapHalves& filterHalves, size_t which) {
    int rc = 0;
    rows = rowHalves.map(which, rc);
    filter = rows ? filterHalves.map(which, rc) : nullptr;
    if (!filter) rows = nullptr;
    else half.lieAt(wordsOf(*rows), wordsOf(*filter));
    return rc;
  }
  void unmap() { rows = filter = nullptr; }
};

}  // namespace shunt
