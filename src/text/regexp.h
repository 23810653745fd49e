#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace weft::text {

// RE2 with Go's regexp syntax and error texts: `(?<name>…)` is accepted, `\C` and duplicate group
// names are refused, bytes that are not UTF-8 match as U+FFFD. Immutable, thread-safe.
class Regexp {
 public:
  struct Options {
    bool dot_matches_newline = false;
    bool anchored = false;  // as ^(?:…)$
  };
  // Errors: invalid_argument "error parsing regexp: missing closing ): `…`".
  static Result<Regexp> compile(std::string_view pattern, Options options);
  static Result<Regexp> compile(std::string_view pattern) { return compile(pattern, Options{}); }

  // Anywhere in `text` (the whole of it when anchored).
  bool matches(std::string_view text) const;

  // Like Go's FindStringSubmatch from `from` on: groups[0] is the match; groups that took no part
  // have data() == nullptr. `groups` has group_count() + 1 items. False: no match.
  bool find(std::string_view text, std::size_t from, std::span<std::string_view> groups) const;

  std::size_t group_count() const;
  // "" for groups without a name; index 0 is the first group.
  const std::vector<std::string>& group_names() const;

  // Go's ReplaceAllString: $1, ${1}, ${name}; and the literal form.
  std::string replace_all(std::string_view text, std::string_view replacement) const;
  std::string replace_all_literal(std::string_view text, std::string_view replacement) const;

  const std::string& pattern() const;

 private:
  struct Impl;
  explicit Regexp(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

// The text that `pattern` stands for when it is a literal: no operator, escapes of punctuation only.
std::optional<std::string> literal_regexp(std::string_view pattern);
// The literals of `a|b|c`, perhaps in one pair of parentheses; empty when it is not of that form.
std::vector<std::string> literal_alternatives(std::string_view pattern);
// A text that every match of `pattern` contains, the longest that is easily seen; "" when none is.
std::string required_literal(std::string_view pattern);

}  // namespace weft::text
