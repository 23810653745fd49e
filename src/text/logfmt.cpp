#include "text/logfmt.h"

#include <cstring>

#include "text/json_scan.h"

namespace weft::text {
namespace {

bool is_gap(char c) {
  return static_cast<unsigned char>(c) <= ' ';
}

}  // namespace

bool LogfmtScanner::fail(const char* what, std::size_t at, char seen) {
  error_ = what;
  error_at_ = at;
  error_char_ = seen;
  // Lenient readers go on behind the pair.
  while (at_ < line_.size() && !is_gap(line_[at_])) ++at_;
  return false;
}

std::string LogfmtScanner::error() const {
  std::string out = "logfmt syntax error at pos " + std::to_string(error_at_ + 1) + " : " + error_;
  if (error_char_ != 0) out.append(" '").append(1, error_char_).append("'");
  return out;
}

bool LogfmtScanner::next(LogfmtPair& pair) {
  error_ = nullptr;
  while (at_ < line_.size() && is_gap(line_[at_])) ++at_;
  if (at_ == line_.size()) return false;
  std::size_t begin = at_;
  while (at_ < line_.size() && line_[at_] != '=' && line_[at_] != '"' && !is_gap(line_[at_])) ++at_;
  pair.key = line_.substr(begin, at_ - begin);
  pair.value = {};
  pair.quoted = false;
  pair.bare = at_ == line_.size() || is_gap(line_[at_]);
  if (pair.bare) return true;
  if (line_[at_] == '"') return fail("unexpected", at_, '"');
  if (pair.key.empty()) return fail("unexpected", at_, '=');
  ++at_;  // `=`
  if (at_ < line_.size() && line_[at_] == '"') {
    std::size_t from = ++at_;
    while (at_ < line_.size() && line_[at_] != '"') at_ += line_[at_] == '\\' ? 2 : 1;
    if (at_ >= line_.size()) {
      at_ = line_.size();
      return fail("unterminated quoted value", line_.size());
    }
    pair.value = line_.substr(from, at_ - from);
    pair.quoted = true;
    ++at_;
    if (at_ < line_.size() && !is_gap(line_[at_])) return fail("unexpected", at_, line_[at_]);
    return true;
  }
  std::size_t from = at_;
  while (at_ < line_.size() && !is_gap(line_[at_])) {
    if (line_[at_] == '=' || line_[at_] == '"') return fail("unexpected", at_, line_[at_]);
    ++at_;
  }
  pair.value = line_.substr(from, at_ - from);
  return true;
}

std::optional<std::string_view> unescape_logfmt(std::string_view raw, Arena& arena) {
  if (std::memchr(raw.data(), '\\', raw.size()) == nullptr) return raw;
  return unescape_json(raw, arena);
}

}  // namespace weft::text
