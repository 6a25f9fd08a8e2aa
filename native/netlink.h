#pragma once

#include <libmnl/libmnl.h>
#include <linux/netlink.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>

namespace shunt {

/** A request under construction, with a buffer that suits any of ours. */
class NetlinkRequest {
 public:
  NetlinkRequest(uint16_t type, uint16_t flags) {
    nlmsghdr* message = mnl_nlmsg_put_header(buffer_);
    message->nlmsg_type = type;
    message->nlmsg_flags = NLM_F_REQUEST | flags;
    message->nlmsg_seq = 1;
  }
  nlmsghdr* get() { return reinterpret_cast<nlmsghdr*>(buffer_); }
  template <typename T>
  T& header() {
    return *static_cast<T*>(mnl_nlmsg_put_extra_header(get(), sizeof(T)));
  }

 private:
  alignas(nlmsghdr) char buffer_[512];
};

/**
 * Sends the request over a socket of its own and hands every answer to `each`, until the last; 0 or a negative errno.
 * -EINTR: the kernel's state changed under a dump, so what was heard is not one moment's.
 */
int transact(int bus, NetlinkRequest& request, const std::function<void(const nlmsghdr*)>& each);

/** The attributes of a message or of a nest, by type, up to Max; an absent one reads as zero or nothing. */
template <size_t Max>
class Attributes {
 public:
  Attributes(const nlmsghdr* message, size_t headerSize) { mnl_attr_parse(message, headerSize, keep, this); }
  explicit Attributes(const nlattr* nest) {
    if (nest) mnl_attr_parse_nested(nest, keep, this);
  }
  /** Of attributes that stand alone, as behind each hop of RTA_MULTIPATH. */
  Attributes(const void* payload, int size) { mnl_attr_parse_payload(payload, size, keep, this); }
  const nlattr* operator[](size_t type) const { return type <= Max ? table_[type] : nullptr; }
  size_t size(size_t type) const {
    const nlattr* attribute = (*this)[type];
    return attribute ? mnl_attr_get_payload_len(attribute) : 0;
  }
  const uint8_t* data(size_t type) const {
    const nlattr* attribute = (*this)[type];
    return attribute ? static_cast<const uint8_t*>(mnl_attr_get_payload(attribute)) : nullptr;
  }
  /** An integer of whatever width the kernel chose for it. */
  uint64_t integer(size_t type) const {
    switch (size(type)) {
      case 1: return *data(type);
      case 2: return read<uint16_t>(type);
      case 4: return read<uint32_t>(type);
      case 8: return read<uint64_t>(type);
      default: return 0;
    }
  }
  std::string text(size_t type) const {
    const auto* start = reinterpret_cast<const char*>(data(type));
    return start ? std::string(start, strnlen(start, size(type))) : std::string();
  }

 private:
  template <typename T>
  T read(size_t type) const {
    T value;
    std::memcpy(&value, data(type), sizeof value);
    return value;
  }
  static int keep(const nlattr* attribute, void* self) {
    const size_t type = mnl_attr_get_type(attribute);
    if (type <= Max) static_cast<Attributes*>(self)->table_[type] = attribute;
    return MNL_CB_OK;
  }

  std::array<const nlattr*, Max + 1> table_ = {};
};

/** Hands every attribute in a nest to `each`; an absent nest has none. */
template <typename Each>
void forEachIn(const nlattr* nest, Each each) {
  const auto visit = [](const nlattr* attribute, void* visitor) {
    (*static_cast<Each*>(visitor))(attribute);
    return MNL_CB_OK;
  };
  if (nest) mnl_attr_parse_nested(nest, visit, &each);
}

/** A request to a generic netlink family, its attributes still to come. */
NetlinkRequest genericRequest(uint16_t family, uint16_t flags, uint8_t command);

/** The generic netlink family of a name and one of its multicast groups; the group is 0 if the family has no such. */
struct Family {
  uint16_t id = 0;
  uint32_t group = 0;
};

/** 0, or a negative errno: -ENOENT when this kernel has no such family. */
int findFamily(const char* name, const char* group, Family& family);

constexpr const char* kNetdevFamily = "netdev";  // since Linux 6.3
constexpr const char* kNetdevGroup = "mgmt";

}  // namespace shunt
