#pragma once

#include <memory>

#include "map.h"

namespace shunt {

/** The values of a mapped ARRAY, as one piece of memory that the kernel and others share. */
class Memory : public Handle {
 public:
  static constexpr napi_type_tag kTag = kMemoryTag;
  /** Maps the values of a map; `pages`: with what is left of the last page. Null, and a negative errno, if that fails. */
  static std::shared_ptr<Memory> map(const Map& map, bool writable, bool pages, int& rc);
  /** Maps bytes of them for writing, from one that begins a 64-bit word; what lies around them on their pages is not held. */
  static std::shared_ptr<Memory> mapPart(int fd, size_t from, size_t size, int& rc);

  /** `skipped`: bytes of what is mapped that are not held. */
  Memory(uint8_t* mapping, size_t mapped, size_t skipped, size_t size, bool writable)
      : size(size), writable(writable), mapping_(mapping), mapped_(mapped), skipped_(skipped) {}
  ~Memory() override { Memory::release(); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  bool closed() const override { return mapping_ == nullptr; }
  void release() override;
  uint8_t* at(size_t offset) const { return mapping_ + skipped_ + offset; }
  bool holds(size_t offset, size_t length) const { return offset <= size && length <= size - offset; }
  const size_t size;
  const bool writable;

 private:
  static uint8_t* mmap(int fd, size_t from, size_t size, bool writable, int& rc);

  uint8_t* mapping_;
  const size_t mapped_;
  const size_t skipped_;
};

}  // namespace shunt
