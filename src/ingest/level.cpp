#include "ingest/level.h"

#include <array>
#include <bit>

#include "ingest/block64.h"

namespace weft::ingest {
namespace {

constexpr int kJsonDepthMax = 2;  // log_level_from_json_max_depth

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

bool equal_ignoring_case(std::string_view text, std::string_view lower_case) {
  if (text.size() != lower_case.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (lower(text[i]) != lower_case[i]) return false;
  return true;
}

bool is_word(char c) {
  return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') || c == '_';
}

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

// logfmt compares names without case, so that only these are different.
bool is_level_field_ignoring_case(std::string_view name) {
  switch (name.size()) {
    case 3: return equal_ignoring_case(name, "lvl");
    case 5: return equal_ignoring_case(name, "level");
    case 8: return equal_ignoring_case(name, "severity");
    case 9: return equal_ignoring_case(name, "log.level");
    case 12: return equal_ignoring_case(name, "severitytext");
    case 13: return equal_ignoring_case(name, "severity_text");
    default: return false;
  }
}

std::uint64_t bits_between(int first, int end) {  // [first, end), end <= 64
  std::uint64_t below_end = end == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << end) - 1;
  return below_end & (~std::uint64_t{0} << first);
}

// Follows the quotes of a JSON text, sixty-four bytes at a step, looking for a string that is a
// level field's name. Nothing is validated: a line cut short still tells its level.
class JsonLevel {
 public:
  explicit JsonLevel(std::string_view text) : text_(text) {}

  // The value of the first level field that is a string; "" when there is none.
  std::string_view find() {
    for (std::size_t base = 0; base < text_.size() && !done_; base += 64) block(base);
    return value_;
  }

 private:
  void block(std::size_t base) {
    Block64 bytes = Block64::load(text_, base);
    std::uint64_t quotes = bytes.equal('"');
    std::uint64_t backslashes = bytes.equal('\\');
    if (backslashes != 0 || escape_carry_) quotes &= ~escaped_bytes(backslashes, escape_carry_);
    // '[' and '{', ']' and '}' differ in one bit.
    std::uint64_t open =
        bytes.mask([](__m128i b) { return _mm_cmpeq_epi8(to_lower(b), _mm_set1_epi8('{')); });
    std::uint64_t close =
        bytes.mask([](__m128i b) { return _mm_cmpeq_epi8(to_lower(b), _mm_set1_epi8('}')); });
    int outside_from = 0;
    auto leave = [&](int end) {
      std::uint64_t part = bits_between(outside_from, end);
      depth_ += std::popcount(open & part) - std::popcount(close & part);
    };
    for (; quotes != 0 && !done_; quotes &= quotes - 1) {
      int at = std::countr_zero(quotes);
      if (!in_string_) {
        leave(at);
        string_begin_ = base + static_cast<std::size_t>(at) + 1;
      } else {
        outside_from = at + 1;
        string_ended(base + static_cast<std::size_t>(at));
      }
      in_string_ = !in_string_;
    }
    if (!in_string_ && outside_from < 64) leave(64);
  }

  void string_ended(std::size_t end) {
    std::string_view string = text_.substr(string_begin_, end - string_begin_);
    if (wanted_) {
      value_ = string;
      done_ = true;
    } else if (depth_ <= kJsonDepthMax && is_level_field(string)) {
      std::size_t at = skip_space(end + 1);
      if (at >= text_.size() || text_[at] != ':') return;  // a value, not a name
      at = skip_space(at + 1);
      wanted_ = at < text_.size() && text_[at] == '"';
      done_ = !wanted_;
    }
  }

  std::size_t skip_space(std::size_t at) const {
    while (at < text_.size() && is_space(text_[at])) ++at;
    return at;
  }

