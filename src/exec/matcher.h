#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace weft::exec {

enum class MatchOp : unsigned char { equal, not_equal, regex, not_regex };

// One string condition of a selector or filter. A regex is RE2 with Go's syntax, anchored at both
// ends, dot matches newline as in Prometheus; alternations of literals become a set lookup. A
// missing label is "". Immutable, cheap to copy, thread-safe.
class StringMatcher {
 public:
  // Errors: invalid_argument "error parsing regexp: …" in Go's words where they are known.
  static Result<StringMatcher> make(MatchOp op, std::string value);

  bool matches(std::string_view text) const;
  MatchOp op() const;
  const std::string& value() const;

  // Every string that can match, when the condition is an equality or a regex of few literals;
  // empty when it is not so simple. For look-ups in an index.
  const std::vector<std::string>& literals() const;

 private:
  struct Impl;
  explicit StringMatcher(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

struct LabelMatcher {
  std::string name;
  StringMatcher matcher;
};

}  // namespace weft::exec
