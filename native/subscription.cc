#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <uv.h>

#include <optional>

#include "netlink.h"
#include "values.h"

namespace shunt {

namespace {

constexpr int kReceiveBytes = 4 << 20;  // a burst of thousands of notices fits between two turns of the loop
constexpr uint32_t kGroups[] = {RTNLGRP_LINK,        RTNLGRP_NEIGH,      RTNLGRP_IPV4_IFADDR,
                                RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE};

/** The kinds that JavaScript is told. */
enum : uint32_t { kLinks = 1, kNeighbours = 2, kRoutes = 4 };

struct Notices {
  uint32_t kinds = 0;
  bool overrun = false;
};

uint32_t kindOf(uint16_t type) {
  switch (type) {
    case RTM_NEWLINK: case RTM_DELLINK: return kLinks;
    case RTM_NEWNEIGH: case RTM_DELNEIGH: return kNeighbours;
    default: return kRoutes;
  }
}

/** A non-blocking netlink socket that belongs to multicast groups. */
class Listener {
 public:
  explicit Listener(int bus) : bus_(bus), fd_(socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, bus)) {}
  ~Listener() {
    if (fd_ >= 0) ::close(fd_);
  }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  int fd() const { return fd_; }

  int join(const uint32_t* groups, size_t count) {
    sockaddr_nl address = {};
    address.nl_family = AF_NETLINK;
    if (fd_ < 0 || bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) < 0) return -errno;
    // FORCE goes past the system's limit where we may; else the limit is what we get.
    if (setsockopt(fd_, SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBytes, sizeof kReceiveBytes) < 0) {
      setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &kReceiveBytes, sizeof kReceiveBytes);
    }
    for (size_t i = 0; i < count; i++) {
      if (setsockopt(fd_, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i], sizeof groups[i]) < 0) return -errno;
    }
    return 0;
  }

  void drain(Notices& notices) const {
    alignas(nlmsghdr) char buffer[8192];  // what does not fit is cut off: only the types matter
    for (;;) {
      const ssize_t size = recv(fd_, buffer, sizeof buffer, 0);
      if (size < 0 && errno == ENOBUFS) {
        notices.overrun = true;
      } else if (size < 0 && errno != EINTR) {
        return;
      } else if (size > 0) {
        note(reinterpret_cast<nlmsghdr*>(buffer), size, notices);
      }
    }
  }

 private:
  void note(const nlmsghdr* message, int size, Notices& notices) const {
    do {
      notices.kinds |= bus_ == NETLINK_GENERIC ? kLinks : kindOf(message->nlmsg_type);
      message = mnl_nlmsg_next(message, &size);
    } while (mnl_nlmsg_ok(message, size));
  }

  const int bus_;
  const int fd_;
};

class Subscription;

/**
 * The part that libuv holds. It outlives its subscription until libuv has let go of both polls, and holds the
 * environment's end back meanwhile.
 */
class Watch {
 public:
  Watch(Napi::Env env, Napi::Function onChange) : env_(env), onChange_(Napi::Persistent(onChange)) {}

  /** 0 or a negative errno; after a failure the owner still has to call `end`. */
  int begin();
  /** Closes what was opened and, in time, deletes this. */
  void end();
  Subscription* owner = nullptr;

 private:
  int watch(uv_loop_t* loop, std::optional<uv_poll_t>& poll, const Listener& listener);
  void tell();
  void closed();

  const Napi::Env env_;
  Napi::FunctionReference onChange_;
  Listener route_{NETLINK_ROUTE};
  Listener netdev_{NETLINK_GENERIC};
  std::optional<uv_poll_t> routePoll_, netdevPoll_;
  napi_async_cleanup_hook_handle hook_ = nullptr;
  int open_ = 1;  // polls not yet closed, and ourselves
  bool ending_ = false;
};

class Subscription : public Handle {
 public:
  static constexpr napi_type_tag kTag = kSubscriptionTag;
  explicit Subscription(Watch* watch) : watch_(watch) { watch->owner = this; }
  ~Subscription() override { Subscription::release(); }
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;
  bool closed() const override { return watch_ == nullptr; }
  void release() override {
    if (watch_) std::exchange(watch_, nullptr)->end();
  }

