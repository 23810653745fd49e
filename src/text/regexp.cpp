#include "text/regexp.h"

#include <algorithm>
#include <optional>

#include <re2/re2.h>

#include "base/utf8.h"

namespace weft::text {

struct Regexp::Impl {
  std::string pattern;  // as given
  std::unique_ptr<re2::RE2> re;
  re2::RE2::Anchor anchor = re2::RE2::UNANCHORED;
  std::vector<std::string> names;
};

namespace {

re2::StringPiece piece(std::string_view text) {
  return {text.data(), text.size()};
}

Error syntax_error(std::string_view what, std::string_view where) {
  std::string message = "error parsing regexp: ";
  message += what;
  if (!where.empty()) message.append(": `").append(where).append("`");
  return Error(Code::invalid_argument, std::move(message));
}

const char* go_words(re2::RE2::ErrorCode code) {
  using re2::RE2;
  switch (code) {
    case RE2::ErrorBadEscape: return "invalid escape sequence";
    case RE2::ErrorBadCharClass: return "invalid character class";
    case RE2::ErrorBadCharRange: return "invalid character class range";
    case RE2::ErrorMissingBracket: return "missing closing ]";
    case RE2::ErrorMissingParen: return "missing closing )";
    case RE2::ErrorUnexpectedParen: return "unexpected )";
    case RE2::ErrorTrailingBackslash: return "trailing backslash at end of expression";
    case RE2::ErrorRepeatArgument: return "missing argument to repetition operator";
    case RE2::ErrorRepeatSize: return "invalid repeat count";
    case RE2::ErrorRepeatOp: return "invalid nested repetition operator";
    case RE2::ErrorBadPerlOp: return "invalid or unsupported Perl syntax";
    case RE2::ErrorBadUTF8: return "invalid UTF-8";
    case RE2::ErrorBadNamedCapture: return "invalid named capture";
    case RE2::ErrorPatternTooLarge: return "expression too large";
    default: return "regexp/syntax: internal error";
  }
}

// Go's syntax in RE2's words: `(?<name>` becomes `(?P<name>`; `\C` and groups of one name twice are
// errors. `names` gets the name of every capturing group, "" for those without.
Result<std::string> translate(std::string_view in, std::vector<std::string>& names) {
  std::string out;
  out.reserve(in.size() + 8);
  bool in_class = false;
  for (std::size_t i = 0; i < in.size(); ++i) {
    char c = in[i];
    if (c == '\\' && i + 1 < in.size()) {
      char next = in[i + 1];
      if (next == 'C') return syntax_error("invalid escape sequence", "\\C");
      if (next == 'Q' && !in_class) {  // copy up to and with \E
        std::size_t end = in.find("\\E", i + 2);
        std::size_t stop = end == in.npos ? in.size() : end + 2;
        out.append(in.substr(i, stop - i));
        i = stop - 1;
        continue;
      }
      out += c;
      out += next;
      ++i;
      continue;
    }
    if (in_class) {
      // "[[:alpha:]]": the inner bracket belongs to the class.
      if (c == '[' && in.substr(i, 2) == "[:") {
        std::size_t end = in.find(":]", i + 2);
        if (end != in.npos) {
          out.append(in.substr(i, end + 2 - i));
          i = end + 1;
          continue;
        }
      }
      if (c == ']') in_class = false;
      out += c;
      continue;
    }
    if (c == '[') {
      in_class = true;
      out += c;
      // A `]` that comes first, perhaps after `^`, is a member.
      if (i + 1 < in.size() && in[i + 1] == '^') out += in[++i];
      if (i + 1 < in.size() && in[i + 1] == ']') out += in[++i];
      continue;
    }
    out += c;
    if (c != '(') continue;
    if (in.substr(i, 2) != "(?") {
      names.emplace_back();
      continue;
    }
    bool p = in.substr(i, 4) == "(?P<";
    if (!p && in.substr(i, 3) != "(?<") continue;
    std::size_t begin = i + (p ? 4 : 3);
    std::size_t end = in.find('>', begin);
    if (end == in.npos) return syntax_error("invalid named capture", in.substr(i));
    std::string name(in.substr(begin, end - begin));
    if (std::find(names.begin(), names.end(), name) != names.end())
      return syntax_error("duplicate capture group name", name);
    out.append("?P<").append(name).append(">");
    names.push_back(std::move(name));
    i = end;
  }
  return out;
}

// Text in which every byte that is not UTF-8 is U+FFFD, as Go's regexp sees it, and where each byte
// of it came from.
struct Sanitised {
  std::string text;
  std::vector<std::size_t> origin;  // text.size() + 1 items

