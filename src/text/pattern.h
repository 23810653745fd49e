#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace weft::text {

// Loki's pattern language: literals and captures, `<ip> - <_> "<method>`. Immutable, thread-safe.
class Pattern {
 public:
  // Errors: invalid_argument "at least one capture is required", "duplicate capture name (x): …",
  // "found consecutive capture '<a><b>': invalid expression".
  static Result<Pattern> parse(std::string_view text);
  // The form of line filters: `<_>` only, and text without any capture is fine. Error also: "named
  // captures are not allowed".
  static Result<Pattern> parse_line_filter(std::string_view text);

  const std::vector<std::string>& names() const { return names_; }

  // Fills `values` (names().size() items) as far as the text agrees; returns how many captures, from
  // the first one on, were found. Views into `text`.
  std::size_t extract(std::string_view text, std::span<std::string_view> values) const;

  // True when the whole of `line` has the form; each `<_>` takes at least one byte.
  bool matches_line(std::string_view line) const;

 private:
  struct Part {
    std::string literal;  // empty: a capture
    int capture = -1;     // index of its name; -1: `<_>`
    bool is_literal() const { return !literal.empty(); }
  };
  static Result<Pattern> split(std::string_view text);

  std::vector<Part> parts_;
  std::vector<std::string> names_;
};

}  // namespace weft::text
