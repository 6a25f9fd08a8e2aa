#include <algorithm>
#include <vector>

#include "bpf_fd.h"
#include "map.h"
#include "values.h"

namespace shunt {

namespace {

constexpr int kNotSupported = -524;  // ENOTSUPP: the kernel's own, absent from <errno.h>
constexpr uint32_t kBatch = 4096;

/** Entries gathered so far, with room kept behind them for the next ones. */
class Entries {
 public:
  explicit Entries(const Map& map) : map_(map) {}
  void makeRoom(uint32_t more) {
    keys_.resize((count_ + more) * map_.keySize);
    values_.resize((count_ + more) * map_.valueBytes);
  }
  uint8_t* nextKey() { return keys_.data() + count_ * map_.keySize; }
  uint8_t* nextValue() { return values_.data() + count_ * map_.valueBytes; }
  void add(uint32_t count) { count_ += count; }
  /** More than any calm walk can find: somebody changes the map faster than it is read. */
  bool tooMany() const { return count_ > 2ul * map_.maxEntries; }

  Napi::Object result(Napi::Env env, int rc) const {
    Napi::Object result = Napi::Object::New(env);
    result.Set("rc", rc);
    result.Set("count", static_cast<double>(count_));
    result.Set("keys", copyBytes(env, keys_.data(), count_ * map_.keySize));
    result.Set("values", copyBytes(env, values_.data(), count_ * map_.valueBytes));
    return result;
  }

 private:
  const Map& map_;
  size_t count_ = 0;
  std::vector<uint8_t> keys_, values_;
};

/** ENOSPC means a hash bucket holds more than the room that was offered. */
int dumpByBatch(const Map& map, uint32_t elemFlags, Entries& entries) {
  LIBBPF_OPTS(bpf_map_batch_opts, opts, .elem_flags = elemFlags);
  std::vector<uint8_t> at(std::max<size_t>(map.keySize, sizeof(uint32_t))), next(at.size());
  uint32_t room = std::clamp(map.maxEntries, 1u, kBatch);
  bool started = false;
  while (!entries.tooMany()) {
    entries.makeRoom(room);
    uint32_t count = room;
    const int rc = bpf_map_lookup_batch(map.fd(), started ? at.data() : nullptr, next.data(), entries.nextKey(),
                                        entries.nextValue(), &count, &opts);
    if (rc == -ENOSPC && room < map.maxEntries) {
      room = std::min(map.maxEntries, room > UINT32_MAX / 2 ? UINT32_MAX : room * 2);
      continue;
    }
    if (rc != 0 && rc != -ENOENT) return rc;
    entries.add(std::min(count, room));
    if (rc == -ENOENT) return 0;
    at.swap(next);
    started = true;
  }
  return -EAGAIN;
}

/** For maps without batches. Entries that vanish between their key and their value are left out. */
int dumpByKey(const Map& map, uint32_t elemFlags, Entries& entries) {
  std::vector<uint8_t> at(map.keySize), next(map.keySize);
  for (uint64_t visits = 0; visits <= 2ul * map.maxEntries; visits++) {
    int rc = bpf_map_get_next_key(map.fd(), visits == 0 ? nullptr : at.data(), next.data());
    if (rc != 0) return rc == -ENOENT ? 0 : rc;
    at.swap(next);
    entries.makeRoom(1);
    rc = bpf_map_lookup_elem_flags(map.fd(), at.data(), entries.nextValue(), elemFlags);
    if (rc == -ENOENT) continue;
    if (rc != 0) return rc;
    std::copy(at.begin(), at.end(), entries.nextKey());
    entries.add(1);
  }
  return -EAGAIN;
}

Napi::Value mapDump(const Napi::CallbackInfo& info) {
  Args args(info);
  auto* map = args.handle<Map>("map");
  const uint32_t elemFlags = args.u32("elemFlags");
  if (!args.ok()) return args.raise();
  Entries batched(*map);
  const int rc = map->closed() ? -EBADF : dumpByBatch(*map, elemFlags, batched);
  if (rc != kNotSupported && rc != -EINVAL) return batched.result(info.Env(), rc);
  Entries walked(*map);
  return walked.result(info.Env(), dumpByKey(*map, elemFlags, walked));
}

/** ENOSPC means that a bucket holds more than there is room for. */
Napi::Value mapRead(const Napi::CallbackInfo& info) {
  Args args(info);
  auto* map = args.handle<Map>("map");
  const Bytes from = args.bytesOrNull(args.next(), "from");
  const bool fromStart = info[1].IsNull();
  const Bytes keys = args.bytes("keys");
  const Bytes values = args.bytes("values");
  const uint32_t elemFlags = args.u32("elemFlags");
  const size_t placeSize = args.ok() ? std::max<size_t>(map->keySize, sizeof(uint32_t)) : 0;
  const size_t room = args.ok() && map->keySize > 0 ? keys.size / map->keySize : 0;
  if (!args.ok() || !args.expect(fromStart || from.size == placeSize, "from", "a place that was answered") ||
      !args.expect(room > 0 && room <= UINT32_MAX && keys.size == room * map->keySize, "keys", "room for whole keys") ||
      !args.expect(values.size == room * map->valueBytes, "values", "room for as many values")) {
    return args.raise();
  }
  LIBBPF_OPTS(bpf_map_batch_opts, opts, .elem_flags = elemFlags);
  std::vector<uint8_t> next(placeSize);
  uint32_t count = room;
  const int rc = map->closed() ? -EBADF
                               : bpf_map_lookup_batch(map->fd(), fromStart ? nullptr : from.data, next.data(), keys.data,
                                                      values.data, &count, &opts);
  const bool ended = rc == -ENOENT;
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("rc", ended ? 0 : rc);
  result.Set("count", rc == 0 || ended ? static_cast<double>(count) : 0);
  result.Set("next", rc == 0 ? copyBytes(info.Env(), next.data(), next.size()) : info.Env().Null());
  return result;
}

}  // namespace

void exportMapDump(Napi::Object exports) {
  expose<mapDump>(exports, "mapDump");
  expose<mapRead>(exports, "mapRead");
}

}  // namespace shunt
