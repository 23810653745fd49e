#include "wire/json/document.h"

#include <cstring>
#include <optional>

#include "base/utf8.h"

namespace weft::wire {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// As Go's decoder reads text: every byte that is not UTF-8 is U+FFFD.
std::string replace_invalid_utf8(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    Rune rune = decode_rune(text, at);
    out += rune.length == 0 ? kReplacement : text.substr(at, rune.length);
    at += rune.length == 0 ? 1 : rune.length;
  }
  return out;
}

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

std::string_view trim_end(std::string_view token) {
  while (!token.empty() && is_space(token.back())) token.remove_suffix(1);
  return token;
}

on_demand::json_type type_of(on_demand::value value) {
  on_demand::json_type type;
  return value.type().get(type) ? on_demand::json_type::null : type;
}

std::optional<std::uint32_t> hex4(std::string_view text, std::size_t at) {
  if (at + 4 > text.size()) return std::nullopt;
  std::uint32_t value = 0;
  for (char c : text.substr(at, 4)) {
    int digit = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : -1;
    if (digit < 0) return std::nullopt;
    value = value << 4 | static_cast<std::uint32_t>(digit);
  }
  return value;
}

// Appends the code point of the escape \uXXXX whose digits begin at `at`, with its second half when
// it is a surrogate; a lone one is U+FFFD, as in Go. Returns where the text goes on.
std::size_t append_unicode_escape(std::string& out, std::string_view text, std::size_t at) {
  auto first = hex4(text, at);
  if (!first) return 0;
  at += 4;
  if (*first < 0xD800 || *first > 0xDFFF) {
    append_rune(out, *first);
    return at;
  }
  if (*first <= 0xDBFF && text.substr(at, 2) == "\\u") {
    auto second = hex4(text, at + 2);
    if (second && *second >= 0xDC00 && *second <= 0xDFFF) {
      append_rune(out, 0x10000 + ((*first - 0xD800) << 10) + (*second - 0xDC00));
      return at + 6;
    }
  }
  out += kReplacement;
  return at;
}

}  // namespace

Error json_error(simdjson::error_code code) {
  return Error(Code::invalid_argument,
               std::string("body is not valid JSON: ") + simdjson::error_message(code));
}

Error json_type_error(std::string_view what, std::string_view expected) {
  return Error(Code::invalid_argument, std::string(what) + " must be " + std::string(expected));
}

simdjson::error_code JsonDocument::parse(std::string_view body) {
  char* padded = static_cast<char*>(arena_.allocate(body.size() + simdjson::SIMDJSON_PADDING, 1));
  if (!body.empty()) std::memcpy(padded, body.data(), body.size());
  std::memset(padded + body.size(), 0, simdjson::SIMDJSON_PADDING);
  simdjson::padded_string_view view(padded, body.size(), body.size() + simdjson::SIMDJSON_PADDING);
  return parser_.iterate(view).get(document_);
}

Result<on_demand::json_type> JsonDocument::begin(std::string_view body) {
  simdjson::error_code error = parse(body);
  if (error == simdjson::UTF8_ERROR) error = parse(replace_invalid_utf8(body));
  if (error) return json_error(error);
  on_demand::json_type type;
  return document_.type().get(type) ? on_demand::json_type::null : type;
}

Result<on_demand::object> JsonDocument::open(std::string_view body) {
  if (TRY(begin(body)) != on_demand::json_type::object) return json_type_error("body", "a JSON object");
  on_demand::object object;
  if (auto wrong = document_.get_object().get(object)) return json_error(wrong);
  return object;
}

Result<on_demand::array> JsonDocument::open_list(std::string_view body) {
  if (TRY(begin(body)) != on_demand::json_type::array) return json_type_error("body", "a JSON array");
  on_demand::array array;
  if (auto wrong = document_.get_array().get(array)) return json_error(wrong);
  return array;
}

Result<void> JsonDocument::close() {
  if (document_.current_location().error() != simdjson::OUT_OF_BOUNDS)
    return Error(Code::invalid_argument, "body is not valid JSON: bytes follow its end");
  return {};
}

Result<std::string_view> JsonDocument::string(on_demand::value value) {
  std::string_view token = trim_end(value.raw_json_token());
  on_demand::raw_json_string consumed;
  if (auto error = value.get_raw_json_string().get(consumed)) return json_error(error);
  if (token.size() < 2 || token.back() != '"') return json_error(simdjson::STRING_ERROR);
  std::string_view text = token.substr(1, token.size() - 2);
  if (text.find('\\') == std::string_view::npos) return text;
  std::string_view plain = unescape(text);
  if (plain.data() == nullptr) return json_error(simdjson::STRING_ERROR);
  return plain;
}

Result<std::string_view> JsonDocument::key(on_demand::field& field) {
  const char* begin = field.key().raw();
  const char* end = begin;
  bool escaped = false;
  // The structure has been checked: the closing quote is there.
  for (; *end != '"'; ++end) {
    if (*end != '\\') continue;
    escaped = true;
    ++end;
  }
  std::string_view text(begin, static_cast<std::size_t>(end - begin));
  if (!escaped) return text;
  std::string_view plain = unescape(text);
  if (plain.data() == nullptr) return json_error(simdjson::STRING_ERROR);
  return plain;
}

// No data() when an escape is wrong. Lone surrogates make this our own: simdjson refuses them.
std::string_view JsonDocument::unescape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    std::size_t stop = std::min(text.find('\\', at), text.size());
    out.append(text, at, stop - at);
    if (stop == text.size()) break;
    if (stop + 1 == text.size()) return {};
    at = stop + 2;
    static constexpr std::string_view kNames = "\"\\/bfnrt";
    static constexpr std::string_view kValues = "\"\\/\b\f\n\r\t";
    if (auto i = kNames.find(text[stop + 1]); i != std::string_view::npos) {
      out += kValues[i];
    } else {
      if (text[stop + 1] != 'u') return {};
      at = append_unicode_escape(out, text, at);
      if (at == 0) return {};
    }
  }
  return arena_.copy(out);
}

bool is_string(on_demand::value value) {
  return type_of(value) == on_demand::json_type::string;
}
bool is_object(on_demand::value value) {
  return type_of(value) == on_demand::json_type::object;
}
bool is_array(on_demand::value value) {
  return type_of(value) == on_demand::json_type::array;
}
bool is_null(on_demand::value value) {
  bool null = false;
  return !value.is_null().get(null) && null;
}

std::string_view scalar_token(on_demand::value value) {
  if (is_object(value) || is_array(value)) return {};
  return trim_end(value.raw_json_token());
}

Result<std::string_view> raw_text(on_demand::value value) {
  std::string_view text;
  if (is_object(value)) {
    on_demand::object object;
    if (auto error = value.get_object().get(object)) return json_error(error);
    if (auto error = object.raw_json().get(text)) return json_error(error);
  } else if (is_array(value)) {
    on_demand::array array;
    if (auto error = value.get_array().get(array)) return json_error(error);
    if (auto error = array.raw_json().get(text)) return json_error(error);
  } else {
    return scalar_token(value);
  }
  return trim_end(text);
}

}  // namespace weft::wire
