#include "text/case_mapping.h"

#include <utf8proc.h>

#include "base/utf8.h"

namespace weft::text {
namespace {

template <class Map>
std::string map_runes(std::string_view text, Map map) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    Rune rune = decode_rune(text, i);
    if (rune.length == 0) rune = {0xFFFD, 1};
    append_rune(out, static_cast<std::uint32_t>(map(static_cast<utf8proc_int32_t>(rune.value))));
    i += rune.length;
  }
  return out;
}

// Go's strings.isSeparator.
bool separates(utf8proc_int32_t rune) {
  if (rune < 0x80)
    return !((rune >= '0' && rune <= '9') || ((rune | 0x20) >= 'a' && (rune | 0x20) <= 'z') || rune == '_');
  switch (utf8proc_category(rune)) {
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP: return true;
    default: return false;
  }
}

}  // namespace

std::string to_lower(std::string_view text) {
  return map_runes(text, utf8proc_tolower);
}
std::string to_upper(std::string_view text) {
  return map_runes(text, utf8proc_toupper);
}

std::string to_title(std::string_view text) {
  utf8proc_int32_t before = ' ';
  return map_runes(text, [&](utf8proc_int32_t rune) {
    bool first = separates(before);
    before = rune;
    return first ? utf8proc_totitle(rune) : rune;
  });
}

}  // namespace weft::text
