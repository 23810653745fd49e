#include "model/labels.h"

#include <algorithm>

#include "base/arena.h"
#include "base/hash.h"
#include "base/utf8.h"

namespace weft {
namespace {

bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_name_char(char c) { return is_name_start(c) || (c >= '0' && c <= '9'); }

void append_hex(std::string& out, std::uint32_t value, int digits) {
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4)
    out += "0123456789abcdef"[value >> shift & 15];
}

// Reads Loki's text form; positions in messages are 1-based columns of line 1.
class LabelParser {
 public:
  LabelParser(std::string_view text, std::vector<Label>& out, Arena& arena)
      : text_(text), out_(out), arena_(arena) {}

  Result<void> parse() {
    skip_space();
    if (!take('{')) return unexpected();
    skip_space();
    while (!take('}')) {
      TRY(pair());
      skip_space();
      if (take(',')) {
        skip_space();
      } else if (at_ == text_.size() || text_[at_] != '}') {
        return unexpected();
      }
    }
    skip_space();
    if (at_ != text_.size()) return unexpected();
    return {};
  }

 private:
  Result<void> pair() {
    std::size_t start = at_;
    if (at_ < text_.size() && is_name_start(text_[at_]))
      while (at_ < text_.size() && is_name_char(text_[at_])) ++at_;
    if (at_ == start) return unexpected();
    std::string_view name = text_.substr(start, at_ - start);
    skip_space();
    if (!take('=')) return unexpected();
    skip_space();
    if (at_ == text_.size() || (text_[at_] != '"' && text_[at_] != '`')) return unexpected();
    std::string_view value = TRY(text_[at_] == '"' ? quoted() : raw());
    out_.push_back({name, value});
    return {};
  }

  Result<std::string_view> raw() {
    std::size_t end = text_.find('`', at_ + 1);
    if (end == std::string_view::npos) return error("unterminated raw string");
    std::string_view value = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return value;
  }

  Result<std::string_view> quoted() {
    std::size_t start = ++at_;
    std::size_t stop = text_.find_first_of("\"\\", at_);
    if (stop == std::string_view::npos) return error("unterminated quoted string");
    if (text_[stop] == '"') {
      at_ = stop + 1;
      return text_.substr(start, stop - start);
    }
    std::string value;
    while (at_ < text_.size() && text_[at_] != '"') {
      if (text_[at_] != '\\') {
        value += text_[at_++];
      } else {
        TRY(escape(value));
      }
    }
    if (!take('"')) return error("unterminated quoted string");
    return arena_.copy(value);
  }

  // Go's escapes; at_ is on the backslash.
  Result<void> escape(std::string& value) {
    if (++at_ == text_.size()) return error("unterminated quoted string");
    char c = text_[at_++];
    static constexpr std::string_view kNames = "abfnrtv\\\"'";
    static constexpr std::string_view kValues = "\a\b\f\n\r\t\v\\\"'";
    if (auto i = kNames.find(c); i != std::string_view::npos) {
      value += kValues[i];
      return {};
    }
    std::size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : c >= '0' && c <= '7' ? 3 : 0;
    if (digits == 0) return error("unknown escape sequence");
    int base = digits == 3 ? 8 : 16;
    if (digits == 3) --at_;
    std::uint32_t v = 0;
    for (std::size_t i = 0; i < digits; ++i, ++at_) {
      if (at_ == text_.size()) return error("unterminated quoted string");
      int d = text_[at_] >= '0' && text_[at_] <= '9'   ? text_[at_] - '0'
              : text_[at_] >= 'a' && text_[at_] <= 'f' ? text_[at_] - 'a' + 10
              : text_[at_] >= 'A' && text_[at_] <= 'F' ? text_[at_] - 'A' + 10
                                                       : 99;
      if (d >= base) return error("illegal character in escape sequence");
      v = v * static_cast<std::uint32_t>(base) + static_cast<std::uint32_t>(d);
    }
    if (digits <= 3) {
      if (v > 255) return error("octal escape value > 255");
      value += static_cast<char>(v);
    } else {
      if (v > 0x10FFFF || (v >= 0xD800 && v < 0xE000)) return error("escape is not a Unicode code point");
      append_rune(value, v);
    }
    return {};
  }

