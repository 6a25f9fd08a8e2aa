#include <bpf/libbpf.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <malloc.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include <cerrno>

#include "values.h"

namespace shunt {

namespace {

#ifndef SO_BINDTOIFINDEX
constexpr int SO_BINDTOIFINDEX = 62;  // since Linux 5.1
#endif
constexpr uint16_t kDiscardPort = 9;

class Lock : public FdHandle {
 public:
  static constexpr napi_type_tag kTag = kLockTag;
  using FdHandle::FdHandle;
};

int resultOf(long returned) { return returned < 0 ? -errno : 0; }

int bindToNetdev(int fd, uint32_t ifindex) {
  const int index = static_cast<int>(ifindex);
  const int rc = resultOf(setsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &index, sizeof index));
  if (rc != -ENOPROTOOPT) return rc;
  char name[IF_NAMESIZE];
  if (if_indextoname(ifindex, name) == nullptr) return -errno;
  return resultOf(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, strlen(name)));
}

int sendEmpty(int fd, Bytes address, uint32_t ifindex) {
  if (address.size == 4) {
    sockaddr_in to = {};
    to.sin_family = AF_INET;
    to.sin_port = htons(kDiscardPort);
    std::memcpy(&to.sin_addr, address.data, sizeof to.sin_addr);
    return resultOf(sendto(fd, nullptr, 0, MSG_DONTWAIT, reinterpret_cast<sockaddr*>(&to), sizeof to));
  }
  sockaddr_in6 to = {};
  to.sin6_family = AF_INET6;
  to.sin6_port = htons(kDiscardPort);
  to.sin6_scope_id = ifindex;
  std::memcpy(&to.sin6_addr, address.data, sizeof to.sin6_addr);
  return resultOf(sendto(fd, nullptr, 0, MSG_DONTWAIT, reinterpret_cast<sockaddr*>(&to), sizeof to));
}

Napi::Value netProbe(const Napi::CallbackInfo& info) {
  Args args(info);
  const uint32_t ifindex = args.u32("ifindex");
  const Bytes address = args.bytes("address");
  args.expect(address.size == 4 || address.size == 16, "address", "4 or 16 bytes");
  if (!args.ok()) return args.raise();
  FdHandle udp(socket(address.size == 4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (udp.closed()) return number(info.Env(), -errno);
  int rc = bindToNetdev(udp.fd(), ifindex);
  if (rc == 0) rc = sendEmpty(udp.fd(), address, ifindex);
  return number(info.Env(), rc);
}

Napi::Value lockPath(const Napi::CallbackInfo& info, int flags) {
  Args args(info);
  const std::string path = args.path("path");
  if (!args.ok()) return args.raise();
  const int fd = open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return number(info.Env(), -errno);
  auto lock = std::make_shared<Lock>(fd);
  if (flock(fd, LOCK_EX | LOCK_NB) < 0) return number(info.Env(), -errno);
  return adopt(info.Env(), lock);
}

Napi::Value lockFile(const Napi::CallbackInfo& info) { return lockPath(info, O_CREAT | O_RDWR); }

Napi::Value lockFolder(const Napi::CallbackInfo& info) { return lockPath(info, O_RDONLY | O_DIRECTORY); }

Napi::Value membarrierGlobal(const Napi::CallbackInfo& info) {
  return number(info.Env(), resultOf(syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0)));
}

Napi::Value mountBpf(const Napi::CallbackInfo& info) {
  Args args(info);
  const std::string path = args.path("path");
  if (!args.ok()) return args.raise();
  const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  return number(info.Env(), resultOf(mount("shunt", path.c_str(), "bpf", flags, "mode=0711")));
}

Napi::Value mallocTrim(const Napi::CallbackInfo& info) { return number(info.Env(), malloc_trim(0)); }

Napi::Value possibleCpus(const Napi::CallbackInfo& info) { return number(info.Env(), libbpf_num_possible_cpus()); }

}  // namespace

void exportSystem(Napi::Object exports) {
  expose<netProbe>(exports, "netProbe");
  expose<lockFile>(exports, "lockFile");
  expose<lockFolder>(exports, "lockFolder");
  expose<membarrierGlobal>(exports, "membarrierGlobal");
  expose<mountBpf>(exports, "mountBpf");
  expose<mallocTrim>(exports, "mallocTrim");
  expose<possibleCpus>(exports, "possibleCpus");
}

}  // namespace shunt
