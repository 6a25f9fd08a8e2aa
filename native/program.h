#pragma once

#include "handle.h"

namespace shunt {

class Program : public FdHandle {
 public:
  static constexpr napi_type_tag kTag = kProgramTag;
  using FdHandle::FdHandle;
};

}  // namespace shunt
