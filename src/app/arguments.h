#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace weft::app {

// One flag of a client command.
struct Flag {
  std::string_view name;     // "limit": given as --limit=5, --limit 5, -limit=5
  std::string_view value;    // what its value is called in the help; "" for a switch
  std::string_view initial;  // its value when it is not given
  std::string_view help;
  char letter = 0;  // 'q' for -q
};

// What a client command was called with. Values are checked when they are asked for, so that an
// error can say which flag has it.
class Arguments {
 public:
  // Everything after "--" is positional, and so is "-" alone. A switch may be --name=false. Errors:
  // invalid_argument naming an unknown flag and the nearest known one, or a flag without its value.
  static Result<Arguments> parse(std::span<const std::string> args, std::span<const Flag> flags);

  const std::vector<std::string>& positional() const { return positional_; }

  // All require a name from the flags. Errors: invalid_argument that names the flag.
  const std::string& text(std::string_view name) const;
  bool given(std::string_view name) const { return given_.find(name) != given_.end(); }
  bool is_set(std::string_view name) const { return text(name) == "true"; }  // a switch
  Result<std::int64_t> integer(std::string_view name, std::int64_t low, std::int64_t high) const;
  Result<double> number(std::string_view name, double low, double high) const;
  Result<std::int64_t> duration_ns(std::string_view name) const;  // "1h", "90s", "0"

 private:
  std::map<std::string, std::string, std::less<>> values_;
  std::map<std::string, bool, std::less<>> given_;
  std::vector<std::string> positional_;
};

// The flags as help text, one or more lines each, wrapped at 100 columns.
std::string flags_help(std::span<const Flag> flags);

// "http://host:3100" without trailing slashes; "host:3100" gets its scheme.
std::string base_url(std::string_view text);

// Everything but letters, digits and -_.~ as %XX.
std::string percent_encode(std::string_view text);

}  // namespace weft::app
