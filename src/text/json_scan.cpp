#include "text/json_scan.h"

#include <algorithm>

#include "base/utf8.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace weft::text {
namespace {

constexpr std::size_t kNone = std::string_view::npos;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_blank(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

std::size_t skip_blanks(std::string_view s, std::size_t at) {
  while (at < s.size() && is_blank(s[at])) ++at;
  return at < s.size() ? at : kNone;
}

// The first of three bytes from `at` on.
std::size_t find_any(std::string_view s, std::size_t at, char a, char b, char c) {
#if defined(__SSE2__)
  const __m128i va = _mm_set1_epi8(a), vb = _mm_set1_epi8(b), vc = _mm_set1_epi8(c);
  for (; at + 16 <= s.size(); at += 16) {
    __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(s.data() + at));
    __m128i hit =
        _mm_or_si128(_mm_cmpeq_epi8(x, va), _mm_or_si128(_mm_cmpeq_epi8(x, vb), _mm_cmpeq_epi8(x, vc)));
    if (int mask = _mm_movemask_epi8(hit))
      return at + static_cast<std::size_t>(__builtin_ctz(static_cast<unsigned>(mask)));
  }
#endif
  for (; at < s.size(); ++at)
    if (s[at] == a || s[at] == b || s[at] == c) return at;
  return kNone;
}

// Where the quote is that ends a string whose text begins at `at`.
std::size_t string_end(std::string_view s, std::size_t at) {
  while (true) {
    at = find_any(s, at, '"', '\\', '"');
    if (at == kNone || s[at] == '"') return at;
    at += 2;
    if (at > s.size()) return kNone;
  }
}

// Behind the bracket that closes the one at `at`. Only brackets of this kind are counted.
std::size_t block_end(std::string_view s, std::size_t at, char open, char close) {
  std::size_t depth = 0;
  while (true) {
    at = find_any(s, at, '"', open, close);
    if (at == kNone) return kNone;
    if (s[at] == '"') {
      at = string_end(s, at + 1);
      if (at == kNone) return kNone;
    } else if (s[at] == open) {
      ++depth;
    } else if (--depth == 0) {
      return at + 1;
    }
    ++at;
  }
}

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  char l = static_cast<char>(c | 0x20);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

// The code unit of four digits at `at`; -1: they are none.
std::int32_t code_unit(std::string_view s, std::size_t at) {
  if (at + 4 > s.size()) return -1;
  std::int32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    int digit = hex_digit(s[at + i]);
    if (digit < 0) return -1;
    value = value << 4 | digit;
  }
  return value;
}

// A space in place of U+FFFD, as Loki has it; returns the new end. Never longer than the escape.
char* put_shown_rune(char* out, std::uint32_t v) { return put_rune(out, v == 0xFFFD ? ' ' : v); }

// True when a copy has to be made: an escape, U+FFFD, or bytes that are not UTF-8.
bool needs_change(std::string_view raw) {
  bool ascii = true;
  std::size_t i = 0;
#if defined(__SSE2__)
  const __m128i backslash = _mm_set1_epi8('\\');
  for (; i + 16 <= raw.size(); i += 16) {
    __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(raw.data() + i));
    if (_mm_movemask_epi8(_mm_cmpeq_epi8(x, backslash))) return true;
    if (_mm_movemask_epi8(x)) ascii = false;
  }
#endif
  for (; i < raw.size(); ++i) {
    if (raw[i] == '\\') return true;
    if (static_cast<unsigned char>(raw[i]) >= 0x80) ascii = false;
  }
  return !ascii && (!is_utf8(raw) || raw.find("\xEF\xBF\xBD") != raw.npos);
}

}  // namespace

std::string_view message_of(JsonError error) {
  switch (error) {
    case JsonError::none: return "";
    case JsonError::malformed_json: return "Malformed JSON error";
    case JsonError::malformed_object: return "Value looks like object, but can't find closing '}' symbol";
    case JsonError::malformed_array: return "Value is array, but can't find closing ']' symbol";
    case JsonError::malformed_string: return "Value is string, but can't find closing '\"' symbol";
    case JsonError::malformed_escape: return "Encountered an invalid escape sequence in a string";
    case JsonError::unknown_value: return "Unknown value type";
  }
  return "";
}

