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

  Memory(uint8_t* data, size_t size, size_t mapped, bool writable)
      : size(size), writable(writable), data_(data), mapped_(mapped) {}
  ~Memory() override { Memory::release(); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  bool closed() const override { return data_ == nullptr; }
  void release() override;
  uint8_t* at(size_t offset) const { return data_ + offset; }
  bool holds(size_t offset, size_t length) const { return offset <= size && length <= size - offset; }
  const size_t size;
  const bool writable;

 private:
  uint8_t* data_;
  const size_t mapped_;
};

}  // namespace shunt
