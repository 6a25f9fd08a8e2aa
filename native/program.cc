#include "program.h"

#include <algorithm>
#include <vector>

#include "bpf_fd.h"
#include "values.h"

namespace shunt {

namespace {

constexpr uint32_t kOutLimit = 1 << 20;  // far above any frame or context the kernel hands back

Napi::Value programOpen(const Napi::CallbackInfo& info) {
  Args args(info);
  const std::string path = args.path("path");
  if (!args.ok()) return args.raise();
  const int fd = openPin(path.c_str(), "prog", 0);
  if (fd < 0) return number(info.Env(), fd);
  return adopt(info.Env(), std::make_shared<Program>(fd));
}

Napi::Value programPin(const Napi::CallbackInfo& info) {
  Args args(info);
  auto* program = args.handle<Program>("program");
  const std::string path = args.path("path");
  if (!args.ok()) return args.raise();
  return number(info.Env(), program->closed() ? -EBADF : bpf_obj_pin(program->fd(), path.c_str()));
}

Napi::Value programInfo(const Napi::CallbackInfo& info) {
  Args args(info);
  auto* program = args.handle<Program>("program");
  if (!args.ok()) return args.raise();
  if (program->closed()) return number(info.Env(), -EBADF);
  bpf_prog_info kernel = {};
  uint32_t size = sizeof kernel;
  if (int rc = bpf_obj_get_info_by_fd(program->fd(), &kernel, &size)) return number(info.Env(), rc);
  char tag[2 * BPF_TAG_SIZE + 1];
  for (size_t i = 0; i < BPF_TAG_SIZE; i++) std::snprintf(tag + 2 * i, 3, "%02x", kernel.tag[i]);
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("id", kernel.id);
  result.Set("type", kernel.type);
  result.Set("tag", Napi::String::New(info.Env(), tag));
  result.Set("name", Napi::String::New(info.Env(), kernel.name));
  return result;
}

struct Run {
  Bytes dataIn, ctxIn;
  uint32_t repeat = 0, dataOutSize = 0, ctxOutSize = 0;
};

/** All properties are fetched before the first buffer is looked at: a getter may detach one. */
Run readRun(Args& args, Napi::Object run) {
  const Napi::Value dataIn = run.Get("dataIn"), ctxIn = run.Get("ctxIn"), repeat = run.Get("repeat");
  const Napi::Value dataOutSize = run.Get("dataOutSize"), ctxOutSize = run.Get("ctxOutSize");
  if (run.Env().IsExceptionPending()) return {};
  Run result;
  result.dataIn = args.bytesOrNull(dataIn, "dataIn");
  result.ctxIn = args.bytesOrNull(ctxIn, "ctxIn");
  result.repeat = args.u32(repeat, "repeat");
  result.dataOutSize = args.u32(dataOutSize, "dataOutSize");
  result.ctxOutSize = args.u32(ctxOutSize, "ctxOutSize");
  args.expect(result.dataOutSize <= kOutLimit && result.ctxOutSize <= kOutLimit, "run", "output of at most 1 MiB");
  return result;
}

/** What the kernel says it had to give may exceed the room it was given (-ENOSPC). */
Napi::Value outBytes(Napi::Env env, const std::vector<uint8_t>& room, uint32_t size) {
  return copyBytes(env, room.data(), std::min<size_t>(room.size(), size));
}

Napi::Value programTestRun(const Napi::CallbackInfo& info) {
  Args args(info);
  auto* program = args.handle<Program>("program");
  const Napi::Object asked = args.object("run");
  if (!args.ok()) return args.raise();
  const Run run = readRun(args, asked);
  if (info.Env().IsExceptionPending()) return info.Env().Undefined();
  if (!args.ok()) return args.raise();
  std::vector<uint8_t> dataOut(run.dataOutSize), ctxOut(run.ctxOutSize);
  LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = run.dataIn.data, .data_out = dataOut.data(),
              .data_size_in = static_cast<uint32_t>(run.dataIn.size), .data_size_out = run.dataOutSize,
              .ctx_in = run.ctxIn.data, .ctx_out = ctxOut.data(), .ctx_size_in = static_cast<uint32_t>(run.ctxIn.size),
              .ctx_size_out = run.ctxOutSize, .repeat = static_cast<int>(run.repeat));
  const int rc = program->closed() ? -EBADF : bpf_prog_test_run_opts(program->fd(), &opts);
  const bool filled = rc == 0 || rc == -ENOSPC;
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("rc", rc);
  result.Set("retval", opts.retval);
  result.Set("durationNs", opts.duration);
  result.Set("dataOut", outBytes(info.Env(), dataOut, filled ? opts.data_size_out : 0));
  result.Set("ctxOut", outBytes(info.Env(), ctxOut, filled ? opts.ctx_size_out : 0));
  return result;
}

}  // namespace

void exportPrograms(Napi::Object exports) {
  expose<programOpen>(exports, "programOpen");
  expose<programPin>(exports, "programPin");
  expose<programInfo>(exports, "programInfo");
  expose<programTestRun>(exports, "programTestRun");
}

}  // namespace shunt
