#include "exec/matcher.h"

#include <algorithm>
#include <optional>

#include "exec/substring.h"
#include "text/regexp.h"

namespace weft::exec {
namespace {

// How a condition is decided; everything but `regexp` is cheaper than a regular expression.
enum class Kind : unsigned char { literals, always, not_empty, prefix, contains, regexp };

}  // namespace

struct StringMatcher::Impl {
  MatchOp op;
  bool negated;
  Kind kind = Kind::regexp;
  std::string value;
  std::string text;                   // of prefix and contains
  std::vector<std::string> literals;  // sorted
  std::optional<text::Regexp> regexp;
  std::vector<std::string> indexable;  // what literals() shows
};

Result<StringMatcher> StringMatcher::make(MatchOp op, std::string value) {
  auto impl = std::make_shared<Impl>();
  impl->op = op;
  impl->negated = op == MatchOp::not_equal || op == MatchOp::not_regex;
  impl->value = std::move(value);
  const std::string& pattern = impl->value;
  if (op == MatchOp::equal || op == MatchOp::not_equal) {
    impl->kind = Kind::literals;
    impl->literals = {pattern};
  } else {
    // Compiled even when it is not needed: the error is the user's to see.
    impl->regexp = TRY(text::Regexp::compile(pattern, {.dot_matches_newline = true, .anchored = true}));
    if (auto literals = text::literal_alternatives(pattern); !literals.empty()) {
      impl->kind = Kind::literals;
      impl->literals = std::move(literals);
    } else if (pattern == ".*") {
      impl->kind = Kind::always;
    } else if (pattern == ".+") {
      impl->kind = Kind::not_empty;
    } else if (pattern.ends_with(".*") && !pattern.ends_with("\\.*")) {
      std::string_view body = std::string_view(pattern).substr(0, pattern.size() - 2);
      bool open = body.starts_with(".*");
      if (auto literal = text::literal_regexp(open ? body.substr(2) : body)) {
        impl->kind = open ? Kind::contains : Kind::prefix;
        impl->text = *std::move(literal);
      }
    }
  }
  std::sort(impl->literals.begin(), impl->literals.end());
  impl->literals.erase(std::unique(impl->literals.begin(), impl->literals.end()), impl->literals.end());
  if (!impl->negated) impl->indexable = impl->literals;
  return StringMatcher(std::move(impl));
}

bool StringMatcher::matches(std::string_view text) const {
  const Impl& m = *impl_;
  bool hit = false;
  switch (m.kind) {
    case Kind::literals:
      hit = m.literals.size() == 1 ? text == m.literals[0]
                                   : std::binary_search(m.literals.begin(), m.literals.end(), text);
      break;
    case Kind::always: hit = true; break;
    case Kind::not_empty: hit = !text.empty(); break;
    case Kind::prefix: hit = text.starts_with(m.text); break;
    case Kind::contains: hit = find_substring(text, m.text) != std::string_view::npos; break;
    case Kind::regexp: hit = m.regexp->matches(text); break;
  }
  return hit != m.negated;
}

MatchOp StringMatcher::op() const {
  return impl_->op;
}
const std::string& StringMatcher::value() const {
  return impl_->value;
}
const std::vector<std::string>& StringMatcher::literals() const {
  return impl_->indexable;
}

}  // namespace weft::exec