JsonError read_json_value(std::string_view s, JsonValue& value, std::size_t& end) {
  using Type = JsonValue::Type;
  std::size_t at = skip_blanks(s, 0);
  if (at == kNone) return JsonError::malformed_json;
  char c = s[at];
  if (c == '"') {
    std::size_t quote = string_end(s, at + 1);
    if (quote == kNone) return JsonError::malformed_string;
    value = {Type::string, s.substr(at + 1, quote - at - 1)};
    end = quote + 1;
    return JsonError::none;
  }
  if (c == '{' || c == '[') {
    end = block_end(s, at, c, c == '{' ? '}' : ']');
    if (end == kNone) return c == '{' ? JsonError::malformed_object : JsonError::malformed_array;
    value = {c == '{' ? Type::object : Type::array, s.substr(at, end - at)};
    return JsonError::none;
  }
  end = at;
  while (end < s.size() && !is_blank(s[end]) && s[end] != ',' && s[end] != '}' && s[end] != ']') ++end;
  std::string_view token = s.substr(at, end - at);
  if (token == "true" || token == "false") {
    value = {Type::boolean, token};
  } else if (token == "null") {
    value = {Type::null, token};
  } else if (is_digit(c) || c == '-') {
    value = {Type::number, token};
  } else {
    return JsonError::unknown_value;
  }
  return JsonError::none;
}

bool JsonObjectScanner::next(std::string_view& key, JsonValue& value) {
  if (error_ != JsonError::none) return false;
  if (!begun_) {
    begun_ = true;
    std::size_t open = skip_blanks(text_, 0);
    if (open == kNone || text_[open] != '{') return fail(JsonError::malformed_object);
    at_ = skip_blanks(text_, open + 1);
    if (at_ == kNone) return fail(JsonError::malformed_json);
  } else {
    at_ = skip_blanks(text_, at_);
    if (at_ == kNone) return fail(JsonError::malformed_array);
    if (text_[at_] == ',') {
      at_ = skip_blanks(text_, at_ + 1);
      if (at_ == kNone) return fail(JsonError::malformed_array);
    } else if (text_[at_] != '}') {
      return fail(JsonError::malformed_object);
    }
  }
  if (text_[at_] == '}') return false;
  if (text_[at_] != '"') return fail(JsonError::malformed_object);
  std::size_t quote = string_end(text_, at_ + 1);
  if (quote == kNone) return fail(JsonError::malformed_json);
  key = text_.substr(at_ + 1, quote - at_ - 1);
  std::size_t colon = skip_blanks(text_, quote + 1);
  if (colon == kNone || text_[colon] != ':') return fail(JsonError::malformed_json);
  std::size_t end = 0;
  JsonError error = read_json_value(text_.substr(colon + 1), value, end);
  if (error != JsonError::none) return fail(error);
  at_ = colon + 1 + end;
  return true;
}

Result<std::vector<JsonStep>> parse_json_path(std::string_view path) {
  std::vector<JsonStep> out;
  auto bad = [&] {
    return Error(Code::invalid_argument, "cannot parse expression [" + std::string(path) + "]");
  };
  auto is_name = [](char c) {
    return is_digit(c) || c == '_' || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c & 0x80);
  };
  std::size_t at = 0;
  if (path.empty()) return bad();
  while (at < path.size()) {
    JsonStep step;
    if (path[at] == '[') {
      ++at;
      if (at < path.size() && path[at] == '"') {
        for (++at; at < path.size() && path[at] != '"'; ++at) {
          if (path[at] == '\\' && at + 1 < path.size()) ++at;
          step.key += path[at];
        }
        if (at >= path.size()) return bad();
        ++at;
      } else {
        std::size_t begin = at, index = 0;
        for (; at < path.size() && is_digit(path[at]); ++at) {
          index = index * 10 + static_cast<std::size_t>(path[at] - '0');
          if (index > 1'000'000) return bad();
        }
        if (at == begin) return bad();
        step.index = index;
      }
      if (at >= path.size() || path[at] != ']') return bad();
      ++at;
    } else {
      if (!out.empty()) {
        if (path[at] != '.') return bad();
        ++at;
      }
      std::size_t begin = at;
      while (at < path.size() && is_name(path[at])) ++at;
      if (at == begin || is_digit(path[begin])) return bad();
      step.key = path.substr(begin, at - begin);
    }
    out.push_back(std::move(step));
  }
  return out;
}

