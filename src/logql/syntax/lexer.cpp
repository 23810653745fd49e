#include "logql/syntax/lexer.h"

#include <array>
#include <optional>
#include <utility>

#include "base/utf8.h"
#include "logql/syntax/ast.h"
#include "model/limits.h"
#include "text/units.h"

namespace weft::logql {
namespace {

using Word = std::pair<std::string_view, Token>;

constexpr std::array<Word, 22> kKeywords = {{
    {"by", Token::by},
    {"without", Token::without},
    {"and", Token::and_},
    {"or", Token::or_},
    {"unless", Token::unless},
    {"on", Token::on},
    {"ignoring", Token::ignoring},
    {"group_left", Token::group_left},
    {"group_right", Token::group_right},
    {"bool", Token::bool_},
    {"offset", Token::offset},
    {"json", Token::json},
    {"logfmt", Token::logfmt},
    {"regexp", Token::regexp},
    {"pattern", Token::pattern},
    {"unpack", Token::unpack},
    {"unwrap", Token::unwrap},
    {"line_format", Token::line_format},
    {"label_format", Token::label_format},
    {"decolorize", Token::decolorize},
    {"drop", Token::drop},
    {"keep", Token::keep},
}};

constexpr std::array<std::pair<std::string_view, double>, 13> kByteUnits = {{{"B", 1},
                                                                             {"kB", 1e3},
                                                                             {"KB", 1e3},
                                                                             {"MB", 1e6},
                                                                             {"GB", 1e9},
                                                                             {"TB", 1e12},
                                                                             {"PB", 1e15},
                                                                             {"KiB", 1024.0},
                                                                             {"kiB", 1024.0},
                                                                             {"MiB", 1048576.0},
                                                                             {"GiB", 1073741824.0},
                                                                             {"TiB", 1099511627776.0},
                                                                             {"PiB", 1125899906842624.0}}};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_hex(char c) {
  return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}
bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  return out;
}

// Letters beyond ASCII: any rune that is neither space nor punctuation in the common blocks. Label
// names cannot hold them anyway; it only decides where an identifier ends.
bool is_letter(std::uint32_t rune) {
  if (rune < 0x80) return (rune | 0x20) - 'a' < 26 || rune == '_';
  return rune >= 0xAA && rune != 0xD7 && rune != 0xF7 && !(rune >= 0x2000 && rune < 0x2C00) &&
         !(rune >= 0x3000 && rune < 0x3005) && rune < 0xE000;
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  Result<std::vector<Lexeme>> run() {
    if (!is_utf8(text_)) return semantic_error("invalid UTF-8 encoding");
    while (true) {
      TRY(skip_blanks());
      Lexeme lexeme;
      lexeme.line = line_;
      lexeme.column = column_;
      if (at_ == text_.size()) {
        out_.push_back(std::move(lexeme));
        break;
      }
      TRY(read(lexeme));
      out_.push_back(std::move(lexeme));
    }
    classify_functions();
    return std::move(out_);
  }

 private:
  char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }

  void advance(std::size_t bytes) {
    for (std::size_t end = at_ + bytes; at_ < end; ++at_) {
      if (text_[at_] == '\n') {
        ++line_;
        column_ = 1;
      } else if ((text_[at_] & 0xC0) != 0x80) {
        ++column_;  // one for every character, not for every byte
      }
    }
  }

  Error fail(std::string_view what) const {
    Lexeme here;
    here.line = line_;
    here.column = column_;
    return error_at(here, what);
  }

  Result<void> skip_blanks() {
    while (at_ < text_.size()) {
      if (is_blank(peek())) {
        advance(1);
      } else if (peek() == '#' || (peek() == '/' && peek(1) == '/')) {
        std::size_t end = text_.find('\n', at_);
        advance((end == text_.npos ? text_.size() : end) - at_);
      } else if (peek() == '/' && peek(1) == '*') {
        std::size_t end = text_.find("*/", at_ + 2);
        if (end == text_.npos) return fail("comment not terminated");
        advance(end + 2 - at_);
      } else {
        break;
      }
    }
    return {};
  }

