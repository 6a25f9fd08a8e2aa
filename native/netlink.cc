#include "netlink.h"

#include <sys/socket.h>

#include <cerrno>
#include <memory>
#include <vector>

namespace shunt {

namespace {

constexpr size_t kReceiveBytes = 64 * 1024;  // the kernel fills a dump's datagrams to 32 KiB at most

struct Close {
  void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
};

int deliver(const nlmsghdr* message, void* each) {
  (*static_cast<const std::function<void(const nlmsghdr*)>*>(each))(message);
  return MNL_CB_OK;
}

}  // namespace

int transact(int bus, NetlinkRequest& request, const std::function<void(const nlmsghdr*)>& each) {
  const std::unique_ptr<mnl_socket, Close> socket(mnl_socket_open2(bus, SOCK_CLOEXEC));
  if (!socket || mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) < 0) return -errno;
  if (mnl_socket_sendto(socket.get(), request.get(), request.get()->nlmsg_len) < 0) return -errno;
  const uint32_t port = mnl_socket_get_portid(socket.get());
  const bool dump = request.get()->nlmsg_flags & NLM_F_DUMP;
  std::vector<char> buffer(kReceiveBytes);
  for (;;) {
    const ssize_t size = mnl_socket_recvfrom(socket.get(), buffer.data(), buffer.size());
    if (size < 0) return -errno;
    auto* context = const_cast<std::function<void(const nlmsghdr*)>*>(&each);
    const int more = mnl_cb_run(buffer.data(), size, request.get()->nlmsg_seq, port, deliver, context);
    if (more < 0) return -errno;
    if (more == MNL_CB_STOP || !dump) return 0;
  }
}

}  // namespace shunt
