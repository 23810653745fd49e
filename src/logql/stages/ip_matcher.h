#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace weft::logql {

// `ip("10.0.0.0/8")`: one address, a CIDR block or a range, of either family.
class IpMatcher {
 public:
  // Errors: invalid_argument `ip: invalid pattern: "x"`.
  static Result<IpMatcher> parse(std::string_view pattern);

  // True when some address that is written in `text` is inside.
  bool matches(std::string_view text) const;

 private:
  using Address = std::array<std::uint8_t, 16>;  // IPv4 as ::ffff:a.b.c.d
  static bool read(std::string_view text, Address& out, bool& is_v4);
  bool test(std::string_view text) const;

  Address first_{}, last_{};
};

}  // namespace weft::logql