JsonValue find_json(std::string_view text, std::span<const JsonStep> path) {
  JsonValue value;
  std::size_t end = 0;
  if (read_json_value(text, value, end) != JsonError::none) {
    // A document that is cut off still shows its members.
    std::size_t open = skip_blanks(text, 0);
    if (open == kNone || (text[open] != '{' && text[open] != '[')) return {};
    value = {text[open] == '{' ? JsonValue::Type::object : JsonValue::Type::array, text.substr(open)};
  }
  for (const JsonStep& step : path) {
    if (step.index) {
      if (value.type != JsonValue::Type::array) return {};
      std::string_view rest = value.raw.substr(1);
      JsonValue item;
      for (std::size_t i = 0;; ++i) {
        std::size_t at = skip_blanks(rest, 0);
        if (at == kNone || rest[at] == ']') return {};
        if (read_json_value(rest, item, end) != JsonError::none) return {};
        if (i == *step.index) break;
        at = skip_blanks(rest, end);
        if (at == kNone || rest[at] != ',') return {};
        rest.remove_prefix(at + 1);
      }
      value = item;
      continue;
    }
    if (value.type != JsonValue::Type::object) return {};
    JsonObjectScanner members(value.raw);
    std::string_view key;
    JsonValue member;
    bool found = false;
    Arena arena;
    while (!found && members.next(key, member)) {
      if (key.find('\\') == key.npos) {
        found = key == step.key;
      } else if (auto plain = unescape_json(key, arena)) {
        found = *plain == step.key;
      }
    }
    if (!found) return {};
    value = member;
  }
  return value;
}

std::optional<std::string_view> unescape_json(std::string_view raw, Arena& arena) {
  if (!needs_change(raw)) return raw;
  char* begin = static_cast<char*>(arena.allocate(raw.size(), 1));
  char* out = begin;
  for (std::size_t i = 0; i < raw.size();) {
    char c = raw[i];
    if (c != '\\') {
      if (static_cast<unsigned char>(c) < 0x80) {
        *out++ = c;
        ++i;
        continue;
      }
      Rune rune = decode_rune(raw, i);
      out = put_shown_rune(out, rune.length == 0 ? 0xFFFD : rune.value);
      i += std::max<std::size_t>(rune.length, 1);
      continue;
    }
    if (i + 1 >= raw.size()) return std::nullopt;
    static constexpr std::string_view kFrom = "\"\\/bfnrt", kTo = "\"\\/\b\f\n\r\t";
    std::size_t simple = kFrom.find(raw[i + 1]);
    if (simple != kNone) {
      *out++ = kTo[simple];
      i += 2;
      continue;
    }
    if (raw[i + 1] != 'u') return std::nullopt;
    std::int32_t unit = code_unit(raw, i + 2);
    if (unit < 0) return std::nullopt;
    i += 6;
    auto rune = static_cast<std::uint32_t>(unit);
    if (unit >= 0xD800 && unit <= 0xDFFF) {  // half of a pair: the other one must follow
      if (raw.substr(i, 2) != "\\u") return std::nullopt;
      std::int32_t low = code_unit(raw, i + 2);
      if (low < 0xDC00 || low > 0xDFFF || unit >= 0xDC00) return std::nullopt;
      i += 6;
      rune = 0x10000 + ((rune - 0xD800) << 10) + (static_cast<std::uint32_t>(low) - 0xDC00);
    }
    out = put_shown_rune(out, rune);
  }
  return std::string_view(begin, static_cast<std::size_t>(out - begin));
}

}  // namespace weft::text
