#include "object.h"

#include <bpf/btf.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>

#include "bpf_fd.h"
#include "map.h"
#include "program.h"
#include "values.h"

namespace shunt {

namespace {

constexpr size_t kLogLimit = 64 * 1024;

/**
 * Collects what libbpf says on this thread while it stands, keeping the tail. libbpf has one print callback for the
 * whole process; it is set once, and finds the log of the call in progress by thread. The verifier's words come the
 * same way, because a log buffer of our own that is too small would turn the verifier's errno into ENOSPC.
 */
class Log {
 public:
  Log() {
    [[maybe_unused]] static const auto previous = libbpf_set_print(print);
    current = this;
  }
  ~Log() { current = nullptr; }
  const std::string& text() const { return text_; }

 private:
  static int print(libbpf_print_level level, const char* format, va_list values) {
    if (level == LIBBPF_DEBUG || current == nullptr) return 0;
    va_list again;
    va_copy(again, values);
    const int length = std::vsnprintf(nullptr, 0, format, again);
    va_end(again);
    if (length > 0) current->append(format, values, length);
    return 0;
  }

  void append(const char* format, va_list values, size_t length) {
    std::string line(length + 1, '\0');
    std::vsnprintf(line.data(), line.size(), format, values);
    line.pop_back();
    text_ += line;
    if (text_.size() > kLogLimit) text_.erase(0, text_.size() - kLogLimit);
  }

