#include "text/units.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <tuple>

namespace weft::text {
namespace {

constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
constexpr std::uint64_t kLimit = std::uint64_t{1} << 63;

Error invalid(std::string message) {
  return Error(Code::invalid_argument, std::move(message));
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Nanoseconds of a unit of Go's durations; 0: no such unit.
std::uint64_t go_unit(std::string_view unit) {
  if (unit == "ns") return 1;
  if (unit == "us" || unit == "\xC2\xB5s" || unit == "\xCE\xBCs") return 1'000;
  if (unit == "ms") return 1'000'000;
  if (unit == "s") return 1'000'000'000;
  if (unit == "m") return 60'000'000'000;
  if (unit == "h") return 3'600'000'000'000;
  return 0;
}

// Digits of `text` from `at` on; false when they exceed 2^63.
bool read_digits(std::string_view text, std::size_t& at, std::uint64_t& value) {
  value = 0;
  for (; at < text.size() && is_digit(text[at]); ++at) {
    if (value > kLimit / 10) return false;
    value = value * 10 + static_cast<std::uint64_t>(text[at] - '0');
    if (value > kLimit) return false;
  }
  return true;
}

// Digits behind a decimal point; those beyond the range of 63 bits are ignored, as Go does.
void read_fraction(std::string_view text, std::size_t& at, std::uint64_t& value, double& scale) {
  value = 0;
  scale = 1;
  bool full = false;
  for (; at < text.size() && is_digit(text[at]); ++at) {
    if (full) continue;
    std::uint64_t next = value * 10 + static_cast<std::uint64_t>(text[at] - '0');
    if (value > static_cast<std::uint64_t>(kMax) / 10 || next > kLimit) {
      full = true;
      continue;
    }
    value = next;
    scale *= 10;
  }
}

struct PrometheusUnit {
  std::string_view name;
  std::uint64_t ns;
};
constexpr std::uint64_t kDay = 86'400'000'000'000;
constexpr std::array<PrometheusUnit, 7> kPrometheusUnits = {{{"y", 365 * kDay},
                                                             {"w", 7 * kDay},
                                                             {"d", kDay},
                                                             {"h", 3'600'000'000'000},
                                                             {"m", 60'000'000'000},
                                                             {"s", 1'000'000'000},
                                                             {"ms", 1'000'000}}};

// Days since 1970-01-01 of a date of the proleptic Gregorian calendar, and back (Howard Hinnant's
// algorithms).
std::int64_t days_from_civil(std::int64_t y, std::int64_t m, std::int64_t d) {
  y -= m <= 2;
  std::int64_t era = (y >= 0 ? y : y - 399) / 400;
  std::int64_t yoe = y - era * 400;
  std::int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
  return era * 146'097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719'468;
}

struct Civil {
  std::int64_t year, month, day;
};
Civil civil_from_days(std::int64_t z) {
  z += 719'468;
  std::int64_t era = (z >= 0 ? z : z - 146'096) / 146'097;
  std::int64_t doe = z - era * 146'097;
  std::int64_t yoe = (doe - doe / 1460 + doe / 36'524 - doe / 146'096) / 365;
  std::int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  std::int64_t mp = (5 * doy + 2) / 153;
  std::int64_t m = mp < 10 ? mp + 3 : mp - 9;
  return {yoe + era * 400 + (m <= 2), m, doy - (153 * mp + 2) / 5 + 1};
}

// Exactly `digits` digits at `at`, which moves behind them; -1: not there.
std::int64_t fixed_number(std::string_view text, std::size_t& at, std::size_t digits) {
  if (at + digits > text.size()) return -1;
  std::int64_t value = 0;
  for (std::size_t i = 0; i < digits; ++i, ++at) {
    if (!is_digit(text[at])) return -1;
    value = value * 10 + (text[at] - '0');
  }
  return value;
}

void append_padded(std::string& out, std::int64_t value, int width) {
  std::array<char, 20> digits;
  auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out.append(static_cast<std::size_t>(std::max<std::ptrdiff_t>(0, width - (end - digits.data()))), '0');
  out.append(digits.data(), end);
}

// `.5` of 500'000'000 and nine digits: the fraction without zeros at the end; nothing for 0.
void append_fraction(std::string& out, std::uint64_t value, int digits) {
  if (value == 0) return;
  std::string text;
  append_padded(text, static_cast<std::int64_t>(value), digits);
  text.erase(text.find_last_not_of('0') + 1);
  out.append(".").append(text);
}

}  // namespace

Result<std::int64_t> parse_go_duration(std::string_view text) {
  auto bad = [&] { return invalid("time: invalid duration " + quoted(text)); };
  std::size_t at = 0;
  bool negative = false;
  if (at < text.size() && (text[at] == '-' || text[at] == '+')) negative = text[at++] == '-';
  if (text.substr(at) == "0") return std::int64_t{0};
  if (at == text.size()) return bad();
  std::uint64_t total = 0;
  while (at < text.size()) {
    if (text[at] != '.' && !is_digit(text[at])) return bad();
    std::uint64_t whole = 0, fraction = 0;
    double scale = 1;
    std::size_t before = at;
    if (!read_digits(text, at, whole)) return bad();
    bool any = at > before;
    if (at < text.size() && text[at] == '.') {
      before = ++at;
      read_fraction(text, at, fraction, scale);
      any = any || at > before;
    }
    if (!any) return bad();
    before = at;
    while (at < text.size() && text[at] != '.' && !is_digit(text[at])) ++at;
    if (at == before) return invalid("time: missing unit in duration " + quoted(text));
    std::string_view name = text.substr(before, at - before);
    std::uint64_t unit = go_unit(name);
    if (unit == 0) return invalid("time: unknown unit " + quoted(name) + " in duration " + quoted(text));
    if (whole > kLimit / unit) return bad();
    whole *= unit;
    if (fraction > 0) {
      whole +=
          static_cast<std::uint64_t>(static_cast<double>(fraction) * (static_cast<double>(unit) / scale));
      if (whole > kLimit) return bad();
    }
    total += whole;
    if (total > kLimit) return bad();
  }
  if (negative) return static_cast<std::int64_t>(~total + 1);
  if (total > static_cast<std::uint64_t>(kMax)) return bad();
  return static_cast<std::int64_t>(total);
}

Result<std::int64_t> parse_prometheus_duration(std::string_view text) {
  if (text == "0") return std::int64_t{0};
  if (text.empty()) return invalid("empty duration string");
  std::uint64_t total = 0;
  std::size_t last_unit = 0;
  for (std::size_t at = 0; at < text.size();) {
    if (!is_digit(text[at])) return invalid("not a valid duration string: " + quoted(text));
    std::uint64_t value = 0;
    if (!read_digits(text, at, value)) return invalid("duration out of range");
    std::size_t before = at;
    while (at < text.size() && !is_digit(text[at])) ++at;
    std::string_view name = text.substr(before, at - before);
    if (name.empty() || name[0] == '.') return invalid("not a valid duration string: " + quoted(text));
    std::size_t unit = 0;
    while (unit < kPrometheusUnits.size() && kPrometheusUnits[unit].name != name) ++unit;
    if (unit == kPrometheusUnits.size())
      return invalid("unknown unit " + quoted(name) + " in duration " + quoted(text));
    if (unit + 1 <= last_unit) return invalid("not a valid duration string: " + quoted(text));
    last_unit = unit + 1;
    std::uint64_t ns = kPrometheusUnits[unit].ns;
    if (value > static_cast<std::uint64_t>(kMax) / ns) return invalid("duration out of range");
    total += value * ns;
    if (total > static_cast<std::uint64_t>(kMax)) return invalid("duration out of range");
  }
  return static_cast<std::int64_t>(total);
}

Result<std::int64_t> parse_duration(std::string_view text) {
  if (auto ns = parse_prometheus_duration(text)) return *ns;
  return parse_go_duration(text);
}

std::string format_go_duration(std::int64_t ns) {
  if (ns == 0) return "0s";
  std::string out = ns < 0 ? "-" : "";
  std::uint64_t value = ns < 0 ? ~static_cast<std::uint64_t>(ns) + 1 : static_cast<std::uint64_t>(ns);
  if (value < 1'000'000'000) {
    auto [unit, name, digits] = value < 1'000       ? std::tuple(1u, "ns", 0)
                                : value < 1'000'000 ? std::tuple(1'000u, "\xC2\xB5s", 3)
                                                    : std::tuple(1'000'000u, "ms", 6);
    out += std::to_string(value / unit);
    append_fraction(out, value % unit, digits);
    return out + name;
  }
  std::uint64_t seconds = value / 1'000'000'000;
  if (seconds >= 3600) out += std::to_string(seconds / 3600) + "h";
  if (seconds >= 60) out += std::to_string(seconds / 60 % 60) + "m";
  out += std::to_string(seconds % 60);
  append_fraction(out, value % 1'000'000'000, 9);
  return out + "s";
}

Result<std::uint64_t> parse_bytes(std::string_view text) {
  std::size_t at = 0;
  std::string number;
  for (; at < text.size() && (is_digit(text[at]) || text[at] == '.' || text[at] == ','); ++at)
    if (text[at] != ',') number += text[at];
  double value = TRY(parse_float(number));
  std::string_view rest = text.substr(at);
  while (!rest.empty() && (rest.front() == ' ' || rest.front() == '\t' || rest.front() == '\n'))
    rest.remove_prefix(1);
  while (!rest.empty() && (rest.back() == ' ' || rest.back() == '\t' || rest.back() == '\n'))
    rest.remove_suffix(1);
  std::string unit;
  for (char c : rest) unit += c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  double scale = 1;
  if (!unit.empty() && unit != "b") {
    // k, kb: powers of 1000; ki, kib: powers of 1024.
    std::size_t power = std::string_view("kmgtpe").find(unit[0]);
    std::string_view suffix = std::string_view(unit).substr(1);
    bool binary = suffix == "i" || suffix == "ib";
    if (power == std::string_view::npos || !(binary || suffix.empty() || suffix == "b"))
      return invalid("unhandled size name: " + unit);
    scale = std::pow(binary ? 1024.0 : 1000.0, static_cast<double>(power + 1));
  }
  value *= scale;
  if (!(value < 18446744073709551616.0)) return invalid("too large: " + std::string(text));
  return static_cast<std::uint64_t>(value);
}

std::string format_bytes(std::uint64_t bytes) {
  static constexpr std::array<const char*, 7> kUnits = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
  if (bytes < 10) return std::to_string(bytes) + "B";
  std::size_t power = 0;
  std::uint64_t unit = 1;
  while (power + 1 < kUnits.size() && bytes / unit >= 1000) {
    unit *= 1000;
    ++power;
  }
  double value = std::floor(static_cast<double>(bytes) / static_cast<double>(unit) * 10 + 0.5) / 10;
  std::array<char, 32> text;
  auto end = std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed,
                           value < 10 ? 1 : 0);
  return std::string(text.data(), end.ptr) + kUnits[power];
}

Result<double> parse_float(std::string_view text) {
  auto bad = [&] { return invalid("strconv.ParseFloat: parsing " + quoted(text) + ": invalid syntax"); };
  std::string_view rest = text;
  bool negative = false;
  if (!rest.empty() && (rest[0] == '+' || rest[0] == '-')) {
    negative = rest[0] == '-';
    rest.remove_prefix(1);
  }
  if (rest.empty()) return bad();
  auto signed_value = [&](double v) { return negative ? -v : v; };
  if (!is_digit(rest[0]) && rest[0] != '.') {
    std::string word;
    for (char c : rest) word += static_cast<char>(c | 0x20);
    if (rest.size() <= 8 && (word == "inf" || word == "infinity"))
      return signed_value(std::numeric_limits<double>::infinity());
    if (word == "nan" && rest.size() == text.size()) return std::numeric_limits<double>::quiet_NaN();
    return bad();
  }
  auto format = std::chars_format::general;
  if (rest.size() > 2 && rest[0] == '0' && (rest[1] | 0x20) == 'x') {
    rest.remove_prefix(2);
    format = std::chars_format::hex;
    if (rest.find_first_of("pP") == rest.npos) return bad();
  }
  double value = 0;
  auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value, format);
  if (end != rest.data() + rest.size() || error == std::errc::invalid_argument) return bad();
  if (error == std::errc::result_out_of_range) {
    // from_chars does not say on which side; too small is zero (or subnormal) in Go.
    value =
        std::strtod(std::string(format == std::chars_format::hex ? "0x" : "").append(rest).c_str(), nullptr);
    if (std::isinf(value))
      return invalid("strconv.ParseFloat: parsing " + quoted(text) + ": value out of range");
  }
  return signed_value(value);
}

std::string format_float(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  std::array<char, 400> text;  // 1e308 has 309 digits, 5e-324 has 326
  auto end = std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  return std::string(text.data(), end.ptr);
}

Result<std::int64_t> parse_rfc3339(std::string_view text) {
  auto bad = [&] {
    return invalid("parsing time " + quoted(text) +
                   " as \"2006-01-02T15:04:05.999999999Z07:00\": cannot parse");
  };
  std::size_t at = 0;
  auto literal = [&](char c) { return at < text.size() && text[at++] == c; };
  std::int64_t year = fixed_number(text, at, 4);
  if (year < 0 || !literal('-')) return bad();
  std::int64_t month = fixed_number(text, at, 2);
  if (month < 1 || month > 12 || !literal('-')) return bad();
  std::int64_t day = fixed_number(text, at, 2);
  static constexpr std::array<int, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  std::int64_t days = kDays[static_cast<std::size_t>(month - 1)] + (month == 2 && leap ? 1 : 0);
  if (day < 1 || day > days || at >= text.size() || (text[at] | 0x20) != 't') return bad();
  ++at;
  std::int64_t hour = fixed_number(text, at, 2);
  if (hour < 0 || hour > 23 || !literal(':')) return bad();
  std::int64_t minute = fixed_number(text, at, 2);
  if (minute < 0 || minute > 59 || !literal(':')) return bad();
  std::int64_t second = fixed_number(text, at, 2);
  if (second < 0 || second > 59) return bad();
  std::int64_t ns = 0;
  if (at < text.size() && (text[at] == '.' || text[at] == ',')) {
    std::size_t begin = ++at;
    std::int64_t unit = 100'000'000;
    for (; at < text.size() && is_digit(text[at]); ++at, unit /= 10) ns += unit * (text[at] - '0');
    if (at == begin) return bad();
  }
  std::int64_t offset = 0;
  if (at >= text.size()) return bad();
  if (char zone = text[at++]; zone == '+' || zone == '-') {
    std::int64_t h = fixed_number(text, at, 2);
    if (h < 0 || h > 23 || !literal(':')) return bad();
    std::int64_t m = fixed_number(text, at, 2);
    if (m < 0 || m > 59) return bad();
    offset = (h * 60 + m) * (zone == '-' ? -60 : 60);
  } else if (zone != 'Z' && zone != 'z') {
    return bad();
  }
  if (at != text.size()) return bad();
  std::int64_t seconds =
      days_from_civil(year, month, day) * 86'400 + hour * 3600 + minute * 60 + second - offset;
  std::int64_t result = 0;
  if (__builtin_mul_overflow(seconds, std::int64_t{1'000'000'000}, &result) ||
      __builtin_add_overflow(result, ns, &result))
    return invalid("time " + quoted(text) + " is out of range");
  return result;
}

std::string format_rfc3339(std::int64_t ns) {
  std::int64_t seconds = ns / 1'000'000'000;
  std::int64_t fraction = ns % 1'000'000'000;
  if (fraction < 0) {
    fraction += 1'000'000'000;
    --seconds;
  }
  std::int64_t days = seconds / 86'400;
  std::int64_t of_day = seconds % 86'400;
  if (of_day < 0) {
    of_day += 86'400;
    --days;
  }
  Civil date = civil_from_days(days);
  std::string out;
  append_padded(out, date.year, 4);
  out += '-';
  append_padded(out, date.month, 2);
  out += '-';
  append_padded(out, date.day, 2);
  out += 'T';
  append_padded(out, of_day / 3600, 2);
  out += ':';
  append_padded(out, of_day / 60 % 60, 2);
  out += ':';
  append_padded(out, of_day % 60, 2);
  append_fraction(out, static_cast<std::uint64_t>(fraction), 9);
  out += 'Z';
  return out;
}

}  // namespace weft::text
