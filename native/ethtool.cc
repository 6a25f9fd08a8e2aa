#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/ethtool_netlink.h>
#include <linux/genetlink.h>
#include <sched.h>

#include <cerrno>
#include <string>
#include <thread>
#include <vector>

#include "handle.h"
#include "netlink.h"
#include "values.h"

namespace shunt {

namespace {

constexpr const char* kGroup = "monitor";

struct Offloads {
  std::string name;
  std::vector<std::string> active;
  std::vector<std::string> changeable;
};

/** The names of a bitset's bits that are set; one without values has those only that are. */
std::vector<std::string> namesIn(const nlattr* nest) {
  const Attributes<ETHTOOL_A_BITSET_MAX> set(nest);
  std::vector<std::string> names;
  forEachIn(set[ETHTOOL_A_BITSET_BITS], [&](const nlattr* nest) {
    const Attributes<ETHTOOL_A_BITSET_BIT_MAX> bit(nest);
    if (set[ETHTOOL_A_BITSET_NOMASK] || bit[ETHTOOL_A_BITSET_BIT_VALUE]) {
      names.push_back(bit.text(ETHTOOL_A_BITSET_BIT_NAME));
    }
  });
  return names;
}

void remove(std::vector<std::string>& from, const std::vector<std::string>& names) {
  for (const std::string& name : names) std::erase(from, name);
}

void putHeader(nlmsghdr* message, uint16_t type, uint32_t ifindex, uint32_t flags) {
  nlattr* header = mnl_attr_nest_start(message, type);
  mnl_attr_put_u32(message, ETHTOOL_A_HEADER_DEV_INDEX, ifindex);
  mnl_attr_put_u32(message, ETHTOOL_A_HEADER_FLAGS, flags);
  mnl_attr_nest_end(message, header);
}

int readOffloads(uint32_t ifindex, Offloads& found) {
  Family family;
  const int rc = findFamily(ETHTOOL_GENL_NAME, kGroup, family);
  if (rc != 0) return rc;
  NetlinkRequest request = genericRequest(family.id, 0, ETHTOOL_MSG_FEATURES_GET);
  putHeader(request.get(), ETHTOOL_A_FEATURES_HEADER, ifindex, 0);
  return transact(NETLINK_GENERIC, request, [&](const nlmsghdr* message) {
    const Attributes<ETHTOOL_A_FEATURES_MAX> features(message, GENL_HDRLEN);
    const Attributes<ETHTOOL_A_HEADER_MAX> header(features[ETHTOOL_A_FEATURES_HEADER]);
    found.name = header.text(ETHTOOL_A_HEADER_DEV_NAME);
    found.active = namesIn(features[ETHTOOL_A_FEATURES_ACTIVE]);
    found.changeable = namesIn(features[ETHTOOL_A_FEATURES_HW]);
    remove(found.changeable, namesIn(features[ETHTOOL_A_FEATURES_NOCHANGE]));
  });
}

/** Acts in another network namespace, which only a thread of its own enters: ours stays where it is. */
template <typename Act>
int inNamespace(const std::string& path, Act act) {
  const FdHandle file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.closed()) return -errno;
  int rc = 0;
  std::thread([&] { rc = setns(file.fd(), CLONE_NEWNET) < 0 ? -errno : act(); }).join();
  return rc;
}

Napi::Array textArray(Napi::Env env, const std::vector<std::string>& texts) {
  Napi::Array array = Napi::Array::New(env, texts.size());
  for (size_t at = 0; at < texts.size(); ++at) array.Set(at, texts[at]);
  return array;
}

Napi::Value netOffloads(const Napi::CallbackInfo& info) {
  Args args(info);
  const uint32_t ifindex = args.u32("ifindex");
  const std::string netns = args.pathOrNull("netns");
  if (!args.ok()) return args.raise();
  Offloads found;
  const auto read = [&] { return readOffloads(ifindex, found); };
  const int rc = netns.empty() ? read() : inNamespace(netns, read);
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("rc", rc);
  result.Set("name", found.name);
  result.Set("active", textArray(info.Env(), found.active));
  result.Set("changeable", textArray(info.Env(), found.changeable));
  return result;
}

Napi::Value netSetOffload(const Napi::CallbackInfo& info) {
  Args args(info);
  const uint32_t ifindex = args.u32("ifindex");
  const std::string name = args.text("offload", ETH_GSTRING_LEN - 1);
  const bool on = args.boolean("on");
  if (!args.ok()) return args.raise();
  Family family;
  int rc = findFamily(ETHTOOL_GENL_NAME, kGroup, family);
  if (rc != 0) return number(info.Env(), rc);
  NetlinkRequest request = genericRequest(family.id, NLM_F_ACK, ETHTOOL_MSG_FEATURES_SET);
  nlmsghdr* message = request.get();
  putHeader(message, ETHTOOL_A_FEATURES_HEADER, ifindex, ETHTOOL_FLAG_OMIT_REPLY);
  nlattr* wanted = mnl_attr_nest_start(message, ETHTOOL_A_FEATURES_WANTED);
  nlattr* bits = mnl_attr_nest_start(message, ETHTOOL_A_BITSET_BITS);
  nlattr* bit = mnl_attr_nest_start(message, ETHTOOL_A_BITSET_BITS_BIT);
  mnl_attr_put_strz(message, ETHTOOL_A_BITSET_BIT_NAME, name.c_str());
  if (on) mnl_attr_put(message, ETHTOOL_A_BITSET_BIT_VALUE, 0, nullptr);
  mnl_attr_nest_end(message, bit);
  mnl_attr_nest_end(message, bits);
  mnl_attr_nest_end(message, wanted);
  rc = transact(NETLINK_GENERIC, request, [](const nlmsghdr*) {});
  return number(info.Env(), rc);
}

}  // namespace

void exportEthtool(Napi::Object exports) {
  expose<netOffloads>(exports, "netOffloads");
  expose<netSetOffload>(exports, "netSetOffload");
}

}  // namespace shunt
