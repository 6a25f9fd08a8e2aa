#include "map.h"

#include <cstdlib>

#include "bpf_fd.h"
#include "values.h"

namespace shunt {

namespace {

bool isPerCpu(uint32_t type) {
  return type == BPF_MAP_TYPE_PERCPU_HASH || type == BPF_MAP_TYPE_PERCPU_ARRAY ||
         type == BPF_MAP_TYPE_LRU_PERCPU_HASH || type == BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE;
}

/** A flag that bpf_map_info lacks: 1, 0, or a negative errno. */
int frozen(int fd) {
  char path[40], line[64];
  std::snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
  FILE* file = std::fopen(path, "re");
  if (file == nullptr) return -errno;
  int value = -ENOENT;
  while (std::fgets(line, sizeof line, file)) {
    if (std::sscanf(line, "frozen: %d", &value) == 1) break;
  }
  std::fclose(file);
  return value;
}

Napi::Value mapCreate(const Napi::CallbackInfo& info) {
  Args args(info);
  const uint32_t type = args.u32("type");
  const std::string name = args.text("name", BPF_OBJ_NAME_LEN - 1);
  const uint32_t keySize = args.u32("keySize");
  const uint32_t valueSize = args.u32("valueSize");
  const uint32_t maxEntries = args.u32("maxEntries");
  const uint32_t flags = args.u32("flags");
  if (!args.ok()) return args.raise();
  LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = flags);
  return adoptMap(info.Env(), bpf_map_create(static_cast<bpf_map_type>(type), name.c_str(), keySize, valueSize,
                                             maxEntries, &opts));
}

Napi::Value mapOpen(const Napi::CallbackInfo& info) {
  Args args(info);
  const std::string path = args.path("path");
  const bool readOnly = args.boolean("readOnly");
  if (!args.ok()) return args.raise();
  return adoptMap(info.Env(), openPin(path.c_str(), "map", readOnly ? BPF_F_RDONLY : 0));
}

Napi::Value mapPin(const Napi::CallbackInfo& info) {
  Args args(info);
  auto* map = args.handle<Map>("map");
  const std::string path = args.path("path");
  if (!args.ok()) return args.raise();
  return number(info.Env(), map->closed() ? -EBADF : bpf_obj_pin(map->fd(), path.c_str()));
}

Napi::Value mapInfo(const Napi::CallbackInfo& info) {
  Args args(info);
  auto* map = args.handle<Map>("map");
  if (!args.ok()) return args.raise();
  if (map->closed()) return number(info.Env(), -EBADF);
  bpf_map_info kernel = {};
  uint32_t size = sizeof kernel;
  if (int rc = bpf_obj_get_info_by_fd(map->fd(), &kernel, &size)) return number(info.Env(), rc);
  const int isFrozen = frozen(map->fd());
  if (isFrozen < 0) return number(info.Env(), isFrozen);
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("id", kernel.id);
  result.Set("type", kernel.type);
  result.Set("keySize", kernel.key_size);
  result.Set("valueSize", kernel.value_size);
  result.Set("maxEntries", kernel.max_entries);
  result.Set("flags", kernel.map_flags);
  result.Set("name", Napi::String::New(info.Env(), kernel.name));
  result.Set("frozen", isFrozen == 1);
  return result;
}

Napi::Value mapFreeze(const Napi::CallbackInfo& info) {
  Args args(info);
  auto* map = args.handle<Map>("map");
  if (!args.ok()) return args.raise();
  return number(info.Env(), map->closed() ? -EBADF : bpf_map_freeze(map->fd()));
}

Napi::Value mapLookupElem(const Napi::CallbackInfo& info) {
  Args args(info);
  auto* map = args.handle<Map>("map");
  const Bytes key = args.bytes("key");
  const uint32_t flags = args.u32("flags");
  if (!args.ok() || !args.expect(key.size == map->keySize, "key", "keySize bytes")) return args.raise();
  if (map->closed()) return number(info.Env(), -EBADF);
  Napi::Uint8Array value = Napi::Uint8Array::New(info.Env(), map->valueBytes);
  const int rc = bpf_map_lookup_elem_flags(map->fd(), key.data, value.Data(), flags);
  return rc == 0 ? value : number(info.Env(), rc);
}

Napi::Value mapUpdateElem(const Napi::CallbackInfo& info) {
  Args args(info);
  auto* map = args.handle<Map>("map");
  const Bytes key = args.bytes("key");
  const Bytes value = args.bytes("value");
  const uint32_t flags = args.u32("flags");
  if (!args.ok() || !args.expect(key.size == map->keySize, "key", "keySize bytes") ||
      !args.expect(value.size == map->valueBytes, "value", "a value of the map's size")) {
    return args.raise();
  }
  const int rc = map->closed() ? -EBADF : bpf_map_update_elem(map->fd(), key.data, value.data, flags);
  return number(info.Env(), rc);
}

Napi::Value mapDeleteElem(const Napi::CallbackInfo& info) {
  Args args(info);
  auto* map = args.handle<Map>("map");
  const Bytes key = args.bytes("key");
  if (!args.ok() || !args.expect(key.size == map->keySize, "key", "keySize bytes")) return args.raise();
  return number(info.Env(), map->closed() ? -EBADF : bpf_map_delete_elem(map->fd(), key.data));
}

Napi::Value mapNextKey(const Napi::CallbackInfo& info) {
  Args args(info);
  auto* map = args.handle<Map>("map");
  const Bytes key = args.bytesOrNull(args.next(), "key");
  const bool fromStart = info[1].IsNull();
  if (!args.ok() || !args.expect(fromStart || key.size == map->keySize, "key", "keySize bytes")) return args.raise();
  if (map->closed()) return number(info.Env(), -EBADF);
  Napi::Uint8Array next = Napi::Uint8Array::New(info.Env(), map->keySize);
  const int rc = bpf_map_get_next_key(map->fd(), fromStart ? nullptr : key.data, next.Data());
  return rc == 0 ? next : number(info.Env(), rc);
}

/**
 * An error that came before the first element leaves the kernel's count as it was passed in, and EFAULT leaves it
 * meaningless; an error after k of n elements always says k < n.
 */
Napi::Value batchResult(Napi::Env env, int rc, uint32_t asked, uint32_t count) {
  const bool untouched = rc < 0 && (count >= asked || rc == -EFAULT);
  Napi::Object result = Napi::Object::New(env);
  result.Set("rc", rc);
  result.Set("count", untouched ? 0 : count);
  return result;
}

Napi::Value mapUpdateBatch(const Napi::CallbackInfo& info) {
  Args args(info);
  auto* map = args.handle<Map>("map");
  const Bytes keys = args.bytes("keys");
  const Bytes values = args.bytes("values");
  const uint32_t count = args.u32("count");
  const uint32_t elemFlags = args.u32("elemFlags");
  if (!args.ok() || !args.expect(keys.size == count * map->keySize, "keys", "count x keySize bytes") ||
      !args.expect(values.size == count * map->valueBytes, "values", "count values of the map's size")) {
    return args.raise();
  }
  if (map->closed()) return batchResult(info.Env(), -EBADF, count, 0);
  LIBBPF_OPTS(bpf_map_batch_opts, opts, .elem_flags = elemFlags);
  uint32_t done = count;
  const int rc = bpf_map_update_batch(map->fd(), keys.data, values.data, &done, &opts);
  return batchResult(info.Env(), rc, count, done);
}

Napi::Value mapDeleteBatch(const Napi::CallbackInfo& info) {
  Args args(info);
  auto* map = args.handle<Map>("map");
  const Bytes keys = args.bytes("keys");
  const uint32_t count = args.u32("count");
  if (!args.ok() || !args.expect(keys.size == count * map->keySize, "keys", "count x keySize bytes")) {
    return args.raise();
  }
  if (map->closed()) return batchResult(info.Env(), -EBADF, count, 0);
  uint32_t done = count;
  const int rc = bpf_map_delete_batch(map->fd(), keys.data, &done, nullptr);
  return batchResult(info.Env(), rc, count, done);
}

}  // namespace

