#include <linux/genetlink.h>

#include "netlink.h"
#include "values.h"

namespace shunt {

namespace {

/** From <linux/netdev.h> of Linux 6.3, which Debian 12 does not have. */
enum {
  NETDEV_CMD_DEV_GET = 1,
  NETDEV_A_DEV_IFINDEX = 1,
  NETDEV_A_DEV_XDP_FEATURES = 3,
  NETDEV_A_DEV_KNOWN = NETDEV_A_DEV_XDP_FEATURES,
};

uint32_t groupOf(const nlattr* groups, const char* name) {
  uint32_t id = 0;
  forEachIn(groups, [&](const nlattr* nest) {
    const Attributes<CTRL_ATTR_MCAST_GRP_MAX> group(nest);
    if (group.text(CTRL_ATTR_MCAST_GRP_NAME) == name) id = group.integer(CTRL_ATTR_MCAST_GRP_ID);
  });
  return id;
}

Napi::Value netFeatures(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Napi::Array items = Napi::Array::New(env);
  Family family;
  int rc = findFamily(kNetdevFamily, kNetdevGroup, family);
  if (rc == 0) {
    NetlinkRequest request = genericRequest(family.id, NLM_F_DUMP, NETDEV_CMD_DEV_GET);
    rc = transact(NETLINK_GENERIC, request, [&](const nlmsghdr* message) {
      const Attributes<NETDEV_A_DEV_KNOWN> device(message, GENL_HDRLEN);
      Napi::Object item = Napi::Object::New(env);
      item.Set("ifindex", number(env, device.integer(NETDEV_A_DEV_IFINDEX)));
      item.Set("xdp", Napi::BigInt::New(env, uint64_t{device.integer(NETDEV_A_DEV_XDP_FEATURES)}));
      items.Set(items.Length(), item);
    });
  }
  Napi::Object result = Napi::Object::New(env);
  result.Set("rc", rc);
  result.Set("items", items);
  return result;
}

}  // namespace

NetlinkRequest genericRequest(uint16_t family, uint16_t flags, uint8_t command) {
  NetlinkRequest request(family, flags);
  auto& header = request.header<genlmsghdr>();
  header.cmd = command;
  header.version = 1;
  return request;
}

int findFamily(const char* name, const char* group, Family& family) {
  NetlinkRequest request = genericRequest(GENL_ID_CTRL, 0, CTRL_CMD_GETFAMILY);
  mnl_attr_put_strz(request.get(), CTRL_ATTR_FAMILY_NAME, name);
  return transact(NETLINK_GENERIC, request, [&](const nlmsghdr* message) {
    const Attributes<CTRL_ATTR_MAX> found(message, GENL_HDRLEN);
    family.id = found.integer(CTRL_ATTR_FAMILY_ID);
    family.group = groupOf(found[CTRL_ATTR_MCAST_GROUPS], group);
  });
}

void exportGenetlink(Napi::Object exports) { expose<netFeatures>(exports, "netFeatures"); }

}  // namespace shunt
