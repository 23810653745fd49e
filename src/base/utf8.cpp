#include "base/utf8.h"

#include <simdjson.h>

namespace weft {

Rune decode_rune(std::string_view s, std::size_t at) {
  auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(s[at + i])); };
  auto tail = [&](std::size_t i) { return at + i < s.size() && (byte(i) & 0xC0) == 0x80; };
  std::uint32_t b = byte(0);
  if (b < 0x80) return {b, 1};
  if (b >= 0xC2 && b <= 0xDF && tail(1)) return {(b & 0x1F) << 6 | (byte(1) & 0x3F), 2};
  if (b >= 0xE0 && b <= 0xEF && tail(1) && tail(2)) {
    std::uint32_t v = (b & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F);
    if (v >= 0x800 && (v < 0xD800 || v > 0xDFFF)) return {v, 3};
  }
  if (b >= 0xF0 && b <= 0xF4 && tail(1) && tail(2) && tail(3)) {
    std::uint32_t v = (b & 7) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F);
    if (v >= 0x10000 && v <= 0x10FFFF) return {v, 4};
  }
  return {0, 0};
}

char* put_rune(char* out, std::uint32_t v) {
  auto put = [&](std::uint32_t b) { *out++ = static_cast<char>(b); };
  if (v < 0x80) {
    put(v);
  } else if (v < 0x800) {
    put(0xC0 | v >> 6);
    put(0x80 | (v & 0x3F));
  } else if (v < 0x10000) {
    put(0xE0 | v >> 12);
    put(0x80 | (v >> 6 & 0x3F));
    put(0x80 | (v & 0x3F));
  } else {
    put(0xF0 | v >> 18);
    put(0x80 | (v >> 12 & 0x3F));
    put(0x80 | (v >> 6 & 0x3F));
    put(0x80 | (v & 0x3F));
  }
  return out;
}

void append_rune(std::string& out, std::uint32_t v) {
  char bytes[4];
  out.append(bytes, put_rune(bytes, v));
}

bool is_utf8(std::string_view s) { return simdjson::validate_utf8(s.data(), s.size()); }

}  // namespace weft