Napi::Value adoptMap(Napi::Env env, int fd) {
  if (fd < 0) return number(env, fd);
  bpf_map_info info = {};
  uint32_t size = sizeof info;
  int rc = bpf_obj_get_info_by_fd(fd, &info, &size);
  const int cpus = rc == 0 && isPerCpu(info.type) ? libbpf_num_possible_cpus() : 1;
  if (rc == 0 && cpus < 0) rc = cpus;
  if (rc != 0) {
    close(fd);
    return number(env, rc);
  }
  const size_t valueBytes = isPerCpu(info.type) ? (info.value_size + 7ul) / 8 * 8 * cpus : info.value_size;
  return adopt(env, std::make_shared<Map>(fd, info, valueBytes));
}

void exportMaps(Napi::Object exports) {
  expose<mapCreate>(exports, "mapCreate");
  expose<mapOpen>(exports, "mapOpen");
  expose<mapPin>(exports, "mapPin");
  expose<mapInfo>(exports, "mapInfo");
  expose<mapFreeze>(exports, "mapFreeze");
  expose<mapLookupElem>(exports, "mapLookupElem");
  expose<mapUpdateElem>(exports, "mapUpdateElem");
  expose<mapDeleteElem>(exports, "mapDeleteElem");
  expose<mapNextKey>(exports, "mapNextKey");
  expose<mapUpdateBatch>(exports, "mapUpdateBatch");
  expose<mapDeleteBatch>(exports, "mapDeleteBatch");
}

}  // namespace shunt
