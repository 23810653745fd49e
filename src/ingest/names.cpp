#include "ingest/names.h"

#include <algorithm>

#include "base/utf8.h"

namespace weft::ingest {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_alphanumeric(char c) {
  return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}
bool is_ascii(std::string_view text) {
  char bits = 0;  // without a way out of the loop the compiler takes sixteen bytes at a step
  for (char c : text) bits = static_cast<char>(bits | c);
  return static_cast<signed char>(bits) >= 0;
}

}  // namespace

std::string_view normal_name(std::string_view name, Arena& arena) {
  if (std::ranges::none_of(name, is_alphanumeric)) return {};
  if (is_label_name(name)) return name;
  std::string out;
  if (is_digit(name[0])) out = "key_";
  for (char c : name) {
    if (static_cast<unsigned char>(c) >> 6 == 2) continue;  // the rest of a rune counts with its first byte
    if (is_alphanumeric(c)) {
      out += c;
    } else if (out.empty() || out.back() != '_') {
      out += '_';
    }
  }
  return arena.copy(out);
}

std::string_view valid_text(std::string_view text, Arena& arena) {
  if (is_ascii(text) || is_utf8(text)) return text;
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t length = decode_rune(text, at).length;
    if (length == 0) {
      out += ' ';
      ++at;
    } else {
      out += text.substr(at, length);
      at += length;
    }
  }
  return arena.copy(out);
}

std::string_view discover_service(std::span<const Label> labels, std::span<const std::string> candidates) {
  for (const std::string& name : candidates)
    for (const Label& l : labels)
      if (l.name == name && !l.value.empty()) return l.value;
  return "unknown_service";
}

}  // namespace weft::ingest
