#pragma once

#include <string>
#include <string_view>

namespace weft::net {

// What a request asks for, as Request wants it.
struct Target {
  std::string path;   // begins with '/', or is "*"; still percent-encoded
  std::string query;  // without '?'
};

// "weft", "/weft/" and "/weft" are one prefix: "/weft". "" and "/" are none: "".
std::string normal_prefix(std::string_view prefix);

// Splits a request target in origin or absolute form ("/a//b/?x=1", "http://host/a"), merges
// doubled slashes, drops a trailing one, and removes `prefix` (normalised) where the path begins
// with it. Nothing is decoded: %2F stays what it is. False: the target is in no such form.
bool split_target(std::string_view target, std::string_view prefix, Target& out);

}  // namespace weft::net
