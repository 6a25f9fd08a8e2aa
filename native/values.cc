#include "values.h"

namespace shunt {

Handle* Args::untag(Napi::Value value, const char* name, Tags tags) {
  if (!expect(value.IsObject(), name, "a handle")) return nullptr;
  Napi::Object object = value.As<Napi::Object>();
  for (size_t i = 0; i < tags.count; i++) {
    if (!object.CheckTypeTag(&tags.first[i])) continue;
    void* held = nullptr;
    napi_unwrap(info_.Env(), object, &held);
    return static_cast<std::shared_ptr<Handle>*>(held)->get();
  }
  expect(false, name, "a handle of the right kind");
  return nullptr;
}

Handle* Args::anyHandle(const char* name) {
  constexpr napi_type_tag kAll[] = {kObjectTag, kMapTag,  kProgramTag,      kLinkTag,
                                    kMemoryTag, kLockTag, kSubscriptionTag, kTableTag};
  return untag(next(), name, {kAll, std::size(kAll)});
}

uint32_t Args::u32(Napi::Value value, const char* name) {
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : -1;
  const bool fits = number >= 0 && number <= UINT32_MAX;
  const uint32_t result = fits ? static_cast<uint32_t>(number) : 0;
  return expect(fits && result == number, name, "an unsigned 32-bit integer") ? result : 0;
}

bool Args::boolean(const char* name) {
  Napi::Value value = next();
  return expect(value.IsBoolean(), name, "a boolean") && value.As<Napi::Boolean>().Value();
}

std::string Args::text(Napi::Value value, const char* name, size_t limit) {
  if (!expect(value.IsString(), name, "a string")) return {};
  std::string text = value.As<Napi::String>().Utf8Value();
  const bool fits = !text.empty() && text.size() <= limit && text.find('\0') == std::string::npos;
  expect(fits, name, "a string that is not empty, not too long and has no NUL");
  return text;
}

Bytes Args::bytes(Napi::Value value, const char* name) {
  if (!expect(value.IsTypedArray(), name, "a Uint8Array")) return {};
  Napi::TypedArray array = value.As<Napi::TypedArray>();
  if (!expect(array.TypedArrayType() == napi_uint8_array, name, "a Uint8Array")) return {};
  napi_value buffer = nullptr;
  void* data = nullptr;
  size_t size = 0;
  napi_get_typedarray_info(info_.Env(), value, nullptr, &size, &data, &buffer, nullptr);
  bool plain = false;
  bool detached = false;
  napi_is_arraybuffer(info_.Env(), buffer, &plain);  // false for a SharedArrayBuffer
  if (plain) napi_is_detached_arraybuffer(info_.Env(), buffer, &detached);
  if (!expect(plain && !detached, name, "a Uint8Array over memory of its own, neither shared nor detached")) return {};
  return {static_cast<uint8_t*>(data), size};
}

Bytes Args::bytesOrNull(Napi::Value value, const char* name) {
  return value.IsNull() ? Bytes{} : bytes(value, name);
}

Napi::Function Args::function(const char* name) {
  Napi::Value value = next();
  return expect(value.IsFunction(), name, "a function") ? value.As<Napi::Function>() : Napi::Function();
}

Napi::Object Args::object(const char* name) {
  Napi::Value value = next();
  return expect(value.IsObject(), name, "an object") ? value.As<Napi::Object>() : Napi::Object();
}

bool Args::expect(bool condition, const char* name, const char* expected) {
  if (!condition && refusal_.empty()) refusal_ = std::string(name) + ": expected " + expected;
  return condition && refusal_.empty();
}

Napi::Value Args::raise() {
  Napi::TypeError::New(info_.Env(), refusal_).ThrowAsJavaScriptException();
  return info_.Env().Undefined();
}

}  // namespace shunt