 private:
  Watch* watch_;
};

int Watch::begin() {
  napi_add_async_cleanup_hook(
      env_,
      [](napi_async_cleanup_hook_handle, void* self) {
        auto* watch = static_cast<Watch*>(self);
        if (watch->owner) watch->owner->release();
      },
      this, &hook_);
  uv_loop_t* loop = nullptr;
  napi_get_uv_event_loop(env_, &loop);
  if (int rc = route_.join(kGroups, std::size(kGroups))) return rc;
  if (int rc = watch(loop, routePoll_, route_)) return rc;
  // XDP features change without a word from rtnetlink: a veth gains ndo-xmit when its peer turns GRO on.
  Family family;
  const int missing = findFamily(kNetdevFamily, kNetdevGroup, family);
  if (missing == -ENOENT || (missing == 0 && family.group == 0)) return 0;
  if (missing != 0) return missing;
  if (int rc = netdev_.join(&family.group, 1)) return rc;
  return watch(loop, netdevPoll_, netdev_);
}

int Watch::watch(uv_loop_t* loop, std::optional<uv_poll_t>& poll, const Listener& listener) {
  poll.emplace();
  if (int rc = uv_poll_init(loop, &*poll, listener.fd())) {
    poll.reset();
    return rc;
  }
  open_++;
  poll->data = this;
  uv_unref(reinterpret_cast<uv_handle_t*>(&*poll));
  return uv_poll_start(&*poll, UV_READABLE, [](uv_poll_t* handle, int, int) {
    static_cast<Watch*>(handle->data)->tell();
  });
}

/**
 * Calls back with nobody above us who could catch: what is thrown becomes an uncaught exception. It may be no object
 * or, when the thread is being stopped, nothing that JavaScript can see; Napi::Error would abort on either, hence the
 * plain calls.
 */
void call(Napi::Env env, Napi::Function onChange, const Notices& notices) {
  const napi_value arguments[] = {Napi::Number::New(env, notices.kinds), Napi::Boolean::New(env, notices.overrun)};
  const napi_status status = napi_make_callback(env, nullptr, env.Global(), onChange, 2, arguments, nullptr);
  if (status != napi_pending_exception) return;
  napi_value thrown = nullptr;
  napi_get_and_clear_last_exception(env, &thrown);
  napi_fatal_exception(env, thrown);
}

/** Drains both sockets, whichever woke us, so that one turn brings one call. */
void Watch::tell() {
  if (ending_) return;
  Notices notices;
  route_.drain(notices);
  netdev_.drain(notices);
  if (notices.kinds == 0 && !notices.overrun) return;
  Napi::HandleScope scope(env_);
  call(env_, onChange_.Value(), notices);  // and no word of ours after it: the callback may have closed us
}

void Watch::end() {
  ending_ = true;
  owner = nullptr;
  onChange_.Reset();
  for (auto* poll : {&routePoll_, &netdevPoll_}) {
    if (!*poll) continue;
    uv_close(reinterpret_cast<uv_handle_t*>(&**poll), [](uv_handle_t* handle) {
      static_cast<Watch*>(handle->data)->closed();
    });
  }
  closed();
}

void Watch::closed() {
  if (--open_ > 0) return;
  napi_remove_async_cleanup_hook(hook_);
  delete this;
}

Napi::Value netSubscribe(const Napi::CallbackInfo& info) {
  Args args(info);
  const Napi::Function onChange = args.function("onChange");
  if (!args.ok()) return args.raise();
  auto* watch = new Watch(info.Env(), onChange);
  if (int rc = watch->begin()) {
    watch->end();
    return number(info.Env(), rc);
  }
  return adopt(info.Env(), std::make_shared<Subscription>(watch));
}

}  // namespace

void exportSubscriptions(Napi::Object exports) { expose<netSubscribe>(exports, "netSubscribe"); }

}  // namespace shunt
