#include "traceql/syntax/lexer.h"

#include <charconv>

#include "base/utf8.h"
#include "text/units.h"
#include "traceql/syntax/names.h"

namespace weft::traceql {
namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
// What ends an attribute name that is not quoted.
bool ends_name(char c) {
  return is_space(c) || std::string_view("{}()=~!<>&|^,").find(c) != std::string_view::npos;
}

std::optional<Scope> find_scope(std::string_view word) {
  for (Scope scope : {Scope::span, Scope::resource, Scope::event, Scope::link, Scope::instrumentation})
    if (scope_prefix(scope).substr(0, scope_prefix(scope).size() - 1) == word) return scope;
  return std::nullopt;
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  Result<std::vector<Token>> run() {
    std::vector<Token> tokens;
    for (;;) {
      TRY(skip_blank());
      begin();
      if (at_ == text_.size()) break;
      TRY(read());
      finish();
      tokens.push_back(std::move(token_));
    }
    token_.kind = TokenKind::end;
    tokens.push_back(std::move(token_));
    return tokens;
  }

 private:
  char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
  std::string_view rest() const { return text_.substr(at_); }

  void begin() {
    for (; counted_ < at_; ++counted_) {
      if (text_[counted_] == '\n') {
        ++line_;
        column_ = 1;
      } else if ((static_cast<unsigned char>(text_[counted_]) & 0xC0) != 0x80) {
        ++column_;
      }
    }
    token_ = Token{};
    token_.line = line_;
    token_.column = column_;
    start_ = at_;
  }
  void finish() { token_.raw = text_.substr(start_, at_ - start_); }
  Error fail(const std::string& what) const { return parse_error(token_, what); }

  Result<void> skip_blank() {
    for (;;) {
      if (is_space(peek())) {
        ++at_;
      } else if (rest().starts_with("//")) {
        while (at_ < text_.size() && text_[at_] != '\n') ++at_;
      } else if (rest().starts_with("/*")) {
        begin();
        std::size_t close = text_.find("*/", at_ + 2);
        if (close == std::string_view::npos) return fail("comment not terminated");
        at_ = close + 2;
      } else {
        return {};
      }
    }
  }

  Result<void> read() {
    char c = peek();
    if (c == '"') return read_quoted();
    if (c == '`') return read_raw();
    if (is_digit(c) || (c == '.' && is_digit(peek(1)))) return read_number();
    if (c == '.') {
      ++at_;
      return read_attribute(Scope::none);
    }
    if (is_letter(c)) return read_word();
    return read_symbol();
  }

  Result<void> read_symbol() {
    static constexpr std::string_view kSymbols[] = {"!>>", "!<<", "&>>", "&<<", "&&", "||", "!=", "=~", "!~",
                                                    "<=",  ">=",  ">>",  "<<",  "!>", "!<", "&>", "&<", "&~",
                                                    "{",   "}",   "(",   ")",   ",",  "|",  "!",  "=",  "<",
                                                    ">",   "~",   "+",   "-",   "*",  "/",  "%",  "^"};
    token_.kind = TokenKind::symbol;
    for (std::string_view symbol : kSymbols)
      if (rest().starts_with(symbol)) {
        at_ += symbol.size();
        return {};
      }
    Rune rune = decode_rune(text_, at_);
    std::string shown(text_.substr(at_, rune.length == 0 ? 0 : rune.length));
    return fail("syntax error: unexpected " + (shown.empty() ? "invalid character" : shown));
  }

  Result<void> read_word() {
    while (is_letter(peek()) || is_digit(peek())) ++at_;
    std::string_view word = text_.substr(start_, at_ - start_);
    if (peek() == '.') {
      if (word == "parent") return read_parent();
      if (std::optional<Scope> scope = find_scope(word)) {
        ++at_;
        return read_attribute(*scope);
      }
    }
    if (peek() == ':' && is_letter(peek(1))) {
      ++at_;
      while (is_letter(peek()) || is_digit(peek())) ++at_;
      word = text_.substr(start_, at_ - start_);
      token_.attribute.intrinsic = find_intrinsic(word);
      if (token_.attribute.intrinsic == Intrinsic::none)
        return fail("unknown identifier: " + std::string(word));
      token_.kind = TokenKind::attribute;
      return {};
    }
    token_.attribute.intrinsic = find_intrinsic(word);
    token_.kind =
        token_.attribute.intrinsic == Intrinsic::none ? TokenKind::identifier : TokenKind::attribute;
    return {};
  }

  Result<void> read_parent() {
    ++at_;
    token_.attribute.of_parent = true;
    for (Scope scope : {Scope::span, Scope::resource})
      if (rest().starts_with(scope_prefix(scope))) {
        at_ += scope_prefix(scope).size();
        return read_attribute(scope);
      }
    return read_attribute(Scope::none);
  }

  // The name behind the prefix: plain and quoted parts.
  Result<void> read_attribute(Scope scope) {
    token_.kind = TokenKind::attribute;
    token_.attribute.scope = scope;
    std::string& key = token_.attribute.key;
    while (at_ < text_.size() && !ends_name(text_[at_])) {
      if (text_[at_] != '"') {
        key += text_[at_++];
        continue;
      }
      ++at_;
      for (;; ++at_) {
        if (at_ == text_.size()) return fail("unexpected EOF, expecting \"");
        char c = text_[at_];
        if (c == '"') break;
        if (c == '\\') {
          ++at_;
          if (peek() != '"' && peek() != '\\') return fail("invalid escape sequence");
          c = peek();
        }
        key += c;
      }
      ++at_;
    }
    if (key.empty()) return fail("syntax error: unexpected END_ATTRIBUTE, expecting IDENTIFIER");
    return {};
  }

  Result<void> read_raw() {
    std::size_t close = text_.find('`', at_ + 1);
    if (close == std::string_view::npos) return fail("literal not terminated");
    token_.kind = TokenKind::string;
    token_.literal.type = Type::string;
    token_.literal.text = text_.substr(at_ + 1, close - at_ - 1);
    at_ = close + 1;
    return {};
  }

  Result<void> read_quoted() {
    token_.kind = TokenKind::string;
    token_.literal.type = Type::string;
    for (++at_; peek() != '"'; ++at_) {
      if (at_ >= text_.size() || peek() == '\n') return fail("literal not terminated");
      if (peek() == '\\') {
        ++at_;
        TRY(read_escape());
      } else {
        token_.literal.text += peek();
      }
    }
    ++at_;
    return {};
  }

  // Go's escapes; at_ is on the character behind the backslash and ends on the last one of it.
  Result<void> read_escape() {
    static constexpr std::string_view kFrom = "abfnrtv\\\"";
    static constexpr std::string_view kTo = "\a\b\f\n\r\t\v\\\"";
    char c = peek();
    if (std::size_t i = kFrom.find(c); c != '\0' && i != std::string_view::npos) {
      token_.literal.text += kTo[i];
      return {};
    }
    if (c == 'x' || c == 'u' || c == 'U') {
      std::uint32_t value = 0;
      TRY(read_digits(at_ + 1, c == 'x' ? 2 : c == 'u' ? 4 : 8, 16, value));
      at_ += c == 'x' ? 2 : c == 'u' ? 4 : 8;
      if (c == 'x')
        token_.literal.text += static_cast<char>(value);
      else if (value > 0x10FFFF || (value >= 0xD800 && value < 0xE000))
        return fail("invalid escape sequence");
      else
        append_rune(token_.literal.text, value);
      return {};
    }
    if (c >= '0' && c <= '7') {
      std::uint32_t value = 0;
      TRY(read_digits(at_, 3, 8, value));
      if (value > 255) return fail("invalid escape sequence");
      token_.literal.text += static_cast<char>(value);
      at_ += 2;
      return {};
    }
    return fail("invalid escape sequence");
  }

  Result<void> read_digits(std::size_t from, std::size_t count, int base, std::uint32_t& out) {
    if (from + count > text_.size()) return fail("invalid escape sequence");
    const char* first = text_.data() + from;
    auto [end, error] = std::from_chars(first, first + count, out, base);
    if (error != std::errc() || end != first + count) return fail("invalid escape sequence");
    return {};
  }

  Result<void> read_number() {
    bool fraction = false;
    while (is_digit(peek())) ++at_;
    if (peek() == '.') {
      fraction = true;
      ++at_;
      while (is_digit(peek())) ++at_;
    }
    if (peek() == 'e' || peek() == 'E') {
      std::size_t sign = peek(1) == '+' || peek(1) == '-' ? 1 : 0;
      if (is_digit(peek(1 + sign))) {
        fraction = true;
        at_ += 1 + sign;
        while (is_digit(peek())) ++at_;
      }
    }
    if (is_letter(peek()) || rest().starts_with("µ") || rest().starts_with("μ")) return read_duration();
    std::string_view digits = text_.substr(start_, at_ - start_);
    const char* end = digits.data() + digits.size();
    if (fraction) {
      token_.kind = TokenKind::number;
      token_.literal.type = Type::number;
      auto [stop, error] = std::from_chars(digits.data(), end, token_.literal.number);
      if (error != std::errc() || stop != end) return fail("number out of range: " + std::string(digits));
      return {};
    }
    token_.kind = TokenKind::integer;
    token_.literal.type = Type::integer;
    auto [stop, error] = std::from_chars(digits.data(), end, token_.literal.integer);
    if (error != std::errc() || stop != end)
      return fail("strconv.ParseInt: parsing \"" + std::string(digits) + "\": value out of range");
    return {};
  }

  Result<void> read_duration() {
    while (is_letter(peek()) || is_digit(peek()) || peek() == '.' ||
           static_cast<unsigned char>(peek()) >= 0x80)
      ++at_;
    std::string_view text = text_.substr(start_, at_ - start_);
    Result<std::int64_t> ns = text::parse_duration(text);
    if (!ns) return fail(ns.error().message());
    token_.kind = TokenKind::duration;
    token_.literal.type = Type::duration;
    token_.literal.integer = *ns;
    return {};
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t start_ = 0;
  std::size_t counted_ = 0;
  std::size_t line_ = 1;
  std::size_t column_ = 1;
  Token token_;
};

}  // namespace

Error parse_error(const Token& at, const std::string& what) {
  return Error(Code::invalid_argument, "parse error at line " + std::to_string(at.line) + ", col " +
                                           std::to_string(at.column) + ": " + what);
}

Result<std::vector<Token>> tokenize(std::string_view text) {
  return Lexer(text).run();
}

Result<AttributeRef> parse_attribute(std::string_view text) {
  std::vector<Token> tokens = TRY(tokenize(text));
  if (tokens.size() != 2 || tokens[0].kind != TokenKind::attribute)
    return parse_error(tokens[tokens.size() == 1 ? 0 : 1], "syntax error: not an attribute");
  return tokens[0].attribute;
}

}  // namespace weft::traceql