  Result<void> read(Lexeme& out) {
    char c = peek();
    if (is_digit(c) || (c == '.' && is_digit(peek(1)))) return read_number(out);
    if (c == '-' && (is_digit(peek(1)) || (peek(1) == '.' && is_digit(peek(2))))) {
      // A negative duration is one token; other numbers leave their sign to the grammar.
      if (auto end = duration_end(at_ + 1)) return take_duration(out, *end);
    }
    if (c == '"' || c == '`') return read_string(out);
    if (c == '\'') return read_character(out);
    if (c == '[') return read_range(out);
    if (c == '-' && peek(1) == '-' && is_letter(static_cast<unsigned char>(peek(2)))) return read_flag(out);
    Rune rune = decode_rune(text_, at_);
    if (is_letter(rune.value)) {
      read_word(out);
      return {};
    }
    read_operator(out, rune.length);
    return {};
  }

  void read_word(Lexeme& out) {
    std::size_t end = at_;
    while (end < text_.size()) {
      Rune rune = decode_rune(text_, end);
      if (!is_letter(rune.value) && !(rune.value < 0x80 && is_digit(static_cast<char>(rune.value)))) break;
      end += rune.length;
    }
    out.text = text_.substr(at_, end - at_);
    out.token = Token::identifier;
    std::string word = lower(out.text);
    for (auto [name, token] : kKeywords)
      if (word == name) out.token = token;
    advance(end - at_);
  }

  void read_operator(Lexeme& out, std::size_t rune_length) {
    static constexpr std::array<Word, 12> kTwo = {{{"|=", Token::pipe_equal},
                                                   {"|~", Token::pipe_matches},
                                                   {"|>", Token::pipe_pattern},
                                                   {"!>", Token::not_pattern},
                                                   {"!=", Token::not_equal},
                                                   {"!~", Token::not_matches},
                                                   {"=~", Token::matches},
                                                   {"==", Token::compare_equal},
                                                   {">=", Token::greater_equal},
                                                   {"<=", Token::less_equal}}};
    static constexpr std::array<Word, 16> kOne = {{{"{", Token::open_brace},
                                                   {"}", Token::close_brace},
                                                   {"(", Token::open_paren},
                                                   {")", Token::close_paren},
                                                   {",", Token::comma},
                                                   {".", Token::dot},
                                                   {"|", Token::pipe},
                                                   {"=", Token::equal},
                                                   {">", Token::greater},
                                                   {"<", Token::less},
                                                   {"+", Token::add},
                                                   {"-", Token::subtract},
                                                   {"*", Token::multiply},
                                                   {"/", Token::divide},
                                                   {"%", Token::modulo},
                                                   {"^", Token::power}}};
    std::size_t length = rune_length == 0 ? 1 : rune_length;
    out.token = Token::other;
    for (auto [text, token] : kOne)
      if (text_.substr(at_, 1) == text) out.token = token;
    for (auto [text, token] : kTwo)
      if (!text.empty() && text_.substr(at_, 2) == text) {
        out.token = token;
        length = 2;
      }
    out.text = text_.substr(at_, length);
    advance(length);
  }

  // Where a number in Go's syntax ends.
  std::size_t number_end(std::size_t at) const {
    auto ch = [&](std::size_t i) { return i < text_.size() ? text_[i] : '\0'; };
    if (ch(at) == '0' && (ch(at + 1) | 0x20) == 'x' && (is_hex(ch(at + 2)) || ch(at + 2) == '.')) {
      at += 2;
      while (is_hex(ch(at)) || ch(at) == '.' || ch(at) == '_') ++at;
      if ((ch(at) | 0x20) == 'p') {
        std::size_t digits = at + 1 + (ch(at + 1) == '+' || ch(at + 1) == '-');
        if (is_digit(ch(digits)))
          for (at = digits; is_digit(ch(at));) ++at;
      }
      return at;
    }
    if (ch(at) == '0' && ((ch(at + 1) | 0x20) == 'b' || (ch(at + 1) | 0x20) == 'o') && is_digit(ch(at + 2))) {
      at += 2;
      while (is_digit(ch(at)) || ch(at) == '_') ++at;
      return at;
    }
    while (is_digit(ch(at)) || ch(at) == '_') ++at;
    if (ch(at) == '.')
      for (++at; is_digit(ch(at)) || ch(at) == '_';) ++at;
    if ((ch(at) | 0x20) == 'e') {
      std::size_t digits = at + 1 + (ch(at + 1) == '+' || ch(at + 1) == '-');
      if (is_digit(ch(digits)))
        for (at = digits; is_digit(ch(at));) ++at;
    }
    return at;
  }

