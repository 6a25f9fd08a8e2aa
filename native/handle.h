#pragma once

#include <napi.h>
#include <unistd.h>

#include <memory>
#include <unordered_map>
#include <utility>

namespace shunt {

/** One kernel resource that JavaScript holds. It stays open until `close` or the end of its environment, even when
 * the garbage collector takes the JavaScript object: a lock must not fall because nobody looked at it. */
class Handle {
 public:
  virtual ~Handle() = default;
  virtual bool closed() const = 0;
  /** Gives the resource back; harmless when repeated. */
  virtual void release() = 0;
};

class FdHandle : public Handle {
 public:
  explicit FdHandle(int fd) : fd_(fd) {}
  ~FdHandle() override { FdHandle::release(); }
  FdHandle(const FdHandle&) = delete;
  FdHandle& operator=(const FdHandle&) = delete;
  int fd() const { return fd_; }
  bool closed() const override { return fd_ < 0; }
  void release() override {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_;
};

/** The tags are how a handle of one kind, or a copy of one, is told from anything else JavaScript may pass. */
constexpr napi_type_tag makeTag(uint64_t kind) { return {0x5b7e0c51d8a94f36, 0x91c2e4a7305d6800 | kind}; }
constexpr napi_type_tag kObjectTag = makeTag(1);
constexpr napi_type_tag kMapTag = makeTag(2);
constexpr napi_type_tag kProgramTag = makeTag(3);
constexpr napi_type_tag kLinkTag = makeTag(4);
constexpr napi_type_tag kMemoryTag = makeTag(5);
constexpr napi_type_tag kLockTag = makeTag(6);
constexpr napi_type_tag kSubscriptionTag = makeTag(7);
constexpr napi_type_tag kTableTag = makeTag(8);

/** What one environment (the main thread, a worker) owns. Its clean-up hook closes every handle left open. */
class Instance {
 public:
  explicit Instance(Napi::Env env) {
    napi_add_env_cleanup_hook(env, [](void* self) { static_cast<Instance*>(self)->closeAll(); }, this);
  }

  template <typename T>
  Napi::Value adopt(Napi::Env env, std::shared_ptr<T> handle) {
    Napi::Object object = Napi::Object::New(env);
    auto* held = new std::shared_ptr<Handle>(handle);
    napi_wrap(env, object, held, [](napi_env, void* data, void*) { delete static_cast<std::shared_ptr<Handle>*>(data); },
              nullptr, nullptr);
    object.TypeTag(&T::kTag);
    object.Freeze();
    open_.emplace(handle.get(), handle);
    return object;
  }

  void close(Handle& handle) {
    handle.release();
    open_.erase(&handle);
  }

 private:
  void closeAll() {
    for (auto& [handle, owner] : open_) handle->release();
    open_.clear();
  }

  std::unordered_map<Handle*, std::shared_ptr<Handle>> open_;
};

template <typename T>
Napi::Value adopt(Napi::Env env, std::shared_ptr<T> handle) {
  return env.GetInstanceData<Instance>()->adopt(env, std::move(handle));
}

}  // namespace shunt
