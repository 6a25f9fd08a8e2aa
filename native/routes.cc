#include <linux/nexthop.h>
#include <linux/rtnetlink.h>

#include "netlink.h"
#include "values.h"

namespace shunt {

namespace {

Napi::Object describeHop(Napi::Env env, uint64_t ifindex, uint32_t flags, Napi::Value gateway) {
  Napi::Object hop = Napi::Object::New(env);
  hop.Set("ifindex", number(env, ifindex));
  hop.Set("gateway", gateway);
  hop.Set("flags", number(env, flags));
  return hop;
}

/** RTA_VIA carries the family first: a gateway of the other family. */
Napi::Value gateway(Napi::Env env, const Attributes<RTA_MAX>& hop) {
  if (hop[RTA_GATEWAY]) return copyBytes(env, hop.data(RTA_GATEWAY), hop.size(RTA_GATEWAY));
  constexpr size_t kFamily = sizeof(rtvia::rtvia_family);
  if (hop.size(RTA_VIA) <= kFamily) return copyBytes(env, nullptr, 0);
  return copyBytes(env, hop.data(RTA_VIA) + kFamily, hop.size(RTA_VIA) - kFamily);
}

/** RTA_MULTIPATH is a row of rtnexthop, each with attributes of its own behind it. */
void describeMultipath(Napi::Env env, const Attributes<RTA_MAX>& route, Napi::Array hops) {
  const auto* hop = reinterpret_cast<const rtnexthop*>(route.data(RTA_MULTIPATH));
  int left = route.size(RTA_MULTIPATH);
  while (left >= static_cast<int>(sizeof *hop) && RTNH_OK(hop, left)) {
    const Attributes<RTA_MAX> rest(RTNH_DATA(hop), hop->rtnh_len - static_cast<int>(sizeof *hop));
    hops.Set(hops.Length(), describeHop(env, hop->rtnh_ifindex, hop->rtnh_flags, gateway(env, rest)));
    left -= RTNH_ALIGN(hop->rtnh_len);
    hop = RTNH_NEXT(hop);
  }
}

void describeRoute(const nlmsghdr* message, Napi::Env env, Napi::Object result) {
  const auto* header = static_cast<const rtmsg*>(mnl_nlmsg_get_payload(message));
  const Attributes<RTA_MAX> route(message, sizeof *header);
  const Attributes<RTAX_MAX> metrics(route[RTA_METRICS]);
  Napi::Array hops = Napi::Array::New(env);
  describeMultipath(env, route, hops);
  if (route[RTA_OIF])
    hops.Set(hops.Length(), describeHop(env, route.integer(RTA_OIF), header->rtm_flags, gateway(env, route)));
  result.Set("type", number(env, header->rtm_type));
  result.Set("hops", hops);
  result.Set("nexthop", number(env, route.integer(RTA_NH_ID)));
  result.Set("mtu", number(env, metrics.integer(RTAX_MTU)));
}

/** With RTM_F_FIB_MATCH the kernel answers the entry of its table, and not what its caches make of that. */
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
  header.rtm_flags = RTM_F_FIB_MATCH;
  mnl_attr_put(request.get(), RTA_DST, destination.size, destination.data);
  if (ifindex != 0) mnl_attr_put_u32(request.get(), RTA_OIF, ifindex);
  Napi::Object result = Napi::Object::New(info.Env());
  for (const char* field : {"type", "nexthop", "mtu"}) result.Set(field, number(info.Env(), 0));
  result.Set("hops", Napi::Array::New(info.Env()));
  const int rc = transact(NETLINK_ROUTE, request,
                          [&](const nlmsghdr* message) { describeRoute(message, info.Env(), result); });
  result.Set("rc", rc);
  return result;
}

/** NHA_GROUP is an array of nexthop_grp. */
Napi::Array describeMembers(Napi::Env env, const Attributes<NHA_MAX>& nexthop) {
  Napi::Array members = Napi::Array::New(env);
  const size_t count = nexthop.size(NHA_GROUP) / sizeof(nexthop_grp);
  for (size_t i = 0; i < count; i++) {
    nexthop_grp member;
    std::memcpy(&member, nexthop.data(NHA_GROUP) + i * sizeof member, sizeof member);
    members.Set(i, number(env, member.id));
  }
  return members;
}

Napi::Value netNexthopGet(const Napi::CallbackInfo& info) {
  Args args(info);
  const uint32_t id = args.u32("id");
  if (!args.ok()) return args.raise();
  NetlinkRequest request(RTM_GETNEXTHOP, 0);
  request.header<nhmsg>().nh_family = AF_UNSPEC;
  mnl_attr_put_u32(request.get(), NHA_ID, id);
  Napi::Env env = info.Env();
  Napi::Object result = Napi::Object::New(env);
  result.Set("hop", env.Null());
  result.Set("members", Napi::Array::New(env));
  const int rc = transact(NETLINK_ROUTE, request, [&](const nlmsghdr* message) {
    const auto* header = static_cast<const nhmsg*>(mnl_nlmsg_get_payload(message));
    const Attributes<NHA_MAX> nexthop(message, sizeof *header);
    const Napi::Value gateway = copyBytes(env, nexthop.data(NHA_GATEWAY), nexthop.size(NHA_GATEWAY));
    if (nexthop[NHA_OIF]) result.Set("hop", describeHop(env, nexthop.integer(NHA_OIF), header->nh_flags, gateway));
    result.Set("members", describeMembers(env, nexthop));
  });
  result.Set("rc", rc);
  return result;
}

}  // namespace

void exportRoutes(Napi::Object exports) {
  expose<netRouteGet>(exports, "netRouteGet");
  expose<netNexthopGet>(exports, "netNexthopGet");
}

}  // namespace shunt
