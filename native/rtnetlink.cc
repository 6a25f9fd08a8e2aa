#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

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

/** RTA_VIA carries the family first: a gateway of the other family. */
Napi::Value gateway(Napi::Env env, const Attributes<RTA_MAX>& route) {
  if (route[RTA_GATEWAY]) return copyBytes(env, route.data(RTA_GATEWAY), route.size(RTA_GATEWAY));
  constexpr size_t kFamily = sizeof(rtvia::rtvia_family);
  if (route.size(RTA_VIA) <= kFamily) return copyBytes(env, nullptr, 0);
  return copyBytes(env, route.data(RTA_VIA) + kFamily, route.size(RTA_VIA) - kFamily);
}

Napi::Object describeRoute(Napi::Env env, int type, const Attributes<RTA_MAX>& route) {
  const Attributes<RTAX_MAX> metrics(route[RTA_METRICS]);
  Napi::Object result = Napi::Object::New(env);
  result.Set("rc", 0);
  result.Set("type", type);
  result.Set("ifindex", number(env, route.integer(RTA_OIF)));
  result.Set("gateway", gateway(env, route));
  result.Set("source", copyBytes(env, route.data(RTA_PREFSRC), route.size(RTA_PREFSRC)));
  result.Set("mtu", number(env, metrics.integer(RTAX_MTU)));
  return result;
}

Napi::Value netRouteGet(const Napi::CallbackInfo& info) {
  Args args(info);
  const Bytes destination = args.bytes("destination");
  const uint32_t ifindex = args.u32("ifindex");
  args.expect(destination.size == 4 || destination.size == 16, "destination", "4 or 16 bytes");
  if (!args.ok()) return args.raise();
  NetlinkRequest request(RTM_GETROUTE, 0);
  rtmsg& header = request.header<rtmsg>();
  header.rtm_family = destination.size == 4 ? AF_INET : AF_INET6;
  header.rtm_dst_len = destination.size * 8;
  mnl_attr_put(request.get(), RTA_DST, destination.size, destination.data);
  if (ifindex != 0) mnl_attr_put_u32(request.get(), RTA_OIF, ifindex);
  Napi::Object result = describeRoute(info.Env(), RTN_UNSPEC, Attributes<RTA_MAX>(static_cast<const nlattr*>(nullptr)));
  const int rc = transact(NETLINK_ROUTE, request, [&](const nlmsghdr* message) {
    const auto* route = static_cast<const rtmsg*>(mnl_nlmsg_get_payload(message));
    result = describeRoute(info.Env(), route->rtm_type, Attributes<RTA_MAX>(message, sizeof *route));
  });
  result.Set("rc", rc);
  return result;
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

}  // namespace

void exportRtnetlink(Napi::Object exports) {
  expose<netLinks>(exports, "netLinks");
  expose<netRouteGet>(exports, "netRouteGet");
  expose<netNeighbours>(exports, "netNeighbours");
}

}  // namespace shunt
