#include "bpf_fd.h"
#include "program.h"
#include "values.h"

namespace shunt {

namespace {

class Link : public FdHandle {
 public:
  static constexpr napi_type_tag kTag = kLinkTag;
  using FdHandle::FdHandle;
};

Napi::Value linkCreateXdp(const Napi::CallbackInfo& info) {
  Args args(info);
  auto* program = args.handle<Program>("program");
  const uint32_t ifindex = args.u32("ifindex");
  const uint32_t flags = args.u32("flags");
  if (!args.ok()) return args.raise();
  if (program->closed()) return number(info.Env(), -EBADF);
  LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = flags);
  const int fd = bpf_link_create(program->fd(), static_cast<int>(ifindex), BPF_XDP, &opts);
  if (fd < 0) return number(info.Env(), fd);
  return adopt(info.Env(), std::make_shared<Link>(fd));
}

Napi::Value programAttachRawTracepoint(const Napi::CallbackInfo& info) {
  Args args(info);
  auto* program = args.handle<Program>("program");
  const std::string name = args.text("name", 127);
  if (!args.ok()) return args.raise();
  if (program->closed()) return number(info.Env(), -EBADF);
  const int fd = bpf_raw_tracepoint_open(name.c_str(), program->fd());
  if (fd < 0) return number(info.Env(), fd);
  return adopt(info.Env(), std::make_shared<Link>(fd));
}

Napi::Value linkOpen(const Napi::CallbackInfo& info) {
  Args args(info);
  const std::string path = args.path("path");
  if (!args.ok()) return args.raise();
  const int fd = openPin(path.c_str(), "link", 0);
  if (fd < 0) return number(info.Env(), fd);
  return adopt(info.Env(), std::make_shared<Link>(fd));
}

Napi::Value linkPin(const Napi::CallbackInfo& info) {
  Args args(info);
  auto* link = args.handle<Link>("link");
  const std::string path = args.path("path");
  if (!args.ok()) return args.raise();
  return number(info.Env(), link->closed() ? -EBADF : bpf_obj_pin(link->fd(), path.c_str()));
}

Napi::Value linkUpdate(const Napi::CallbackInfo& info) {
  Args args(info);
  auto* link = args.handle<Link>("link");
  auto* program = args.handle<Program>("program");
  if (!args.ok()) return args.raise();
  if (link->closed() || program->closed()) return number(info.Env(), -EBADF);
  return number(info.Env(), bpf_link_update(link->fd(), program->fd(), nullptr));
}

Napi::Value linkDetach(const Napi::CallbackInfo& info) {
  Args args(info);
  auto* link = args.handle<Link>("link");
  if (!args.ok()) return args.raise();
  return number(info.Env(), link->closed() ? -EBADF : bpf_link_detach(link->fd()));
}

/** 0, or a negative errno. */
int readInfo(const Link& link, bpf_link_info& kernel) {
  uint32_t size = sizeof kernel;
  return link.closed() ? -EBADF : bpf_obj_get_info_by_fd(link.fd(), &kernel, &size);
}

Napi::Value linkInfo(const Napi::CallbackInfo& info) {
  Args args(info);
  auto* link = args.handle<Link>("link");
  if (!args.ok()) return args.raise();
  bpf_link_info kernel = {};
  if (int rc = readInfo(*link, kernel)) return number(info.Env(), rc);
  if (kernel.type != BPF_LINK_TYPE_XDP) return number(info.Env(), -EINVAL);
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("id", kernel.id);
  result.Set("programId", kernel.prog_id);
  result.Set("ifindex", kernel.xdp.ifindex);
  return result;
}

/** By its id, which takes CAP_SYS_ADMIN. */
Napi::Value linkProgram(const Napi::CallbackInfo& info) {
  Args args(info);
  auto* link = args.handle<Link>("link");
  if (!args.ok()) return args.raise();
  bpf_link_info kernel = {};
  if (int rc = readInfo(*link, kernel)) return number(info.Env(), rc);
  const int fd = bpf_prog_get_fd_by_id(kernel.prog_id);
  if (fd < 0) return number(info.Env(), fd);
  return adopt(info.Env(), std::make_shared<Program>(fd));
}

}  // namespace

void exportLinks(Napi::Object exports) {
  expose<linkCreateXdp>(exports, "linkCreateXdp");
  expose<programAttachRawTracepoint>(exports, "programAttachRawTracepoint");
  expose<linkOpen>(exports, "linkOpen");
  expose<linkPin>(exports, "linkPin");
  expose<linkUpdate>(exports, "linkUpdate");
  expose<linkDetach>(exports, "linkDetach");
  expose<linkInfo>(exports, "linkInfo");
  expose<linkProgram>(exports, "linkProgram");
}

}  // namespace shunt
