#include <fcntl.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>

#include <cerrno>

#include "handle.h"
#include "netlink.h"
#include "values.h"

namespace shunt {

namespace {

Napi::Value listResult(Napi::Env env, int rc, Napi::Array items) {
  Napi::Object result = Napi::Object::New(env);
  result.Set("rc", rc);
  result.Set("items", items);
  return result;
}

Napi::Object describeLink(Napi::Env env, const nlmsghdr* message) {
  const auto* header = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(message));
  const Attributes<IFLA_MAX> link(message, sizeof *header);
  const Attributes<IFLA_INFO_MAX> info(link[IFLA_LINKINFO]);
  const Attributes<IFLA_XDP_MAX> xdp(link[IFLA_XDP]);
  const bool ethernet = header->ifi_type == ARPHRD_ETHER && link.size(IFLA_ADDRESS) == 6;
  Napi::Object result = Napi::Object::New(env);
  result.Set("ifindex", header->ifi_index);
  result.Set("name", link.text(IFLA_IFNAME));
  result.Set("flags", header->ifi_flags);
  result.Set("operState", number(env, link.integer(IFLA_OPERSTATE)));
  result.Set("carrier", link.integer(IFLA_CARRIER) != 0);
  result.Set("carrierDowns", number(env, link.integer(IFLA_CARRIER_DOWN_COUNT)));
  result.Set("mtu", number(env, link.integer(IFLA_MTU)));
  result.Set("mac", copyBytes(env, link.data(IFLA_ADDRESS), ethernet ? 6 : 0));
  result.Set("type", number(env, header->ifi_type));
  if (info[IFLA_INFO_KIND]) {
    result.Set("kind", info.text(IFLA_INFO_KIND));
  } else {
    result.Set("kind", env.Null());
  }
  result.Set("master", number(env, link.integer(IFLA_MASTER)));
  result.Set("link", number(env, link.integer(IFLA_LINK)));
  if (link[IFLA_LINK_NETNSID]) {
    result.Set("linkNamespace", number(env, static_cast<int32_t>(link.integer(IFLA_LINK_NETNSID))));
  } else {
    result.Set("linkNamespace", env.Null());
  }
  result.Set("xdpMode", number(env, xdp.integer(IFLA_XDP_ATTACHED)));
  result.Set("xdpProgramId", number(env, xdp.integer(IFLA_XDP_PROG_ID)));
  return result;
}

Napi::Value netLinks(const Napi::CallbackInfo& info) {
  NetlinkRequest request(RTM_GETLINK, NLM_F_DUMP);
  request.header<ifinfomsg>().ifi_family = AF_UNSPEC;
  mnl_attr_put_u32(request.get(), IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
  Napi::Array items = Napi::Array::New(info.Env());
  const int rc = transact(NETLINK_ROUTE, request, [&](const nlmsghdr* message) {
    items.Set(items.Length(), describeLink(info.Env(), message));
  });
  return listResult(info.Env(), rc, items);
}

Napi::Object describeNeighbour(Napi::Env env, const nlmsghdr* message) {
  const auto* header = static_cast<const ndmsg*>(mnl_nlmsg_get_payload(message));
  const Attributes<NDA_MAX> neighbour(message, sizeof *header);
  Napi::Object result = Napi::Object::New(env);
  result.Set("ifindex", header->ndm_ifindex);
  result.Set("address", copyBytes(env, neighbour.data(NDA_DST), neighbour.size(NDA_DST)));
  result.Set("mac", copyBytes(env, neighbour.data(NDA_LLADDR), neighbour.size(NDA_LLADDR)));
  result.Set("state", number(env, header->ndm_state));
  return result;
}

Napi::Value netNeighbours(const Napi::CallbackInfo& info) {
  Napi::Array items = Napi::Array::New(info.Env());
  int rc = 0;
  for (const uint8_t family : {AF_INET, AF_INET6}) {
    NetlinkRequest request(RTM_GETNEIGH, NLM_F_DUMP);
    request.header<ndmsg>().ndm_family = family;
    rc = transact(NETLINK_ROUTE, request, [&](const nlmsghdr* message) {
      items.Set(items.Length(), describeNeighbour(info.Env(), message));
    });
    if (rc != 0) break;
  }
  return listResult(info.Env(), rc, items);
}

/** The id is signed: -1 is none. */
Napi::Value netNamespaceId(const Napi::CallbackInfo& info) {
  Args args(info);
  const std::string path = args.path("path");
  if (!args.ok()) return args.raise();
  int32_t id = NETNSA_NSID_NOT_ASSIGNED;
  const FdHandle file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  int rc = file.closed() ? -errno : 0;
  if (rc == 0) {
    NetlinkRequest request(RTM_GETNSID, 0);
    request.header<rtgenmsg>().rtgen_family = AF_UNSPEC;
    mnl_attr_put_u32(request.get(), NETNSA_FD, file.fd());
    rc = transact(NETLINK_ROUTE, request, [&](const nlmsghdr* message) {
      const Attributes<NETNSA_MAX> answer(message, NLMSG_ALIGN(sizeof(rtgenmsg)));
      id = static_cast<int32_t>(answer.integer(NETNSA_NSID));
    });
  }
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("rc", rc);
  result.Set("id", id);
  return result;
}

}  // namespace

void exportRtnetlink(Napi::Object exports) {
  expose<netLinks>(exports, "netLinks");
  expose<netNeighbours>(exports, "netNeighbours");
  expose<netNamespaceId>(exports, "netNamespaceId");
}

}  // namespace shunt
