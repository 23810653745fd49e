#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "base/utf8.h"
#include "text/case_mapping.h"
#include "text/regexp.h"
#include "text/template/value.h"
#include "text/units.h"

// The functions that Loki adds to text/template: its own and those of Masterminds/sprig that it
// lets through. Each is one entry of the table at the end.

namespace weft::text::templates {
namespace {

using Arguments = std::span<const Value>;
using Answer = Result<Value>;

const std::string& text(const Value& value) {
  return *value.text();
}
Error failed(std::string message) {
  return Error(Code::invalid_argument, std::move(message));
}

std::string_view trim_left(std::string_view s, std::string_view cutset) {
  while (!s.empty()) {
    std::size_t length = std::max<std::size_t>(decode_rune(s, 0).length, 1);
    if (cutset.find(s.substr(0, length)) == cutset.npos) break;
    s.remove_prefix(length);
  }
  return s;
}
std::string_view trim_right(std::string_view s, std::string_view cutset) {
  while (!s.empty()) {
    std::size_t at = s.size() - 1;
    while (at > 0 && (s[at] & 0xC0) == 0x80) --at;
    if (cutset.find(s.substr(at)) == cutset.npos) break;
    s = s.substr(0, at);
  }
  return s;
}
constexpr std::string_view kBlanks = " \t\n\v\f\r\u0085\u00A0";

std::string trimmed(std::string_view s, std::string_view cutset) {
  return std::string(trim_right(trim_left(s, cutset), cutset));
}
std::string without_prefix(std::string_view s, std::string_view prefix) {
  return std::string(s.starts_with(prefix) ? s.substr(prefix.size()) : s);
}
std::string without_suffix(std::string_view s, std::string_view suffix) {
  return std::string(s.ends_with(suffix) ? s.substr(0, s.size() - suffix.size()) : s);
}

Answer replaced(std::string_view s, std::string_view from, std::string_view to, std::int64_t times) {
  std::string out;
  std::size_t at = 0;
  for (std::int64_t n = 0; n != times; ++n) {
    // An empty text stands between all runes.
    std::size_t found =
        from.empty()
            ? (n == 0 ? 0 : at + std::max<std::size_t>(at < s.size() ? decode_rune(s, at).length : 1, 1))
            : s.find(from, at);
    if (found == s.npos || found > s.size()) break;
    out.append(s.substr(at, found - at)).append(to);
    at = found + from.size();
    if (out.size() > kTemplateBytesMax) return failed("result is too large");
  }
  out.append(s.substr(at));
  return Value(std::move(out));
}

Answer repeated(std::int64_t count, std::string_view s) {
  if (count < 0) return failed("strings: negative Repeat count");
  if (!s.empty() && static_cast<std::size_t>(count) > kTemplateBytesMax / s.size())
    return failed("result is too large");
  std::string out;
  for (std::int64_t i = 0; !s.empty() && i < count; ++i) out.append(s);
  return Value(std::move(out));
}

Answer indented(std::int64_t count, std::string_view s, std::string_view before) {
  Answer pad = repeated(count, " ");
  if (!pad) return pad;
  Answer lines = replaced(s, "\n", "\n" + text(*pad), -1);
  if (!lines) return lines;
  return Value(std::string(before) + text(*pad) + text(*lines));
}

// Byte offset of rune `n`, or the size.
std::size_t rune_offset(std::string_view s, std::size_t n) {
  std::size_t at = 0;
  for (; n > 0 && at < s.size(); --n) at += std::max<std::size_t>(decode_rune(s, at).length, 1);
  return at;
}
std::size_t rune_count(std::string_view s) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < s.size(); ++count) at += std::max<std::size_t>(decode_rune(s, at).length, 1);
  return count;
}

Answer align(std::int64_t count, std::string_view s, bool left) {
  if (count < 0) return Value(std::string(s));
  auto want = static_cast<std::size_t>(count);
  if (want > kTemplateBytesMax) return failed("result is too large");
  std::size_t have = rune_count(s);
  if (have >= want) {
    return Value(
        std::string(left ? s.substr(0, rune_offset(s, want)) : s.substr(rune_offset(s, have - want))));
  }
  std::string pad(want - have, ' ');
  return Value(left ? std::string(s) + pad : pad + std::string(s));
}