  // Where a duration that begins at `at` ends, if there is one.
  std::optional<std::size_t> duration_end(std::size_t at) {
    std::size_t end = number_end(at);
    std::size_t digits = end;
    while (end < text_.size()) {
      char c = text_[end];
      if (is_digit(c) || c == '.' || std::string_view("nsumhdwy").find(c) != std::string_view::npos) {
        ++end;
      } else if (text_.substr(end, 2) == "\xC2\xB5" || text_.substr(end, 2) == "\xCE\xBC") {
        end += 2;
      } else {
        break;
      }
    }
    if (end == digits) return std::nullopt;
    auto ns = text::parse_duration(text_.substr(at, end - at));
    if (!ns) return std::nullopt;
    duration_ns_ = *ns;
    return end;
  }

  Result<void> take_duration(Lexeme& out, std::size_t end) {
    bool negative = peek() == '-';
    out.token = Token::duration;
    out.text = text_.substr(at_, end - at_);
    out.duration_ns = negative ? -duration_ns_ : duration_ns_;
    advance(end - at_);
    return {};
  }

  Result<void> read_number(Lexeme& out) {
    if (auto end = duration_end(at_)) return take_duration(out, *end);
    std::size_t end = number_end(at_);
    std::string_view number = text_.substr(at_, end - at_);
    std::size_t unit_end = end;
    while (unit_end < text_.size() && ((text_[unit_end] | 0x20) - 'a' + 0u) < 26) ++unit_end;
    std::string_view unit = text_.substr(end, unit_end - end);
    for (auto [name, scale] : kByteUnits) {
      if (unit != name) continue;
      auto value = text::parse_float(number);
      if (!value) break;
      out.token = Token::bytes;
      out.value = *value * scale;
      out.text = text_.substr(at_, unit_end - at_);
      advance(unit_end - at_);
      return {};
    }
    out.token = Token::number;
    out.text = number;
    auto value = text::parse_float(number);
    if (!value) return fail("unable to parse literal as a float: " + value.error().message());
    out.value = *value;
    advance(end - at_);
    return {};
  }

  // Everything up to `]` is a duration of Prometheus.
  Result<void> read_range(Lexeme& out) {
    std::size_t end = text_.find(']', at_);
    if (end == text_.npos) return fail("missing closing ']' in duration");
    std::string_view inside = text_.substr(at_ + 1, end - at_ - 1);
    auto ns = text::parse_prometheus_duration(inside);
    if (!ns) return fail(ns.error().message());
    out.token = Token::range;
    out.text = inside;
    out.duration_ns = *ns;
    advance(end + 1 - at_);
    return {};
  }

  Result<void> read_flag(Lexeme& out) {
    std::size_t end = at_ + 2;
    while (end < text_.size() && (is_letter(static_cast<unsigned char>(text_[end])) || text_[end] == '-'))
      ++end;
    std::string_view flag = text_.substr(at_, end - at_);
    if (flag != "--strict" && flag != "--keep-empty") {
      read_operator(out, 1);  // two minus signs
      return {};
    }
    out.token = Token::function_flag;
    out.text = flag;
    advance(end - at_);
    return {};
  }

  // 'x' is no string; Go's scanner takes it as one token, which the grammar takes for a word.
  Result<void> read_character(Lexeme& out) {
    std::size_t end = at_ + 1;
    while (end < text_.size() && text_[end] != '\'' && text_[end] != '\n') end += text_[end] == '\\' ? 2 : 1;
    if (end >= text_.size() || text_[end] != '\'') return fail("literal not terminated");
    out.token = Token::identifier;
    out.text = text_.substr(at_, end + 1 - at_);
    advance(end + 1 - at_);
    return {};
  }

