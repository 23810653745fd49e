#include "logql/stages/stage.h"

#include <algorithm>

#include "base/utf8.h"
#include "model/labels.h"

namespace weft::logql {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_hex(char c) {
  return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}
bool is_name(char c) {
  return is_digit(c) || c == '_' || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}
bool is_word(char c) {
  return is_name(c) && c != '_';
}

}  // namespace

std::vector<TraceId> ids_in_needle(std::string_view needle) {
  // A run of 32 digits counts when the needle shows both ends of it, or is nothing but the run: a
  // longer run of the line that only contains it is an exception row of the index.
  for (std::size_t i = 0; i < needle.size();) {
    if (!is_word(needle[i])) {
      ++i;
      continue;
    }
    std::size_t end = i;
    bool hex = true;
    while (end < needle.size() && is_word(needle[end])) hex = is_hex(needle[end++]) && hex;
    bool bounded = i > 0 && end < needle.size();
    if (hex && end - i == 32 && (bounded || needle.size() == 32))
      if (auto id = parse_trace_id(needle.substr(i, 32))) return {*id};
    i = end;
  }
  return {};
}

std::string quoted(std::string_view text) {
  std::string out;
  append_quoted(out, text);
  return out;
}

std::string_view sanitised_name(std::string_view name, Arena& arena) {
  auto blank = [](char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
  };
  while (!name.empty() && blank(name.front())) name.remove_prefix(1);
  while (!name.empty() && blank(name.back())) name.remove_suffix(1);
  if (name.empty()) return {};
  bool digit = is_digit(name[0]);
  if (!digit && std::all_of(name.begin(), name.end(), is_name)) return name;
  char* out = static_cast<char*>(arena.allocate(name.size() + 1, 1));
  std::size_t size = 0;
  if (digit) out[size++] = '_';
  for (std::size_t i = 0; i < name.size();) {
    if (static_cast<unsigned char>(name[i]) < 0x80) {
      out[size++] = is_name(name[i]) ? name[i] : '_';
      ++i;
      continue;
    }
    out[size++] = '_';
    i += std::max<std::size_t>(decode_rune(name, i).length, 1);
  }
  return {out, size};
}

}  // namespace weft::logql
