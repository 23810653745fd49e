#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "text/regexp.h"

// Looking through a regular expression for plain text. All of it errs on the side of finding none.

namespace weft::text {
namespace {

constexpr std::size_t kLiteralsMax = 256;
constexpr std::string_view kOperators = "^$.|?*+()[]{}";

bool is_punctuation(char c) {
  return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
}

// Where the group or class that begins at `at` ends (behind its bracket); npos when it does not.
std::size_t skip_bracket(std::string_view p, std::size_t at) {
  int depth = 0;
  for (bool in_class = false; at < p.size(); ++at) {
    char c = p[at];
    if (c == '\\') {
      if (at + 1 < p.size() && p[at + 1] == 'Q') return std::string_view::npos;
      ++at;
    } else if (in_class) {
      if (c == '[') return std::string_view::npos;  // [[:alpha:]] and the like
      in_class = c != ']';
    } else if (c == '[') {
      in_class = true;
      if (at + 1 < p.size() && p[at + 1] == '^') ++at;
      if (at + 1 < p.size() && p[at + 1] == ']') ++at;
    } else if (c == '(') {
      ++depth;
    } else if (c == ')') {
      --depth;
    }
    if (!in_class && depth == 0) return at + 1;
  }
  return std::string_view::npos;
}

}  // namespace

std::optional<std::string> literal_regexp(std::string_view pattern) {
  std::string out;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    char c = pattern[i];
    if (c == '\\') {
      if (++i == pattern.size()) return std::nullopt;
      c = pattern[i];
      if (!is_punctuation(c)) return std::nullopt;
    } else if (kOperators.find(c) != std::string_view::npos) {
      return std::nullopt;
    }
    out += c;
  }
  return out;
}

std::vector<std::string> literal_alternatives(std::string_view pattern) {
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
    auto literal = literal_regexp(pattern.substr(begin, std::min(i, pattern.size()) - begin));
    if (!literal || out.size() == kLiteralsMax) return {};
    out.push_back(*std::move(literal));
    begin = i + 1;
  }
  if (begin <= pattern.size()) return {};  // a backslash at the end
  return out;
}

std::string required_literal(std::string_view pattern) {
  std::string best, run;
  auto end_run = [&] {
    if (run.size() > best.size()) best = run;
    run.clear();
  };
  for (std::size_t i = 0; i < pattern.size();) {
    char c = pattern[i];
    std::size_t next = i + 1;
    bool literal = false;
    if (c == '\\') {
      if (next >= pattern.size()) return {};
      c = pattern[next++];
      literal = is_punctuation(c);
      // Classes and assertions are one item; \x41, \p{Greek}, \Q…\E are left alone.
      if (!literal && std::string_view("dDwWsSbBAz").find(c) == std::string_view::npos) return {};
    } else if (c == '|') {
      return {};
    } else if (c == '(' || c == '[') {
      if (pattern.substr(i, 2) == "(?" && pattern.substr(i, 3) != "(?:" && pattern.substr(i, 3) != "(?P")
        return {};
      next = skip_bracket(pattern, i);
      if (next == std::string_view::npos) return {};
    } else {
      literal = kOperators.find(c) == std::string_view::npos;
    }
    char quantifier = next < pattern.size() ? pattern[next] : '\0';
    bool optional = quantifier == '*' || quantifier == '?' || quantifier == '{';
    if (literal && !optional) {
      run += c;
    } else if (literal && optional) {
      // A multi-byte rune is optional as a whole.
      if (static_cast<unsigned char>(c) >= 0x80) return {};
      end_run();
    } else {
      end_run();
    }
    if (quantifier == '+') end_run();
    if (quantifier == '{') {
      std::size_t close = pattern.find('}', next);
      if (close == std::string_view::npos) return {};
      next = close + 1;
      quantifier = '+';
    } else if (optional || quantifier == '+') {
      ++next;
    }
    if ((optional || quantifier == '+') && next < pattern.size() && pattern[next] == '?')
      ++next;  // not greedy
    i = next;
  }
  end_run();
  return best;
}

}  // namespace weft::text
