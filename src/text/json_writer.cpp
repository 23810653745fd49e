#include "text/json_writer.h"

#include <charconv>
#include <cmath>

#include "base/utf8.h"

namespace weft::text {

void append_json_string(std::string& out, std::string_view s) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  std::size_t start = 0;
  auto flush = [&](std::size_t end) { out.append(s, start, end - start); };
  for (std::size_t i = 0; i < s.size();) {
    auto c = static_cast<unsigned char>(s[i]);
    if (c >= 0x20 && c < 0x80 && c != '"' && c != '\\') {
      ++i;
      continue;
    }
    if (c >= 0x80) {
      Rune r = decode_rune(s, i);
      if (r.length != 0 && r.value != 0x2028 && r.value != 0x2029) {
        i += r.length;
        continue;
      }
      flush(i);
      if (r.length == 0) {
        out += "\\ufffd";
        i += 1;
      } else {
        out += r.value == 0x2028 ? "\\u2028" : "\\u2029";
        i += r.length;
      }
      start = i;
      continue;
    }
    flush(i);
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      case '\b': out += "\\b"; break;
      case '\f': out += "\\f"; break;
      default:
        out += "\\u00";
        out += kHex[c >> 4];
        out += kHex[c & 15];
    }
    start = ++i;
  }
  flush(s.size());
  out += '"';
}

JsonWriter& JsonWriter::integer(std::int64_t value) {
  char text[24];
  auto end = std::to_chars(text, text + sizeof text, value).ptr;
  return raw({text, static_cast<std::size_t>(end - text)});
}

JsonWriter& JsonWriter::unsigned_integer(std::uint64_t value) {
  char text[24];
  auto end = std::to_chars(text, text + sizeof text, value).ptr;
  return raw({text, static_cast<std::size_t>(end - text)});
}

JsonWriter& JsonWriter::number(double value) {
  if (std::isnan(value)) return string("NaN");
  if (std::isinf(value)) return string(value > 0 ? "Infinity" : "-Infinity");
  char text[64];
  auto end = std::to_chars(text, text + sizeof text, value).ptr;
  return raw({text, static_cast<std::size_t>(end - text)});
}

}  // namespace weft::text