  std::string_view text_;
  std::string_view value_;
  std::size_t string_begin_ = 0;
  int depth_ = 0;
  bool in_string_ = false;
  bool escape_carry_ = false;
  bool wanted_ = false;
  bool done_ = false;
};

// The value that begins at `at` in logfmt: quoted, or up to white space.
std::string_view logfmt_value(std::string_view line, std::size_t at) {
  if (at < line.size() && line[at] == '"') {
    std::size_t end = line.find('"', at + 1);
    return line.substr(at + 1, end == std::string_view::npos ? end : end - at - 1);
  }
  std::size_t end = at;
  while (end < line.size() && !is_space(line[end])) ++end;
  return line.substr(at, end - at);
}

// The value of the first level field of logfmt; "" when there is none.
std::string_view logfmt_level(std::string_view line) {
  bool in_quotes = false;
  bool escape_carry = false;
  for (std::size_t base = 0; base < line.size(); base += 64) {
    Block64 bytes = Block64::load(line, base);
    std::uint64_t equals = bytes.equal('=');
    std::uint64_t quotes = bytes.equal('"');
    std::uint64_t backslashes = quotes == 0 && !in_quotes ? 0 : bytes.equal('\\');
    if (backslashes != 0 || escape_carry) quotes &= ~escaped_bytes(backslashes, escape_carry);
    for (std::uint64_t marks = equals | quotes; marks != 0; marks &= marks - 1) {
      std::size_t at = base + static_cast<std::size_t>(std::countr_zero(marks));
      if (line[at] == '"') {
        in_quotes = in_quotes ? false : at > 0 && line[at - 1] == '=';
        continue;
      }
      if (in_quotes) continue;
      std::size_t begin = at;
      while (begin > 0 && at - begin <= 13 && !is_space(line[begin - 1]) && line[begin - 1] != '"') --begin;
      if (is_level_field_ignoring_case(line.substr(begin, at - begin))) return logfmt_value(line, at + 1);
    }
  }
  return {};
}

// The keyword at `at`, which begins a word; "" when there is none.
std::string_view keyword_at(std::string_view line, std::size_t at) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kKeywords = {
      {{"trace", "trace"},
       {"debug", "debug"},
       {"fatal", "fatal"},
       {"critical", "critical"},
       {"error", "error"},
       {"err", "error"},
       {"warning", "warn"},
       {"warn", "warn"},
       {"info", "info"}}};
  for (auto [word, level] : kKeywords) {
    if (lower(line[at]) != word[0] || line.size() - at < word.size()) continue;
    std::size_t end = at + word.size();
    if (end < line.size() && is_word(line[end])) continue;
    if (equal_ignoring_case(line.substr(at, word.size()), word)) return level;
  }
  return {};
}

// Words that begin with the first two letters of a keyword are looked at, one in twenty or so.
std::string_view keyword_level(std::string_view line) {
  // Indexed by the low four bits of a lower-case letter; 'd' shares its bits with 't'.
  const __m128i first = _mm_setr_epi8(0, 0, 0, 'c', 't', 'e', 'f', 'w', 0, 'i', 0, 0, 0, 0, 0, 0);
  const __m128i second = _mm_setr_epi8(1, 'a', 'r', 0, 0, 'e', 0, 0, 0, 0, 0, 0, 0, 0, 'n', 0);
  std::uint64_t letter_before = 0;
  for (std::size_t base = 0; base < line.size(); base += 64) {
    Block64 bytes = Block64::load(line, base);
    std::uint64_t firsts = bytes.mask([&](__m128i b) {
      __m128i low = to_lower(b);
      return _mm_or_si128(_mm_cmpeq_epi8(_mm_shuffle_epi8(first, low), low),
                          _mm_cmpeq_epi8(low, _mm_set1_epi8('d')));
    });
    std::uint64_t seconds = bytes.mask([&](__m128i b) {
      __m128i low = to_lower(b);
      return _mm_cmpeq_epi8(_mm_shuffle_epi8(second, low), low);
    });
    std::uint64_t letters = bytes.mask([](__m128i b) { return in_range(to_lower(b), 'a', 25); });
    std::uint64_t candidates =
        firsts & (seconds >> 1 | std::uint64_t{1} << 63) & ~(letters << 1 | letter_before);
    letter_before = letters >> 63;
    for (; candidates != 0; candidates &= candidates - 1) {
      std::size_t at = base + static_cast<std::size_t>(std::countr_zero(candidates));
      if (at > 0 && is_word(line[at - 1])) continue;
      if (std::string_view level = keyword_at(line, at); !level.empty()) return level;
    }
  }
  return {};
}

}  // namespace

bool is_level_field(std::string_view name) {
  switch (name.size()) {
    case 3: return name == "lvl" || name == "LVL" || name == "Lvl";
    case 5: return name == "level" || name == "LEVEL" || name == "Level";
    case 8: return name == "severity" || name == "SEVERITY" || name == "Severity";
    case 9: return name == "log.level";
    case 12: return name == "SeverityText";
    case 13: return name == "severity_text" || name == "Severity_Text" || name == "SEVERITY_TEXT";
    default: return false;
  }
}

std::string_view normal_level(std::string_view word) {
  struct Spelling {
    std::string_view word, level;
  };
  static constexpr Spelling kSpellings[] = {{"info", "info"},    {"error", "error"},       {"warn", "warn"},
                                            {"debug", "debug"},  {"trace", "trace"},       {"fatal", "fatal"},
                                            {"warning", "warn"}, {"critical", "critical"}, {"err", "error"},
                                            {"inf", "info"},     {"wrn", "warn"},          {"dbg", "debug"},
                                            {"trc", "trace"},    {"information", "info"}};
  for (const Spelling& s : kSpellings)
    if (equal_ignoring_case(word, s.word)) return s.level;
  return {};
}

std::string_view level_of_severity(std::int64_t number) {
  static constexpr std::string_view kLevels[] = {"trace", "debug", "info", "warn", "error", "fatal"};
  return number >= 1 && number <= 24 ? kLevels[(number - 1) / 4] : std::string_view();
}

std::string_view level_of_line(std::string_view line) {
  std::size_t begin = 0;
  while (begin < line.size() && is_space(line[begin])) ++begin;
  if (begin == line.size()) return "unknown";
  std::string_view value = line[begin] == '{' ? JsonLevel(line).find() : logfmt_level(line);
  if (!value.empty())
    if (std::string_view level = normal_level(value); !level.empty()) return level;
  std::string_view level = keyword_level(line);
  return level.empty() ? "unknown" : level;
}

}  // namespace weft::ingest
