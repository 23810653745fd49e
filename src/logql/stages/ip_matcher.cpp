#include "logql/stages/ip_matcher.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string>

#include <arpa/inet.h>

namespace weft::logql {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_hex(char c) {
  return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}
bool is_address(char c) {
  return is_hex(c) || c == ':' || c == '.';
}

// Where d.d.d.d ends that begins at `at`; npos: there is none.
std::size_t dotted_end(std::string_view text, std::size_t at) {
  for (int part = 0; part < 4; ++part) {
    std::size_t begin = at;
    while (at < text.size() && at - begin < 3 && is_digit(text[at])) ++at;
    if (at == begin) return std::string_view::npos;
    if (part < 3 && (at >= text.size() || text[at++] != '.')) return std::string_view::npos;
  }
  return at < text.size() && is_digit(text[at]) ? std::string_view::npos : at;
}

}  // namespace

bool IpMatcher::read(std::string_view text, Address& out, bool& is_v4) {
  char buffer[64];
  if (text.empty() || text.size() >= sizeof buffer) return false;
  std::memcpy(buffer, text.data(), text.size());
  buffer[text.size()] = '\0';
  is_v4 = false;
  if (text.find(':') != text.npos) return inet_pton(AF_INET6, buffer, out.data()) == 1;
  out = {};
  out[10] = out[11] = 0xFF;
  is_v4 = true;
  return inet_pton(AF_INET, buffer, out.data() + 12) == 1;
}

Result<IpMatcher> IpMatcher::parse(std::string_view pattern) {
  auto invalid = [&] {
    return Error(Code::invalid_argument, "ip: invalid pattern: \"" + std::string(pattern) + "\"");
  };
  IpMatcher out;
  bool v4 = false;
  if (std::size_t slash = pattern.find('/'); slash != pattern.npos) {
    if (!read(pattern.substr(0, slash), out.first_, v4)) return invalid();
    std::string_view digits = pattern.substr(slash + 1);
    unsigned bits = 0;
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
    if (digits.empty() || error != std::errc() || end != digits.data() + digits.size() ||
        bits > (v4 ? 32u : 128u))
      return invalid();
    if (v4) bits += 96;
    out.last_ = out.first_;
    for (unsigned bit = bits; bit < 128; ++bit) {
      auto mask = static_cast<std::uint8_t>(0x80 >> (bit % 8));
      out.first_[bit / 8] = static_cast<std::uint8_t>(out.first_[bit / 8] & ~mask);
      out.last_[bit / 8] |= mask;
    }
    return out;
  }
  if (std::size_t dash = pattern.find('-'); dash != pattern.npos) {
    bool last_v4 = false;
    if (!read(pattern.substr(0, dash), out.first_, v4) ||
        !read(pattern.substr(dash + 1), out.last_, last_v4) || v4 != last_v4 || out.last_ < out.first_)
      return invalid();
    return out;
  }
  if (!read(pattern, out.first_, v4)) return invalid();
  out.last_ = out.first_;
  return out;
}

bool IpMatcher::test(std::string_view text) const {
  Address address{};
  bool v4 = false;
  return read(text, address, v4) && first_ <= address && address <= last_;
}

bool IpMatcher::matches(std::string_view text) const {
  for (std::size_t at = 0; at < text.size();) {
    if (!is_address(text[at])) {
      ++at;
      continue;
    }
    std::size_t end = at;
    std::size_t colons = 0;
    for (; end < text.size() && is_address(text[end]); ++end) colons += text[end] == ':';
    std::string_view run = text.substr(at, end - at);
    if (colons >= 2 && run.size() < 64) {
      std::string_view trimmed = run;
      while (!trimmed.empty() &&
             (trimmed.back() == '.' || (trimmed.back() == ':' && !trimmed.ends_with("::"))))
        trimmed.remove_suffix(1);
      if (test(trimmed)) return true;
    }
    for (std::size_t i = 0; i < run.size(); ++i) {
      if (!is_digit(run[i]) || (i > 0 && (is_digit(run[i - 1]) || run[i - 1] == '.'))) continue;
      std::size_t stop = dotted_end(run, i);
      if (stop != run.npos && test(run.substr(i, stop - i))) return true;
    }
    at = end;
  }
  return false;
}

}  // namespace weft::logql