Answer truncated(std::int64_t n, const std::string& s) {
  auto size = static_cast<std::int64_t>(s.size());
  if (n < 0 && size + n > 0) return Value(s.substr(static_cast<std::size_t>(size + n)));
  if (n >= 0 && size > n) return Value(s.substr(0, static_cast<std::size_t>(n)));
  return Value(s);
}

Answer substring(std::int64_t start, std::int64_t end, const std::string& s) {
  auto size = static_cast<std::int64_t>(s.size());
  if (start < 0) {
    start = 0;
    if (end < 0 || end > size) return failed("slice bounds out of range");
  } else if (end < 0 || end > size) {
    end = size;
  }
  if (start > end) return failed("slice bounds out of range");
  return Value(s.substr(static_cast<std::size_t>(start), static_cast<std::size_t>(end - start)));
}

// --- numbers ---
template <class Fold>
Answer fold_int(Arguments a, Fold fold) {
  std::int64_t value = to_int(a[0]);
  for (std::size_t i = 1; i < a.size(); ++i) value = fold(value, to_int(a[i]));
  return Value(value);
}

// Two's complement, as Go computes.
std::int64_t wrap(std::uint64_t value) {
  return static_cast<std::int64_t>(value);
}
std::uint64_t bits(std::int64_t value) {
  return static_cast<std::uint64_t>(value);
}

// The decimal that a double stands for, with digits to spare, so that 0.1 + 0.2 is 0.3: sprig
// computes with decimals.
long double decimal(const Value& value) {
  std::string digits = format_float(to_float(value));
  return std::strtold(digits.c_str(), nullptr);
}

template <class Fold>
Answer fold_decimal(Arguments a, Fold fold) {
  long double value = decimal(a[0]);
  for (std::size_t i = 1; i < a.size(); ++i) value = fold(value, decimal(a[i]));
  return Value(static_cast<double>(value));
}

Answer rounded(Arguments a) {
  double at = a.size() > 2 ? to_float(a[2]) : 0.5;
  double power = std::pow(10.0, to_float(a[1]));
  double digit = power * to_float(a[0]);
  double whole = 0;
  double fraction = std::modf(digit, &whole);
  return Value((fraction >= at ? std::ceil(digit) : std::floor(digit)) / power);
}

// --- encodings ---
bool is_unreserved(unsigned char c) {
  return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '-' || c == '_' ||
         c == '.' || c == '~';
}