  Result<void> read_string(Lexeme& out) {
    out.token = Token::string;
    if (peek() == '`') {
      std::size_t end = text_.find('`', at_ + 1);
      if (end == text_.npos) return fail("literal not terminated");
      for (char c : text_.substr(at_ + 1, end - at_ - 1))
        if (c != '\r') out.text += c;  // Go drops them from raw strings
      advance(end + 1 - at_);
      return {};
    }
    std::size_t i = at_ + 1;
    while (true) {
      if (i >= text_.size() || text_[i] == '\n') return fail("literal not terminated");
      char c = text_[i];
      if (c == '"') break;
      if (c != '\\') {
        out.text += c;
        ++i;
        continue;
      }
      if (!read_escape(++i, out.text)) return fail("invalid char escape");
    }
    advance(i + 1 - at_);
    return {};
  }

  // One escape of Go behind its backslash; `i` moves behind it.
  bool read_escape(std::size_t& i, std::string& out) const {
    if (i >= text_.size()) return false;
    char c = text_[i++];
    static constexpr std::string_view kFrom = "abfnrtv\\\"", kTo = "\a\b\f\n\r\t\v\\\"";
    if (std::size_t k = kFrom.find(c); k != kFrom.npos) {
      out += kTo[k];
      return true;
    }
    int digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    std::uint32_t value = 0;
    if (digits > 0) {
      for (int k = 0; k < digits; ++k, ++i) {
        if (i >= text_.size() || !is_hex(text_[i])) return false;
        value = value << 4 | static_cast<std::uint32_t>(is_digit(text_[i]) ? text_[i] - '0'
                                                                           : (text_[i] | 0x20) - 'a' + 10);
      }
      if (c == 'x') {
        out += static_cast<char>(value);
        return true;
      }
      if (value > 0x10FFFF || (value >= 0xD800 && value < 0xE000)) return false;
      append_rune(out, value);
      return true;
    }
    if (c < '0' || c > '7') return false;
    value = static_cast<std::uint32_t>(c - '0');
    for (int k = 0; k < 2; ++k, ++i) {
      if (i >= text_.size() || text_[i] < '0' || text_[i] > '7') return false;
      value = value * 8 + static_cast<std::uint32_t>(text_[i] - '0');
    }
    if (value > 255) return false;
    out += static_cast<char>(value);
    return true;
  }

  // Function names are words unless `(` follows, or by/without behind a vector aggregation.
  void classify_functions() {
    for (std::size_t i = 0; i + 1 < out_.size(); ++i) {
      Lexeme& word = out_[i];
      if (word.token != Token::identifier) continue;
      Token next = out_[i + 1].token;
      bool call = next == Token::open_paren;
      if (!call && next != Token::by && next != Token::without) continue;
      std::string name = lower(word.text);
      Token token = Token::identifier;
      if (vector_op(name)) token = Token::vector_function;
      if (call) {
        if (range_op(name)) token = Token::range_function;
        if (name == "vector") token = Token::vector_literal;
        if (name == "label_replace") token = Token::label_replace;
        if (name == "ip") token = Token::ip;
        if (name == "bytes" || name == "duration" || name == "duration_seconds")
          token = Token::convert_function;
      }
      if (token == Token::identifier) continue;
      word.token = token;
      word.text = name;
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int line_ = 1;
  int column_ = 1;
  std::int64_t duration_ns_ = 0;
  std::vector<Lexeme> out_;
};

}  // namespace

std::string_view name_of(Token token) {
  switch (token) {
    case Token::end: return "$end";
    case Token::identifier: return "IDENTIFIER";
    case Token::string: return "STRING";
    case Token::number: return "NUMBER";
    case Token::duration: return "DURATION";
    case Token::bytes: return "BYTES";
    case Token::range: return "RANGE";
    case Token::function_flag: return "FUNCTION_FLAG";
    default: return "";  // shown as it is written
  }
}

Error error_at(const Lexeme& where, std::string_view what) {
  return Error(Code::invalid_argument, "parse error at line " + std::to_string(where.line) + ", col " +
                                           std::to_string(where.column) + ": " + std::string(what));
}

Error semantic_error(std::string_view what) {
  return Error(Code::invalid_argument, "parse error : " + std::string(what));
}

Result<std::vector<Lexeme>> lex(std::string_view text) {
  if (text.size() > kQueryBytesMax)
    return semantic_error("input size too long (" + std::to_string(text.size()) + " > " +
                          std::to_string(kQueryBytesMax) + ")");
  return Lexer(text).run();
}

}  // namespace weft::logql
