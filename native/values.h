#pragma once

#include <napi.h>

#include <cstdint>
#include <cstring>
#include <string>

#include "handle.h"

namespace shunt {

/** Bytes of a Uint8Array, valid until JavaScript runs again. */
struct Bytes {
  uint8_t* data = nullptr;
  size_t size = 0;
};

/**
 * Reads a call's arguments in order, without ever coercing one. The first wrong one makes the call a TypeError: check
 * `ok()` before the first system call, and before any handle is dereferenced.
 */
class Args {
 public:
  explicit Args(const Napi::CallbackInfo& info) : info_(info) {}

  Napi::Value next() { return info_[next_++]; }

  template <typename T>
  T* handle(const char* name) {
    return static_cast<T*>(untag(next(), name, {&T::kTag, 1}));
  }
  Handle* anyHandle(const char* name);

  uint32_t u32(const char* name) { return u32(next(), name); }
  uint32_t u32(Napi::Value value, const char* name);
  bool boolean(const char* name);
  /** Text without NUL, 1 to `limit` bytes of UTF-8. */
  std::string text(const char* name, size_t limit) { return text(next(), name, limit); }
  std::string text(Napi::Value value, const char* name, size_t limit);
  std::string path(const char* name) { return text(next(), name, kPathMax); }
  /** Null is left out: the empty text. */
  std::string pathOrNull(const char* name) {
    Napi::Value value = next();
    return value.IsNull() ? std::string() : text(value, name, kPathMax);
  }
  Bytes bytes(const char* name) { return bytes(next(), name); }
  Bytes bytes(Napi::Value value, const char* name);
  /** Null is left out: no data. */
  Bytes bytesOrNull(Napi::Value value, const char* name);
  Napi::Function function(const char* name);
  Napi::Object object(const char* name);

  /** False, and the call refused, unless the condition holds. Does nothing to a call refused before. */
  bool expect(bool condition, const char* name, const char* expected);
  bool ok() const { return refusal_.empty(); }
  /** Throws the TypeError; what it answers is for `return`. */
  Napi::Value raise();

 private:
  static constexpr size_t kPathMax = 4095;

  struct Tags {
    const napi_type_tag* first;
    size_t count;
  };
  Handle* untag(Napi::Value value, const char* name, Tags tags);

  const Napi::CallbackInfo& info_;
  size_t next_ = 0;
  std::string refusal_;
};

inline Napi::Value number(Napi::Env env, double value) { return Napi::Number::New(env, value); }

inline Napi::Value copyBytes(Napi::Env env, const void* data, size_t size) {
  Napi::Uint8Array copy = Napi::Uint8Array::New(env, size);
  if (size > 0) std::memcpy(copy.Data(), data, size);
  return copy;
}

template <Napi::Value (*Function)(const Napi::CallbackInfo&)>
void expose(Napi::Object exports, const char* name) {
  exports.Set(name, Napi::Function::New<Function>(exports.Env(), name));
}

void exportObjects(Napi::Object exports);
void exportMaps(Napi::Object exports);
void exportMapDump(Napi::Object exports);
void exportMemory(Napi::Object exports);
void exportTables(Napi::Object exports);
void exportPrograms(Napi::Object exports);
void exportLinks(Napi::Object exports);
void exportRtnetlink(Napi::Object exports);
void exportRoutes(Napi::Object exports);
void exportGenetlink(Napi::Object exports);
void exportEthtool(Napi::Object exports);
void exportSubscriptions(Napi::Object exports);
void exportSystem(Napi::Object exports);

}  // namespace shunt
