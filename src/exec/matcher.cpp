#include "exec/matcher.h"

#include <algorithm>
#include <optional>

#include "exec/substring.h"
#include "text/regexp.h"

namespace weft::exec {
namespace {

// How a condition is decided; everything but `regexp` is cheaper than a regular expression.
enum class Kind : unsigned char { literals, always, not_empty, prefix, contains, regexp };

constexpr std::size_t kLiteralsMax = 256;

// `pattern` as text when it is one literal: no operator, and escapes of punctuation only.
std::optional<std::string> as_literal(std::string_view pattern) {
  std::string out;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    char c = pattern[i];
    if (c == '\\') {
      if (++i == pattern.size()) return std::nullopt;
      c = pattern[i];
      bool punctuation = (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') ||
                         (c >= '{' && c <= '~');
      if (!punctuation || c == '<' || c == '>') return std::nullopt;
    } else if (std::string_view("^$.|?*+()[]{}").find(c) != std::string_view::npos) {
      return std::nullopt;
    }
    out += c;
  }
  return out;
}

// The literals of `a|b|c`, perhaps in one pair of parentheses; empty when it is not of that form.
std::vector<std::string> as_alternatives(std::string_view pattern) {
  if (pattern.starts_with("(?:") && pattern.ends_with(')')) {
    pattern = pattern.substr(3, pattern.size() - 4);
  } else if (pattern.starts_with('(') && !pattern.starts_with("(?") && pattern.ends_with(')')) {
    pattern = pattern.substr(1, pattern.size() - 2);
  }
  std::vector<std::string> out;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= pattern.size(); ++i) {
    if (i < pattern.size() && pattern[i] == '\\') {
      ++i;
      continue;
    }
    if (i < pattern.size() && pattern[i] != '|') continue;
    auto literal = as_literal(pattern.substr(begin, i - begin));
    if (!literal || out.size() == kLiteralsMax) return {};
    out.push_back(*std::move(literal));
    begin = i + 1;
  }
  return out;
}

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
    if (auto literals = as_alternatives(pattern); !literals.empty()) {
      impl->kind = Kind::literals;
      impl->literals = std::move(literals);
    } else if (pattern == ".*") {
      impl->kind = Kind::always;
    } else if (pattern == ".+") {
      impl->kind = Kind::not_empty;
    } else if (pattern.ends_with(".*") && !pattern.ends_with("\\.*")) {
      std::string_view body = std::string_view(pattern).substr(0, pattern.size() - 2);
      bool open = body.starts_with(".*");
      if (auto literal = as_literal(open ? body.substr(2) : body)) {
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
