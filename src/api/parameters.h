#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "model/time.h"
#include "net/server.h"

namespace weft::api {

// The parameters of a request: URL query, and for POST a form body, merged.
class Parameters {
 public:
  explicit Parameters(const net::Request& request);

  // The first value of that name, or "" (Loki and Tempo treat missing and empty alike).
  std::string_view get(std::string_view name) const;
  std::vector<std::string> all(std::string_view name) const;
  bool has(std::string_view name) const { return !get(name).empty(); }
  const std::vector<std::pair<std::string, std::string>>& items() const { return items_; }

  // Go's strconv.Atoi / ParseUint of that parameter, or `fallback` when it is missing. Errors:
  // invalid_argument in Go's words, with `function` as the name Go prints.
  Result<std::int64_t> integer(std::string_view name, std::int64_t fallback, std::string_view function) const;

 private:
  std::vector<std::pair<std::string, std::string>> items_;
};

// A base-10 integer, whole text. Errors: `strconv.Atoi: parsing "x": invalid syntax`.
Result<std::int64_t> parse_integer(std::string_view text, std::string_view function);

// A time as Loki reads it (reference/loki.md §2.1): float seconds, <= 10 digits seconds, else
// nanoseconds, or RFC 3339. Nanoseconds.
Result<std::int64_t> parse_loki_time(std::string_view text);

}  // namespace weft::api