std::string url_encoded(std::string_view s) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (char c : s) {
    auto byte = static_cast<unsigned char>(c);
    if (is_unreserved(byte)) {
      out += c;
    } else if (c == ' ') {
      out += '+';
    } else {
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
  return out;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  char l = static_cast<char>(c | 0x20);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

Answer url_decoded(std::string_view s) {
  std::string out;
  for (std::size_t i = 0; i < s.size(); ++i) {
    if (s[i] == '+') {
      out += ' ';
    } else if (s[i] != '%') {
      out += s[i];
    } else {
      int high = i + 2 < s.size() ? hex_digit(s[i + 1]) : -1,
          low = i + 2 < s.size() ? hex_digit(s[i + 2]) : -1;
      if (high < 0 || low < 0) return failed("invalid URL escape \"" + std::string(s.substr(i, 3)) + "\"");
      out += static_cast<char>(high << 4 | low);
      i += 2;
    }
  }
  return Value(std::move(out));
}

constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string base64_encoded(std::string_view s) {
  std::string out;
  for (std::size_t i = 0; i < s.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k)
      group = group << 8 | (i + k < s.size() ? static_cast<unsigned char>(s[i + k]) : 0u);
    for (std::size_t k = 0; k < 4; ++k) out += i + k > s.size() ? '=' : kBase64[group >> (18 - 6 * k) & 63];
  }
  return out;
}

// What cannot be decoded is answered with the error's text, as sprig does.
std::string base64_decoded(std::string_view s) {
  std::string out;
  std::uint32_t group = 0;
  int have = 0;
  std::size_t i = 0;
  auto illegal = [](std::size_t at) { return "illegal base64 data at input byte " + std::to_string(at); };
  for (; i < s.size() && s[i] != '='; ++i) {
    if (s[i] == '\n' || s[i] == '\r') continue;
    std::size_t digit = kBase64.find(s[i]);
    if (digit == kBase64.npos) return illegal(i);
    group = group << 6 | static_cast<std::uint32_t>(digit);
    if (++have % 4 == 0)
      for (int shift : {16, 8, 0}) out += static_cast<char>(group >> shift & 255);
  }
  int rest = have % 4;
  std::size_t padding = s.size() - i;
  if (rest == 0) return padding == 0 ? out : illegal(i);
  if (rest == 1 || s.substr(i) != std::string_view("==").substr(0, static_cast<std::size_t>(4 - rest)))
    return illegal(i);
  group <<= 6 * (4 - rest);
  out += static_cast<char>(group >> 16 & 255);
  if (rest == 3) out += static_cast<char>(group >> 8 & 255);
  return out;
}

std::string escaped(std::string_view s, std::span<const std::pair<char, std::string_view>> table) {
  std::string out;
  for (char c : s) {
    auto found = std::find_if(table.begin(), table.end(), [&](const auto& item) { return item.first == c; });
    if (found == table.end()) {
      out += c;
    } else {
      out.append(found->second);
    }
  }
  return out;
}
constexpr std::array<std::pair<char, std::string_view>, 6> kHtml = {
    {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&#34;"}, {'\'', "&#39;"}, {'\0', "\uFFFD"}}};
constexpr std::array<std::pair<char, std::string_view>, 10> kJs = {{{'\\', "\\\\"},
                                                                    {'\'', "\\'"},
                                                                    {'"', "\\\""},
                                                                    {'<', "\\u003C"},
                                                                    {'>', "\\u003E"},
                                                                    {'&', "\\u0026"},
                                                                    {'=', "\\u003D"},
                                                                    {'\n', "\\u000A"},
                                                                    {'\r', "\\u000D"},
                                                                    {'\t', "\\u0009"}}};

// --- regular expressions ---
Answer with_regexp(const std::string& pattern, auto use) {
  auto compiled = Regexp::compile(pattern);
  if (!compiled) return compiled.error();
  return use(*compiled);
}

Answer count_matches(const std::string& pattern, std::string_view s) {
  return with_regexp(pattern, [&](const Regexp& re) -> Answer {
    std::int64_t count = 0;
    std::string_view group[1];
    std::size_t at = 0, last_end = std::string_view::npos;
    while (at <= s.size() && re.find(s, at, group)) {
      auto begin = static_cast<std::size_t>(group[0].data() - s.data());
      std::size_t end = begin + group[0].size();
      // An empty match right behind another one is none.
      if (!(group[0].empty() && begin == last_end)) ++count;
      last_end = end;
      std::size_t width = at < s.size() ? std::max<std::size_t>(decode_rune(s, at).length, 1) : 1;
      at = group[0].empty() ? std::max(end, at) + (end == at ? width : 0) : end;
      if (group[0].empty() && end > at) at = end;
    }
    return Value(count);
  });
}

// --- times ---
ZonedTime time_of(const Value& value, const CallContext& context) {
  if (const auto* time = value.as<ZonedTime>()) return *time;
  if (const auto* seconds = value.as<std::int64_t>()) {
    ZonedTime out;
    out.seconds = std::clamp<std::int64_t>(*seconds, -62'135'596'800, 253'402'300'799);
    return out;
  }
  return ZonedTime::from_ns(context.now_ns);
}

Value parsed_time(const std::string& layout, const std::string& zone, const std::string& s) {
  auto time = parse_time(layout, s, zone);
  return time ? *time : ZonedTime::zero();
}

Answer unix_to_time(const std::string& s) {
  std::int64_t value = 0;
  auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), value);
  if (s.empty() || error != std::errc() || end != s.data() + s.size())
    return failed("unable to parse time '" + s + "': strconv.ParseInt: parsing \"" + s +
                  "\": invalid syntax");
  ZonedTime time;
  auto scaled = [&](std::int64_t per_second) {
    time.seconds = value / per_second;
    time.ns = static_cast<std::int32_t>(value % per_second * (1'000'000'000 / per_second));
    if (time.ns < 0) {
      time.ns += 1'000'000'000;
      --time.seconds;
    }
  };
  switch (s.size()) {
    case 5: time.seconds = value * 86'400; break;
    case 10: time.seconds = value; break;
    case 13: scaled(1'000); break;
    case 16: scaled(1'000'000); break;
    case 19: scaled(1'000'000'000); break;
    default: return failed("unable to parse time '" + s + "': value does not match any known time formats");
  }
  return Value(time);
}

std::string epoch(const ZonedTime& time, std::int64_t per_second) {
  __int128 value = static_cast<__int128>(time.seconds) * per_second + time.ns / (1'000'000'000 / per_second);
  return std::to_string(static_cast<std::int64_t>(value));
}

using C = const CallContext&;

constexpr Function kFunctions[] = {
    {"ToLower", "s", [](Arguments a, C) -> Answer { return Value(to_lower(text(a[0]))); }},
    {"ToUpper", "s", [](Arguments a, C) -> Answer { return Value(to_upper(text(a[0]))); }},
    {"lower", "s", [](Arguments a, C) -> Answer { return Value(to_lower(text(a[0]))); }},
    {"upper", "s", [](Arguments a, C) -> Answer { return Value(to_upper(text(a[0]))); }},
    {"title", "s", [](Arguments a, C) -> Answer { return Value(to_title(text(a[0]))); }},
    {"Replace", "sssi",
     [](Arguments a, C) -> Answer { return replaced(text(a[0]), text(a[1]), text(a[2]), to_int(a[3])); }},
    {"replace", "sss",
     [](Arguments a, C) -> Answer { return replaced(text(a[2]), text(a[0]), text(a[1]), -1); }},
    {"Trim", "ss", [](Arguments a, C) -> Answer { return Value(trimmed(text(a[0]), text(a[1]))); }},
    {"TrimLeft", "ss",
     [](Arguments a, C) -> Answer { return Value(std::string(trim_left(text(a[0]), text(a[1])))); }},
    {"TrimRight", "ss",
     [](Arguments a, C) -> Answer { return Value(std::string(trim_right(text(a[0]), text(a[1])))); }},
    {"TrimPrefix", "ss",
     [](Arguments a, C) -> Answer { return Value(without_prefix(text(a[0]), text(a[1]))); }},
    {"TrimSuffix", "ss",
     [](Arguments a, C) -> Answer { return Value(without_suffix(text(a[0]), text(a[1]))); }},
    {"TrimSpace", "s", [](Arguments a, C) -> Answer { return Value(trimmed(text(a[0]), kBlanks)); }},
    {"trim", "s", [](Arguments a, C) -> Answer { return Value(trimmed(text(a[0]), kBlanks)); }},
    {"trimAll", "ss", [](Arguments a, C) -> Answer { return Value(trimmed(text(a[1]), text(a[0]))); }},
    {"trimPrefix", "ss",
     [](Arguments a, C) -> Answer { return Value(without_prefix(text(a[1]), text(a[0]))); }},
    {"trimSuffix", "ss",
     [](Arguments a, C) -> Answer { return Value(without_suffix(text(a[1]), text(a[0]))); }},
    {"trunc", "is", [](Arguments a, C) -> Answer { return truncated(to_int(a[0]), text(a[1])); }},
    {"substr", "iis",
     [](Arguments a, C) -> Answer { return substring(to_int(a[0]), to_int(a[1]), text(a[2])); }},
    {"contains", "ss",
     [](Arguments a, C) -> Answer { return Value(text(a[1]).find(text(a[0])) != std::string::npos); }},
    {"hasPrefix", "ss", [](Arguments a, C) -> Answer { return Value(text(a[1]).starts_with(text(a[0]))); }},
    {"hasSuffix", "ss", [](Arguments a, C) -> Answer { return Value(text(a[1]).ends_with(text(a[0]))); }},
    {"indent", "is", [](Arguments a, C) -> Answer { return indented(to_int(a[0]), text(a[1]), ""); }},
    {"nindent", "is", [](Arguments a, C) -> Answer { return indented(to_int(a[0]), text(a[1]), "\n"); }},
    {"repeat", "is", [](Arguments a, C) -> Answer { return repeated(to_int(a[0]), text(a[1])); }},
    {"alignLeft", "is", [](Arguments a, C) -> Answer { return align(to_int(a[0]), text(a[1]), true); }},
    {"alignRight", "is", [](Arguments a, C) -> Answer { return align(to_int(a[0]), text(a[1]), false); }},
    {"regexReplaceAll", "sss",
     [](Arguments a, C) -> Answer {
       return with_regexp(text(a[0]), [&](const Regexp& re) -> Answer {
         return Value(re.replace_all(text(a[1]), text(a[2])));
       });
     }},
    {"regexReplaceAllLiteral", "sss",
     [](Arguments a, C) -> Answer {
       return with_regexp(text(a[0]), [&](const Regexp& re) -> Answer {
         return Value(re.replace_all_literal(text(a[1]), text(a[2])));
       });
     }},
    {"count", "ss", [](Arguments a, C) -> Answer { return count_matches(text(a[0]), text(a[1])); }},
    {"urldecode", "s", [](Arguments a, C) -> Answer { return url_decoded(text(a[0])); }},
    {"urlencode", "s", [](Arguments a, C) -> Answer { return Value(url_encoded(text(a[0]))); }},
    {"urlquery", "a*", [](Arguments a, C) -> Answer { return Value(url_encoded(sprint(a))); }},
    {"html", "a*", [](Arguments a, C) -> Answer { return Value(escaped(sprint(a), kHtml)); }},
    {"js", "a*", [](Arguments a, C) -> Answer { return Value(escaped(sprint(a), kJs)); }},
    {"b64enc", "s", [](Arguments a, C) -> Answer { return Value(base64_encoded(text(a[0]))); }},
    {"b64dec", "s", [](Arguments a, C) -> Answer { return Value(base64_decoded(text(a[0]))); }},
    {"bytes", "s",
     [](Arguments a, C) -> Answer { return Value(static_cast<double>(TRY(parse_bytes(text(a[0]))))); }},
    {"duration", "s",
     [](Arguments a, C) -> Answer {
       return Value(static_cast<double>(TRY(parse_go_duration(text(a[0])))) / 1e9);
     }},
    {"duration_seconds", "s",
     [](Arguments a, C) -> Answer {
       return Value(static_cast<double>(TRY(parse_go_duration(text(a[0])))) / 1e9);
     }},
    {"int", "a", [](Arguments a, C) -> Answer { return Value(to_int(a[0])); }},
    {"float64", "a", [](Arguments a, C) -> Answer { return Value(to_float(a[0])); }},
    {"add", "aa*",
     [](Arguments a, C) { return fold_int(a, [](auto x, auto y) { return wrap(bits(x) + bits(y)); }); }},
    {"sub", "aa",
     [](Arguments a, C) { return fold_int(a, [](auto x, auto y) { return wrap(bits(x) - bits(y)); }); }},
    {"mul", "aa*",
     [](Arguments a, C) { return fold_int(a, [](auto x, auto y) { return wrap(bits(x) * bits(y)); }); }},
    {"div", "aa",
     [](Arguments a, C) -> Answer {
       std::int64_t by = to_int(a[1]);
       if (by == 0) return failed("runtime error: integer divide by zero");
       return Value(by == -1 ? wrap(0 - bits(to_int(a[0]))) : to_int(a[0]) / by);
     }},
    {"mod", "aa",
     [](Arguments a, C) -> Answer {
       std::int64_t by = to_int(a[1]);
       if (by == 0) return failed("runtime error: integer divide by zero");
       return Value(by == -1 ? std::int64_t{0} : to_int(a[0]) % by);
     }},
    {"max", "aa*", [](Arguments a, C) { return fold_int(a, [](auto x, auto y) { return std::max(x, y); }); }},
    {"min", "aa*", [](Arguments a, C) { return fold_int(a, [](auto x, auto y) { return std::min(x, y); }); }},
    {"addf", "aa*", [](Arguments a, C) { return fold_decimal(a, [](auto x, auto y) { return x + y; }); }},
    {"subf", "aa*", [](Arguments a, C) { return fold_decimal(a, [](auto x, auto y) { return x - y; }); }},
    {"mulf", "aa*", [](Arguments a, C) { return fold_decimal(a, [](auto x, auto y) { return x * y; }); }},
    {"divf", "aa*",
     [](Arguments a, C) -> Answer {
       for (std::size_t i = 1; i < a.size(); ++i)
         if (to_float(a[i]) == 0) return failed("decimal division by 0");
       return fold_decimal(a, [](auto x, auto y) { return x / y; });
     }},
    {"maxf", "aa*",
     [](Arguments a, C) { return fold_decimal(a, [](auto x, auto y) { return std::max(x, y); }); }},
    {"minf", "aa*",
     [](Arguments a, C) { return fold_decimal(a, [](auto x, auto y) { return std::min(x, y); }); }},
    {"ceil", "a", [](Arguments a, C) -> Answer { return Value(std::ceil(to_float(a[0]))); }},
    {"floor", "a", [](Arguments a, C) -> Answer { return Value(std::floor(to_float(a[0]))); }},
    {"round", "aaa*", [](Arguments a, C) -> Answer { return rounded(a); }},
    {"fromJson", "s", [](Arguments a, C) -> Answer { return from_json(text(a[0])); }},
    {"now", "", [](Arguments, C context) -> Answer { return Value(ZonedTime::from_ns(context.now_ns)); }},
    {"date", "sa",
     [](Arguments a, C context) -> Answer { return Value(format_time(text(a[0]), time_of(a[1], context))); }},
    {"toDate", "ss", [](Arguments a, C) -> Answer { return parsed_time(text(a[0]), "Local", text(a[1])); }},
    {"toDateInZone", "sss",
     [](Arguments a, C) -> Answer { return parsed_time(text(a[0]), text(a[1]), text(a[2])); }},
    {"unixEpoch", "t", [](Arguments a, C) -> Answer { return Value(epoch(*a[0].as<ZonedTime>(), 1)); }},
    {"unixEpochMillis", "t",
     [](Arguments a, C) -> Answer { return Value(epoch(*a[0].as<ZonedTime>(), 1'000)); }},
    {"unixEpochNanos", "t",
     [](Arguments a, C) -> Answer { return Value(epoch(*a[0].as<ZonedTime>(), 1'000'000'000)); }},
    {"unixToTime", "s", [](Arguments a, C) -> Answer { return unix_to_time(text(a[0])); }},
    {"default", "aa*", [](Arguments a, C) -> Answer { return a.size() > 1 && is_true(a[1]) ? a[1] : a[0]; }},
    {"print", "a*", [](Arguments a, C) -> Answer { return Value(sprint(a)); }},
    {"println", "a*", [](Arguments a, C) -> Answer { return Value(sprintln(a)); }},
    {"printf", "sa*", [](Arguments a, C) -> Answer { return Value(sprintf(text(a[0]), a.subspan(1))); }},
    {"__line__", "", [](Arguments, C context) -> Answer { return Value(std::string(context.line)); }},
    {"__timestamp__", "",
     [](Arguments, C context) -> Answer { return Value(ZonedTime::from_ns(context.time_ns)); }},
};

}  // namespace

const Function* find_function(std::string_view name) {
  for (const Function& function : kFunctions)
    if (function.name == name) return &function;
  return nullptr;
}

}  // namespace weft::text::templates
