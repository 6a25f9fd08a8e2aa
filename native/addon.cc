#include "handle.h"
#include "values.h"

namespace shunt {

namespace {

Napi::Value close(const Napi::CallbackInfo& info) {
  Args args(info);
  Handle* handle = args.anyHandle("handle");
  if (!args.ok()) return args.raise();
  info.Env().GetInstanceData<Instance>()->close(*handle);
  return info.Env().Undefined();
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new Instance(env));
  expose<close>(exports, "close");
  exportObjects(exports);
  exportMaps(exports);
  exportMapDump(exports);
  exportMemory(exports);
  exportTables(exports);
  exportPrograms(exports);
  exportLinks(exports);
  exportRtnetlink(exports);
  exportRoutes(exports);
  exportGenetlink(exports);
  exportEthtool(exports);
  exportSubscriptions(exports);
  exportSystem(exports);
  return exports;
}

}  // namespace

}  // namespace shunt

static Napi::Object initShunt(Napi::Env env, Napi::Object exports) { return shunt::init(env, exports); }
NODE_API_MODULE(shunt, initShunt)