  void skip_space() {
    while (at_ < text_.size() && std::string_view(" \t\n\r").find(text_[at_]) != std::string_view::npos) ++at_;
  }
  bool take(char c) {
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  Error error(std::string_view what) const {
    return Error(Code::invalid_argument, "1:" + std::to_string(at_ + 1) + ": parse error: " + std::string(what));
  }
  Error unexpected() const {
    if (at_ >= text_.size()) return error("unexpected end of input inside braces");
    return error("unexpected character inside braces: '" + std::string(1, text_[at_]) + "'");
  }

  std::string_view text_;
  std::vector<Label>& out_;
  Arena& arena_;
  std::size_t at_ = 0;
};

}  // namespace

LabelSet LabelSet::from(std::span<const Label> labels) {
  LabelSet set;
  std::vector<Label> sorted;
  sorted.reserve(labels.size());
  std::size_t bytes = 0;
  for (const Label& l : labels) {
    if (l.value.empty()) continue;
    sorted.push_back(l);
    bytes += l.name.size() + l.value.size();
  }
  std::ranges::sort(sorted);
  set.text_.reserve(bytes);
  for (const Label& l : sorted) {
    set.text_.insert(set.text_.end(), l.name.begin(), l.name.end());
    set.text_.insert(set.text_.end(), l.value.begin(), l.value.end());
  }
  const char* at = set.text_.data();
  for (const Label& l : sorted) {
    set.labels_.push_back({{at, l.name.size()}, {at + l.name.size(), l.value.size()}});
    at += l.name.size() + l.value.size();
  }
  return set;
}

LabelSet::LabelSet(const LabelSet& other) { *this = from(other.labels_); }

LabelSet& LabelSet::operator=(const LabelSet& other) {
  if (this != &other) *this = from(other.labels_);
  return *this;
}

std::string_view LabelSet::get(std::string_view name) const {
  for (const Label& l : labels_)
    if (l.name == name) return l.value;
  return {};
}

std::string LabelSet::to_string() const { return label_text(labels_); }

std::uint64_t LabelSet::hash() const {
  std::uint64_t h = labels_.size();
  for (const Label& l : labels_) h = hash_combine(hash_combine(h, hash64(l.name)), hash64(l.value));
  return h;
}

bool LabelSet::operator==(const LabelSet& other) const {
  return std::ranges::equal(labels_, other.labels_);
}

std::string label_text(std::span<const Label> labels) {
  std::string out = "{";
  for (const Label& l : labels) {
    if (out.size() > 1) out += ", ";
    out += l.name;
    out += '=';
    append_quoted(out, l.value);
  }
  out += '}';
  return out;
}

bool is_label_name(std::string_view name) {
  return !name.empty() && is_name_start(name[0]) && std::ranges::all_of(name, is_name_char);
}

Result<void> parse_labels(std::string_view text, std::vector<Label>& out, Arena& unescaped) {
  return LabelParser(text, out, unescaped).parse();
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (std::size_t i = 0; i < text.size();) {
    auto c = static_cast<unsigned char>(text[i]);
    static constexpr std::string_view kControls = "\a\b\f\n\r\t\v";
    if (c == '"' || c == '\\') {
      out += '\\';
      out += text[i++];
    } else if (auto k = kControls.find(text[i]); k != std::string_view::npos) {
      out += '\\';
      out += "abfnrtv"[k];
      ++i;
    } else if (c >= 0x20 && c < 0x7F) {
      out += text[i++];
    } else if (c < 0x80) {
      out += "\\x";
      append_hex(out, c, 2);
      ++i;
    } else {
      Rune r = decode_rune(text, i);
      if (r.length == 0) {
        out += "\\x";
        append_hex(out, c, 2);
        ++i;
      } else {
        out += text.substr(i, r.length);
        i += r.length;
      }
    }
  }
  out += '"';
}

}  // namespace weft