  explicit Sanitised(std::string_view in) {
    text.reserve(in.size() + 16);
    origin.reserve(in.size() + 17);
    for (std::size_t i = 0; i < in.size();) {
      Rune rune = decode_rune(in, i);
      std::size_t before = text.size();
      if (rune.length == 0) {
        append_rune(text, 0xFFFD);
        rune.length = 1;
      } else {
        text.append(in.substr(i, rune.length));
      }
      for (std::size_t k = before; k < text.size(); ++k)
        origin.push_back(i + std::min(k - before, rune.length));
      i += rune.length;
    }
    origin.push_back(in.size());
  }
};

bool is_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

// Go's Regexp.Expand for one match.
void expand(std::string& out, std::string_view how, std::span<const std::string_view> groups,
            const std::vector<std::string>& names) {
  while (!how.empty()) {
    std::size_t dollar = how.find('$');
    out.append(how.substr(0, dollar));
    if (dollar == how.npos) return;
    how.remove_prefix(dollar + 1);
    if (how.starts_with('$')) {
      out += '$';
      how.remove_prefix(1);
      continue;
    }
    bool brace = how.starts_with('{');
    std::string_view rest = how.substr(brace ? 1 : 0);
    std::size_t n = 0;
    while (n < rest.size() && is_word(rest[n])) ++n;
    std::string_view name = rest.substr(0, n);
    if (n == 0 || (brace && (n >= rest.size() || rest[n] != '}'))) {
      out += '$';  // malformed: a dollar sign like any other
      continue;
    }
    how = rest.substr(n + (brace ? 1 : 0));
    bool digits = std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; });
    std::optional<std::size_t> index;
    if (digits && (name.size() == 1 || name[0] != '0') && name.size() < 9) {
      std::size_t value = 0;
      for (char c : name) value = value * 10 + static_cast<std::size_t>(c - '0');
      index = value;
    } else {
      auto found = std::find(names.begin(), names.end(), name);
      if (found != names.end()) index = static_cast<std::size_t>(found - names.begin()) + 1;
    }
    if (index && *index < groups.size() && groups[*index].data()) out.append(groups[*index]);
  }
}

}  // namespace

Result<Regexp> Regexp::compile(std::string_view pattern, Options options) {
  auto impl = std::make_shared<Impl>();
  impl->pattern = pattern;
  std::string translated = TRY(translate(pattern, impl->names));
  re2::RE2::Options re2_options;
  re2_options.set_log_errors(false);
  re2_options.set_dot_nl(options.dot_matches_newline);
  impl->re = std::make_unique<re2::RE2>(piece(translated), re2_options);
  if (!impl->re->ok()) {
    auto code = impl->re->error_code();
    // Go names the whole expression when a bracket of it is missing.
    bool whole = code == re2::RE2::ErrorMissingParen || code == re2::RE2::ErrorUnexpectedParen;
    return syntax_error(go_words(code), whole ? pattern : std::string_view(impl->re->error_arg()));
  }
  if (options.anchored) impl->anchor = re2::RE2::ANCHOR_BOTH;
  impl->names.resize(static_cast<std::size_t>(impl->re->NumberOfCapturingGroups()));
  return Regexp(std::move(impl));
}

bool Regexp::matches(std::string_view text) const {
  if (impl_->re->Match(piece(text), 0, text.size(), impl_->anchor, nullptr, 0)) return true;
  if (is_utf8(text)) return false;
  Sanitised clean(text);
  return impl_->re->Match(clean.text, 0, clean.text.size(), impl_->anchor, nullptr, 0);
}

bool Regexp::find(std::string_view text, std::size_t from, std::span<std::string_view> groups) const {
  std::vector<re2::StringPiece> heap;
  re2::StringPiece stack[16];
  re2::StringPiece* found = stack;
  if (groups.size() > 16) {
    heap.resize(groups.size());
    found = heap.data();
  }
  auto run = [&](std::string_view in, std::size_t at) {
    return impl_->re->Match(piece(in), at, in.size(), impl_->anchor, found, static_cast<int>(groups.size()));
  };
  if (is_utf8(text)) [[likely]] {
    if (!run(text, from)) return false;
    for (std::size_t i = 0; i < groups.size(); ++i) groups[i] = {found[i].data(), found[i].size()};
    return true;
  }
  Sanitised clean(text);
  auto start = std::lower_bound(clean.origin.begin(), clean.origin.end(), from);
  if (!run(clean.text, static_cast<std::size_t>(start - clean.origin.begin()))) return false;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (!found[i].data()) {
      groups[i] = {};
      continue;
    }
    auto begin = static_cast<std::size_t>(found[i].data() - clean.text.data());
    std::size_t first = clean.origin[begin];
    groups[i] = text.substr(first, clean.origin[begin + found[i].size()] - first);
  }
  return true;
}

std::size_t Regexp::group_count() const {
  return impl_->names.size();
}
const std::vector<std::string>& Regexp::group_names() const {
  return impl_->names;
}
const std::string& Regexp::pattern() const {
  return impl_->pattern;
}

namespace {

// Calls `insert` for every match that Go's ReplaceAll replaces, and copies what lies between.
template <class Insert>
std::string replace_matches(const Regexp& re, std::string_view text, std::size_t group_count, Insert insert) {
  std::string out;
  std::vector<std::string_view> groups(group_count + 1);
  std::size_t copied = 0, at = 0;
  while (at <= text.size() && re.find(text, at, groups)) {
    auto begin = static_cast<std::size_t>(groups[0].data() - text.data());
    std::size_t end = begin + groups[0].size();
    out.append(text.substr(copied, begin - copied));
    // An empty match right behind another one is none.
    if (end > copied || begin == 0) insert(out, groups);
    copied = end;
    std::size_t width = at < text.size() ? std::max<std::size_t>(decode_rune(text, at).length, 1) : 1;
    at = std::max(end, at + width);
  }
  if (copied < text.size()) out.append(text.substr(copied));
  return out;
}

}  // namespace

std::string Regexp::replace_all(std::string_view text, std::string_view replacement) const {
  return replace_matches(*this, text, group_count(),
                         [&](std::string& out, std::span<const std::string_view> groups) {
                           expand(out, replacement, groups, impl_->names);
                         });
}

std::string Regexp::replace_all_literal(std::string_view text, std::string_view replacement) const {
  return replace_matches(*this, text, 0, [&](std::string& out, const auto&) { out.append(replacement); });
}

}  // namespace weft::text
