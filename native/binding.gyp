{
  "targets": [
    {
      "target_name": "shunt",
      "sources": [
        "addon.cc",
        "ethtool.cc",
        "genetlink.cc",
        "link.cc",
        "map.cc",
        "map_dump.cc",
        "memory.cc",
        "netlink.cc",
        "object.cc",
        "program.cc",
        "routes.cc",
        "rtnetlink.cc",
        "subscription.cc",
        "system.cc",
        "table.cc",
        "table_half.cc",
        "values.cc"
      ],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": ["NAPI_VERSION=9", "NAPI_DISABLE_CPP_EXCEPTIONS", "NODE_ADDON_API_DISABLE_DEPRECATED"],
      "cflags": ["-fvisibility=hidden", "<!@(pkg-config --cflags libbpf libmnl)"],
      "cflags_cc!": ["-std=gnu++17", "-std=gnu++20"],
      "cflags_cc": ["-std=c++20", "-fno-exceptions", "-Wall", "-Wextra"],
      "libraries": ["<!@(pkg-config --libs libbpf libmnl)"]
    }
  ]
}