  static thread_local Log* current;
  std::string text_;
};

thread_local Log* Log::current = nullptr;

bpf_map* findMap(Object* object, const std::string& name) {
  return bpf_object__find_map_by_name(object->get(), name.c_str());
}

Napi::Value objectOpen(const Napi::CallbackInfo& info) {
  Args args(info);
  const std::string path = args.path("path");
  if (!args.ok()) return args.raise();
  Log log;
  bpf_object* object = bpf_object__open_file(path.c_str(), nullptr);
  if (object == nullptr) return number(info.Env(), -errno);
  bpf_map* map;
  bpf_object__for_each_map(map, object) bpf_map__set_pin_path(map, nullptr);
  return adopt(info.Env(), std::make_shared<Object>(object));
}

Napi::Value objectMapNames(const Napi::CallbackInfo& info) {
  Args args(info);
  auto* object = args.handle<Object>("object");
  if (!args.ok()) return args.raise();
  if (object->closed()) return number(info.Env(), -EBADF);
  Napi::Array names = Napi::Array::New(info.Env());
  bpf_map* map;
  bpf_object__for_each_map(map, object->get()) {
    names.Set(names.Length(), Napi::String::New(info.Env(), bpf_map__name(map)));
  }
  return names;
}

/** Why a map of the object cannot be changed now: closed, loaded, or not there; 0 if it can. */
int unsettable(Object* object, const std::string& map) {
  if (object->closed()) return -EBADF;
  if (object->loaded) return -EBUSY;
  return findMap(object, map) ? 0 : -ENOENT;
}

Napi::Value objectSetMaxEntries(const Napi::CallbackInfo& info) {
  Args args(info);
  auto* object = args.handle<Object>("object");
  const std::string map = args.text("map", 255);
  const uint32_t maxEntries = args.u32("maxEntries");
  if (!args.ok()) return args.raise();
  if (int rc = unsettable(object, map)) return number(info.Env(), rc);
  return number(info.Env(), bpf_map__set_max_entries(findMap(object, map), maxEntries));
}

Napi::Value objectSetData(const Napi::CallbackInfo& info) {
  Args args(info);
  auto* object = args.handle<Object>("object");
  const std::string map = args.text("map", 255);
  const size_t offset = args.u32("offset");
  const Bytes bytes = args.bytes("bytes");
  if (!args.ok()) return args.raise();
  if (int rc = unsettable(object, map)) return number(info.Env(), rc);
  size_t size = 0;
  auto* data = static_cast<uint8_t*>(const_cast<void*>(bpf_map__initial_value(findMap(object, map), &size)));
  if (data == nullptr) return number(info.Env(), -EINVAL);
  if (!args.expect(offset <= size && bytes.size <= size - offset, "bytes", "to fit the map's data")) return args.raise();
  if (bytes.size > 0) std::memcpy(data + offset, bytes.data, bytes.size);
  return number(info.Env(), 0);
}

Napi::Value objectReuseMap(const Napi::CallbackInfo& info) {
  Args args(info);
  auto* object = args.handle<Object>("object");
  const std::string name = args.text("map", 255);
  auto* map = args.handle<Map>("handle");
  if (!args.ok()) return args.raise();
  if (map->closed()) return number(info.Env(), -EBADF);
  if (int rc = unsettable(object, name)) return number(info.Env(), rc);
  return number(info.Env(), bpf_map__reuse_fd(findMap(object, name), map->fd()));
}

Napi::Value objectSkipProgram(const Napi::CallbackInfo& info) {
  Args args(info);
  auto* object = args.handle<Object>("object");
  const std::string name = args.text("program", 255);
  if (!args.ok()) return args.raise();
  if (object->closed()) return number(info.Env(), -EBADF);
  bpf_program* program = bpf_object__find_program_by_name(object->get(), name.c_str());
  if (program == nullptr) return number(info.Env(), -ENOENT);
  return number(info.Env(), object->loaded ? -EBUSY : bpf_program__set_autoload(program, false));
}

Napi::Value objectLoad(const Napi::CallbackInfo& info) {
  Args args(info);
  auto* object = args.handle<Object>("object");
  if (!args.ok()) return args.raise();
  Log log;
  int rc = object->closed() ? -EBADF : object->loaded ? -EBUSY : 0;
  if (rc == 0) {
    object->loaded = true;
    rc = bpf_object__load(object->get());
  }
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("rc", rc);
  result.Set("log", log.text());
  return result;
}

Napi::Value objectMap(const Napi::CallbackInfo& info) {
  Args args(info);
  auto* object = args.handle<Object>("object");
  const std::string name = args.text("map", 255);
  if (!args.ok()) return args.raise();
  if (object->closed()) return number(info.Env(), -EBADF);
  bpf_map* map = findMap(object, name);
  if (map == nullptr) return number(info.Env(), -ENOENT);
  const int fd = bpf_map__fd(map);  // negative before the load
  return adoptMap(info.Env(), fd < 0 ? -EINVAL : duplicate(fd));
}

Napi::Value objectProgram(const Napi::CallbackInfo& info) {
  Args args(info);
  auto* object = args.handle<Object>("object");
  const std::string name = args.text("program", 255);
  if (!args.ok()) return args.raise();
  if (object->closed()) return number(info.Env(), -EBADF);
  bpf_program* program = bpf_object__find_program_by_name(object->get(), name.c_str());
  if (program == nullptr) return number(info.Env(), -ENOENT);
  const int fd = bpf_program__fd(program);  // negative before the load, or when skipped
  const int copy = fd < 0 ? -EINVAL : duplicate(fd);
  if (copy < 0) return number(info.Env(), copy);
  return adopt(info.Env(), std::make_shared<Program>(copy));
}

Napi::Value objectBtf(const Napi::CallbackInfo& info) {
  Args args(info);
  auto* object = args.handle<Object>("object");
  if (!args.ok()) return args.raise();
  if (object->closed()) return number(info.Env(), -EBADF);
  const btf* types = bpf_object__btf(object->get());
  uint32_t size = 0;
  const void* data = types ? btf__raw_data(types, &size) : nullptr;
  return data ? copyBytes(info.Env(), data, size) : number(info.Env(), -ENOENT);
}

}  // namespace

void exportObjects(Napi::Object exports) {
  expose<objectOpen>(exports, "objectOpen");
  expose<objectMapNames>(exports, "objectMapNames");
  expose<objectSetMaxEntries>(exports, "objectSetMaxEntries");
  expose<objectSetData>(exports, "objectSetData");
  expose<objectReuseMap>(exports, "objectReuseMap");
  expose<objectSkipProgram>(exports, "objectSkipProgram");
  expose<objectLoad>(exports, "objectLoad");
  expose<objectMap>(exports, "objectMap");
  expose<objectProgram>(exports, "objectProgram");
  expose<objectBtf>(exports, "objectBtf");
}

}  // namespace shunt
