#include "memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <vector>

#include "bpf_fd.h"
#include "values.h"

namespace shunt {

void Memory::release() {
  if (mapping_) munmap(std::exchange(mapping_, nullptr), mapped_);
}

uint8_t* Memory::mmap(int fd, size_t from, size_t size, bool writable, int& rc) {
  void* mapping = ::mmap(nullptr, size, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, from);
  if (mapping != MAP_FAILED) return static_cast<uint8_t*>(mapping);
  rc = -errno;
  return nullptr;
}

std::shared_ptr<Memory> Memory::map(const Map& map, bool writable, bool pages, int& rc) {
  const size_t size = (map.valueSize + 7) / 8 * 8 * map.maxEntries;
  const size_t page = sysconf(_SC_PAGESIZE);
  const size_t mapped = (size + page - 1) / page * page;
  uint8_t* mapping = mmap(map.fd(), 0, mapped, writable, rc);
  return mapping ? std::make_shared<Memory>(mapping, mapped, 0, pages ? mapped : size, writable) : nullptr;
}

std::shared_ptr<Memory> Memory::mapPart(int fd, size_t from, size_t size, int& rc) {
  const size_t page = sysconf(_SC_PAGESIZE);
  const size_t skipped = from % page;
  const size_t mapped = (skipped + size + page - 1) / page * page;
  uint8_t* mapping = mmap(fd, from - skipped, mapped, true, rc);
  return mapping ? std::make_shared<Memory>(mapping, mapped, skipped, size, true) : nullptr;
}

namespace {

/**
 * Copies between shared memory and ours so that each 64-bit word, where `shared` is aligned, moves in one piece.
 * Words keep no order among themselves.
 */
template <typename Word, typename Byte>
void copyWhole(uint8_t* shared, size_t length, Word word, Byte byte) {
  size_t i = 0;
  const auto aligned = [&] { return reinterpret_cast<uintptr_t>(shared + i) % sizeof(uint64_t) == 0; };
  for (; i < length && !aligned(); i++) byte(shared + i, i);
  for (; i + sizeof(uint64_t) <= length; i += sizeof(uint64_t)) word(reinterpret_cast<uint64_t*>(shared + i), i);
  for (; i < length; i++) byte(shared + i, i);
}

void readShared(uint8_t* shared, uint8_t* copy, size_t length) {
  copyWhole(
      shared, length,
      [&](uint64_t* word, size_t i) {
        const uint64_t value = __atomic_load_n(word, __ATOMIC_RELAXED);
        std::memcpy(copy + i, &value, sizeof value);
      },
      [&](uint8_t* byte, size_t i) { copy[i] = __atomic_load_n(byte, __ATOMIC_RELAXED); });
}

void writeShared(uint8_t* shared, const uint8_t* bytes, size_t length) {
  copyWhole(
      shared, length,
      [&](uint64_t* word, size_t i) {
        uint64_t value;
        std::memcpy(&value, bytes + i, sizeof value);
        __atomic_store_n(word, value, __ATOMIC_RELAXED);
      },
      [&](uint8_t* byte, size_t i) { __atomic_store_n(byte, bytes[i], __ATOMIC_RELAXED); });
}

Napi::Value mapValues(const Napi::CallbackInfo& info, bool pages) {
  Args args(info);
  auto* map = args.handle<Map>("map");
  const bool writable = args.boolean("writable");
  if (!args.ok()) return args.raise();
  if (map->closed()) return number(info.Env(), -EBADF);
  int rc = 0;
  std::shared_ptr<Memory> memory = Memory::map(*map, writable, pages, rc);
  return memory ? adopt(info.Env(), memory) : number(info.Env(), rc);
}

Napi::Value mapMmap(const Napi::CallbackInfo& info) { return mapValues(info, false); }

Napi::Value mapMmapPages(const Napi::CallbackInfo& info) { return mapValues(info, true); }

Napi::Value memorySize(const Napi::CallbackInfo& info) {
  Args args(info);
  auto* memory = args.handle<Memory>("memory");
  if (!args.ok()) return args.raise();
  return number(info.Env(), memory->closed() ? -EBADF : static_cast<double>(memory->size));
}

Napi::Value memoryRead(const Napi::CallbackInfo& info) {
  Args args(info);
  auto* memory = args.handle<Memory>("memory");
  const size_t offset = args.u32("offset");
  const size_t length = args.u32("length");
  if (!args.ok() || !args.expect(memory->holds(offset, length), "length", "a range inside the memory")) {
    return args.raise();
  }
  if (memory->closed()) return number(info.Env(), -EBADF);
  Napi::Uint8Array copy = Napi::Uint8Array::New(info.Env(), length);
  readShared(memory->at(offset), copy.Data(), length);
  return copy;
}

Napi::Value memoryStoreU32(const Napi::CallbackInfo& info) {
  Args args(info);
  auto* memory = args.handle<Memory>("memory");
  const size_t offset = args.u32("offset");
  const uint32_t value = args.u32("value");
  if (!args.ok() || !args.expect(offset % 4 == 0, "offset", "a multiple of 4") ||
      !args.expect(memory->holds(offset, 4), "offset", "a word inside the memory")) {
    return args.raise();
  }
  if (memory->closed()) return number(info.Env(), -EBADF);
  if (!memory->writable) return number(info.Env(), -EACCES);
  __atomic_store_n(reinterpret_cast<uint32_t*>(memory->at(offset)), value, __ATOMIC_RELEASE);
  return number(info.Env(), 0);
}

Napi::Value memoryWrite(const Napi::CallbackInfo& info) {
  Args args(info);
  auto* memory = args.handle<Memory>("memory");
  const size_t offset = args.u32("offset");
  const Bytes bytes = args.bytes("bytes");
  if (!args.ok() || !args.expect(memory->holds(offset, bytes.size), "bytes", "a range inside the memory")) {
    return args.raise();
  }
  if (memory->closed()) return number(info.Env(), -EBADF);
  if (!memory->writable) return number(info.Env(), -EACCES);
  writeShared(memory->at(offset), bytes.data, bytes.size);
  return number(info.Env(), 0);
}

// Row by row, as the memory lies: there may be as many rows as CPUs, each of megabytes.
Napi::Value memoryMax(const Napi::CallbackInfo& info) {
  Args args(info);
  auto* memory = args.handle<Memory>("memory");
  const size_t offset = args.u32("offset");
  const size_t stride = args.u32("stride");
  const size_t count = args.u32("count");
  const size_t rows = args.u32("rows");
  if (!args.ok() || !args.expect(offset % 8 == 0, "offset", "a multiple of 8") ||
      !args.expect(stride >= 8 && stride % 8 == 0, "stride", "a multiple of 8") ||
      !args.expect(count > 0 && rows > 0, "count", "at least one column and row") ||
      !args.expect(memory->holds(offset, 8) && rows * count - 1 <= (memory->size - offset - 8) / stride, "count",
                   "columns inside the memory")) {
    return args.raise();
  }
  if (memory->closed()) return number(info.Env(), -EBADF);
  std::vector<uint64_t> most(count);
  for (size_t row = 0; row < rows; row++) {
    const uint8_t* first = memory->at(offset + row * count * stride);
    for (size_t column = 0; column < count; column++) {
      auto* word = reinterpret_cast<const uint64_t*>(first + column * stride);
      most[column] = std::max(most[column], __atomic_load_n(word, __ATOMIC_RELAXED));
    }
  }
  Napi::Float64Array largest = Napi::Float64Array::New(info.Env(), count);
  std::copy(most.begin(), most.end(), largest.Data());
  return largest;
}

// Row by row, too; they are added up where the doubles come to stand.
Napi::Value memorySum(const Napi::CallbackInfo& info) {
  Args args(info);
  auto* memory = args.handle<Memory>("memory");
  const size_t offset = args.u32("offset");
  const size_t stride = args.u32("stride");
  const size_t count = args.u32("count");
  const size_t rows = args.u32("rows");
  const size_t words = args.u32("words");
  const Bytes into = args.bytes("sums");
  if (!args.ok() || !args.expect(offset % 8 == 0, "offset", "a multiple of 8") ||
      !args.expect(stride >= 8 && stride % 8 == 0, "stride", "a multiple of 8") ||
      !args.expect(words > 0 && words <= stride / 8, "words", "words of one stride") ||
      !args.expect(count > 0 && rows > 0, "count", "at least one column and row") ||
      !args.expect(memory->holds(offset, words * 8) &&
                       rows * count - 1 <= (memory->size - offset - words * 8) / stride,
                   "count", "columns inside the memory") ||
      !args.expect(into.size == count * words * 8 && reinterpret_cast<uintptr_t>(into.data) % 8 == 0, "sums",
                   "as many doubles as columns and words")) {
    return args.raise();
  }
  if (memory->closed()) return number(info.Env(), -EBADF);
  auto* sums = reinterpret_cast<uint64_t*>(into.data);
  std::fill_n(sums, count * words, 0);
  for (size_t row = 0; row < rows; row++) {
    for (size_t column = 0; column < count; column++) {
      auto* first = reinterpret_cast<uint64_t*>(memory->at(offset + (row * count + column) * stride));
      for (size_t word = 0; word < words; word++)
        sums[word * count + column] += __atomic_load_n(first + word, __ATOMIC_RELAXED);
    }
  }
  for (size_t i = 0; i < count * words; i++) {
    const double sum = static_cast<double>(sums[i]);
    std::memcpy(sums + i, &sum, sizeof sum);
  }
  return number(info.Env(), 0);
}

struct Move {
  uint64_t from;
  uint64_t to;
};

// Takes each count away from where it stands and adds it where others may be counting.
Napi::Value memoryMove(const Napi::CallbackInfo& info) {
  Args args(info);
  auto* from = args.handle<Memory>("from");
  auto* to = args.handle<Memory>("to");
  const Bytes bytes = args.bytes("moves");
  if (!args.ok() || !args.expect(bytes.size % sizeof(Move) == 0, "moves", "pairs of 64-bit offsets")) return args.raise();
  std::vector<Move> moves(bytes.size / sizeof(Move));
  if (!moves.empty()) std::memcpy(moves.data(), bytes.data, bytes.size);
  const auto holds = [](const Memory* memory, uint64_t offset) { return offset % 8 == 0 && memory->holds(offset, 8); };
  const bool inside = std::all_of(moves.begin(), moves.end(),
                                  [&](const Move& move) { return holds(from, move.from) && holds(to, move.to); });
  if (!args.expect(inside, "moves", "offsets of whole words inside the memories")) return args.raise();
  if (from->closed() || to->closed()) return number(info.Env(), -EBADF);
  if (!from->writable || !to->writable) return number(info.Env(), -EACCES);
  for (const Move& move : moves) {
    const uint64_t count = __atomic_exchange_n(reinterpret_cast<uint64_t*>(from->at(move.from)), 0, __ATOMIC_RELAXED);
    __atomic_fetch_add(reinterpret_cast<uint64_t*>(to->at(move.to)), count, __ATOMIC_RELAXED);
  }
  return number(info.Env(), 0);
}

}  // namespace

void exportMemory(Napi::Object exports) {
  expose<mapMmap>(exports, "mapMmap");
  expose<mapMmapPages>(exports, "mapMmapPages");
  expose<memorySize>(exports, "memorySize");
  expose<memoryRead>(exports, "memoryRead");
  expose<memoryStoreU32>(exports, "memoryStoreU32");
  expose<memoryWrite>(exports, "memoryWrite");
  expose<memoryMax>(exports, "memoryMax");
  expose<memorySum>(exports, "memorySum");
  expose<memoryMove>(exports, "memoryMove");
}

}  // namespace shunt
