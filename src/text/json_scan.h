#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "base/result.h"

// Reading JSON as the jsonparser library of Go does, which Loki's `json` stage is built on: leniently,
// from left to right, with what was read before an error kept, numbers as they are written, and that
// library's error texts. (A strict parser such as simdjson must see the whole document first and would
// refuse lines that Loki takes apart.) Nothing here allocates but unescape_json.

namespace weft::text {

enum class JsonError : std::uint8_t {
  none,
  malformed_json,
  malformed_object,
  malformed_array,
  malformed_string,
  malformed_escape,
  unknown_value,
};
// "Value looks like object, but can't find closing '}' symbol" and the others.
std::string_view message_of(JsonError error);

struct JsonValue {
  enum class Type : std::uint8_t { none, string, number, boolean, null, object, array };
  Type type = Type::none;
  std::string_view raw;  // strings without their quotes, escapes as they are; the rest as written
};

// The members of an object, one by one. Views into the text.
class JsonObjectScanner {
 public:
  explicit JsonObjectScanner(std::string_view text) : text_(text) {}

  // The next member; `key` is raw and may hold escapes. False: the end, or error().
  bool next(std::string_view& key, JsonValue& value);
  JsonError error() const { return error_; }

 private:
  bool fail(JsonError error) {
    error_ = error;
    return false;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  bool begun_ = false;
  JsonError error_ = JsonError::none;
};

// The value that `text` begins with, behind white space; `end` is where it stops.
JsonError read_json_value(std::string_view text, JsonValue& value, std::size_t& end);

// One step of a path: a key, verbatim, or an index of an array.
struct JsonStep {
  std::string key;
  std::optional<std::size_t> index;
};
// `a.b["c d"][0]`. Errors: invalid_argument.
Result<std::vector<JsonStep>> parse_json_path(std::string_view path);
// Follows a path; type none when there is no such value.
JsonValue find_json(std::string_view text, std::span<const JsonStep> path);

// The raw text of a string without its escapes; U+FFFD and bytes that are not UTF-8 become spaces, as
// in Loki. A view of `raw` when nothing changes. Empty optional: a bad escape.
std::optional<std::string_view> unescape_json(std::string_view raw, Arena& arena);

}  // namespace weft::text
