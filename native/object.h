#pragma once

#include <bpf/libbpf.h>

#include "handle.h"

namespace shunt {

class Object : public Handle {
 public:
  static constexpr napi_type_tag kTag = kObjectTag;
  explicit Object(bpf_object* object) : object_(object) {}
  ~Object() override { Object::release(); }
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;
  bpf_object* get() const { return object_; }
  bool closed() const override { return object_ == nullptr; }
  void release() override {
    if (object_) bpf_object__close(std::exchange(object_, nullptr));
  }
  /** Set by the first load, successful or not: from then on the object's shape is fixed. */
  bool loaded = false;

 private:
  bpf_object* object_;
};

}  // namespace shunt
