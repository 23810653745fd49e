#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace weft {

// One code point and how many bytes it takes; length 0 for bytes that are not UTF-8 (surrogates and
// overlong forms included).
struct Rune {
  std::uint32_t value = 0;
  std::size_t length = 0;
};
Rune decode_rune(std::string_view text, std::size_t at);

// Writes 1 to 4 bytes at `out`; returns the end. Requires a code point up to 0x10FFFF.
char* put_rune(char* out, std::uint32_t value);
// The same at the end of a string.
void append_rune(std::string& out, std::uint32_t value);

bool is_utf8(std::string_view text);

}  // namespace weft
