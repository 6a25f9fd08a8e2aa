#pragma once

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string_view>

namespace shunt {

/** A new descriptor of the same kernel object, or a negative errno. */
inline int duplicate(int fd) {
  const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  return copy < 0 ? -errno : copy;
}

/**
 * Opens a pin of one kind; another kind answers -EINVAL, for its info would be read as what it is not.
 * `kind` is map, prog or link; the kernel names the descriptor bpf-map, bpf-prog, and bpf_link or bpf-link.
 */
inline int openPin(const char* path, std::string_view kind, uint32_t fileFlags) {
  LIBBPF_OPTS(bpf_obj_get_opts, opts, .file_flags = fileFlags);
  const int fd = bpf_obj_get_opts(path, &opts);
  if (fd < 0) return fd;
  char self[32], target[64];
  std::snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
  const ssize_t length = readlink(self, target, sizeof target);
  const int error = length < 0 ? -errno : -EINVAL;
  if (length > 0 && std::string_view(target, length).ends_with(kind)) return fd;
  close(fd);
  return error;
}

}  // namespace shunt
