#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/arena.h"

namespace weft::text {

struct LogfmtPair {
  std::string_view key;    // raw
  std::string_view value;  // raw; without its quotes
  bool quoted = false;     // may hold escapes, see unescape_logfmt
  bool bare = false;       // a key without `=`
};

// The pairs of a logfmt line as go-logfmt's decoder finds them: separated by bytes up to the space,
// `key=value`, `key="quoted \"value\""`, or a key alone. Views into the line; allocates only errors.
class LogfmtScanner {
 public:
  explicit LogfmtScanner(std::string_view line) : line_(line) {}

  // The next pair. False: the end, or a malformed pair (error()); calling again goes on behind it.
  bool next(LogfmtPair& pair);

  // What was wrong with the pair that next() has refused last; has_error() is false at the end.
  bool has_error() const { return error_ != nullptr; }
  std::string error() const;  // "logfmt syntax error at pos 12 : unexpected '='"

 private:
  bool fail(const char* what, std::size_t at, char seen = 0);

  std::string_view line_;
  std::size_t at_ = 0;
  const char* error_ = nullptr;
  std::size_t error_at_ = 0;
  char error_char_ = 0;
};

// A quoted value without its JSON-style escapes; a view of `raw` when there are none. Empty
// optional: an escape that is none.
std::optional<std::string_view> unescape_logfmt(std::string_view raw, Arena& arena);

}  // namespace weft::text
