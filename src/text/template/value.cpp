#include "text/template/value.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/arena.h"
#include "base/utf8.h"
#include "text/json_scan.h"
#include "text/units.h"

namespace weft::text::templates {
namespace {

constexpr int kJsonDepthMax = 64;

// Go's %v of a float: the shortest digits, with an exponent for very large and very small ones.
std::string float_text(double value) {
  if (!std::isfinite(value)) return format_float(value);
  double magnitude = std::fabs(value);
  if (value == 0 || (magnitude >= 1e-4 && magnitude < 1e21)) return format_float(value);
  std::array<char, 40> text;
  auto end = std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::scientific).ptr;
  return std::string(text.data(), end);
}

Value json_value(const JsonValue& value, int depth) {
  using Type = JsonValue::Type;
  if (depth > kJsonDepthMax) return Nil();
  Arena arena;
  switch (value.type) {
    case Type::string: return std::string(unescape_json(value.raw, arena).value_or(""));
    case Type::number: {
      auto number = parse_float(value.raw);
      return number ? Value(*number) : Value();
    }
    case Type::boolean: return value.raw == "true";
    case Type::object: {
      Map out;
      JsonObjectScanner members(value.raw);
      std::string_view key;
      JsonValue member;
      while (members.next(key, member))
        out.insert_or_assign(std::string(unescape_json(key, arena).value_or("")),
                             json_value(member, depth + 1));
      return std::make_shared<const Map>(std::move(out));
    }
    case Type::array: {
      List out;
      std::string_view rest = value.raw.substr(1);
      std::size_t end = 0;
      JsonValue item;
      while (read_json_value(rest, item, end) == JsonError::none) {
        out.push_back(json_value(item, depth + 1));
        rest.remove_prefix(end);
        std::size_t comma = rest.find_first_not_of(" \t\r\n");
        if (comma == rest.npos || rest[comma] != ',') break;
        rest.remove_prefix(comma + 1);
      }
      return std::make_shared<const List>(std::move(out));
    }
    default: return Nil();
  }
}

}  // namespace

std::string_view kind_of(const Value& value) {
  static constexpr std::array<std::string_view, 9> kNames = {"nil",
                                                             "bool",
                                                             "int",
                                                             "float64",
                                                             "string",
                                                             "time.Time",
                                                             "[]interface {}",
                                                             "map[string]interface {}",
                                                             "map[string]string"};
  return kNames[value.data.index()];
}

std::string to_text(const Value& value) {
  if (const auto* text = value.as<std::string>()) return *text;
  if (const auto* number = value.as<std::int64_t>()) return std::to_string(*number);
  if (const auto* number = value.as<double>()) return float_text(*number);
  if (const auto* flag = value.as<bool>()) return *flag ? "true" : "false";
  if (const auto* time = value.as<ZonedTime>())
    return format_time("2006-01-02 15:04:05.999999999 -0700 MST", *time);
  if (const auto* list = value.as<std::shared_ptr<const List>>()) {
    std::string out = "[";
    for (std::size_t i = 0; i < (*list)->size(); ++i) out += (i > 0 ? " " : "") + to_text((**list)[i]);
    return out + "]";
  }
  if (const auto* map = value.as<std::shared_ptr<const Map>>()) {
    std::string out = "map[";
    const char* gap = "";
    for (const auto& [key, item] : **map) {
      out += gap + key + ":" + to_text(item);
      gap = " ";
    }
    return out + "]";
  }
  return "<no value>";
}

bool is_true(const Value& value) {
  if (const auto* text = value.as<std::string>()) return !text->empty();
  if (const auto* number = value.as<std::int64_t>()) return *number != 0;
  if (const auto* number = value.as<double>()) return *number != 0;
  if (const auto* flag = value.as<bool>()) return *flag;
  if (const auto* list = value.as<std::shared_ptr<const List>>()) return !(*list)->empty();
  if (const auto* map = value.as<std::shared_ptr<const Map>>()) return !(*map)->empty();
  return !value.as<Nil>();
}

std::int64_t to_int(const Value& value) {
  if (const auto* number = value.as<std::int64_t>()) return *number;
  if (const auto* number = value.as<double>()) {
    if (!(std::fabs(*number) < 9.2e18)) return 0;
    return static_cast<std::int64_t>(*number);
  }
  if (const auto* flag = value.as<bool>()) return *flag ? 1 : 0;
  const auto* text = value.as<std::string>();
  if (!text) return 0;
  // "12", "-0x1f", "017", "3.00"; anything else is 0.
  std::string_view s = *text;
  bool negative = s.starts_with('-');
  if (negative || s.starts_with('+')) s.remove_prefix(1);
  if (std::size_t dot = s.find('.'); dot != s.npos && dot > 0 && s.find_first_not_of('0', dot + 1) == s.npos)
    s = s.substr(0, dot);
  int base = 10;
  if (s.size() > 1 && s[0] == '0') {
    char mark = static_cast<char>(s[1] | 0x20);
    base = mark == 'x' ? 16 : mark == 'b' ? 2 : 8;
    s.remove_prefix(mark == 'x' || mark == 'b' || mark == 'o' ? 2 : 1);
  }
  std::int64_t out = 0;
  auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), out, base);
  if (s.empty() || error != std::errc() || end != s.data() + s.size() || s[0] == '-') return 0;
  return negative ? -out : out;
}

double to_float(const Value& value) {
  if (const auto* number = value.as<double>()) return *number;
  if (const auto* text = value.as<std::string>()) {
    auto number = parse_float(*text);
    return number ? *number : 0;
  }
  return static_cast<double>(to_int(value));
}

Value from_json(std::string_view text) {
  JsonValue value;
  std::size_t end = 0;
  if (read_json_value(text, value, end) != JsonError::none) return Nil();
  return json_value(value, 0);
}

namespace {

void append_quoted_go(std::string& out, std::string_view text) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  out += '"';
  for (std::size_t i = 0; i < text.size();) {
    Rune rune = decode_rune(text, i);
    char c = text[i];
    if (rune.length == 0) {
      out += "\\x";
      out += kHex[static_cast<unsigned char>(c) >> 4];
      out += kHex[static_cast<unsigned char>(c) & 15];
      ++i;
      continue;
    }
    static constexpr std::string_view kFrom = "\a\b\f\n\r\t\v\\\"", kTo = "abfnrtv\\\"";
    if (std::size_t k = kFrom.find(c); rune.length == 1 && k != kFrom.npos) {
      out.append("\\").append(1, kTo[k]);
    } else if (rune.value < 0x20 || rune.value == 0x7F) {
      out += "\\x";
      out += kHex[rune.value >> 4];
      out += kHex[rune.value & 15];
    } else {
      out.append(text.substr(i, rune.length));
    }
    i += rune.length;
  }
  out += '"';
}

std::size_t rune_count(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < text.size(); ++count)
    i += std::max<std::size_t>(decode_rune(text, i).length, 1);
  return count;
}

struct Verb {
  bool minus = false, plus = false, space = false, zero = false, sharp = false;
  int width = 0;
  int precision = -1;
  char verb = 'v';
};

// Fills up to the width; zeros go behind a sign.
void append_padded(std::string& out, const Verb& verb, std::string text, bool number) {
  std::size_t have = rune_count(text);
  auto want = static_cast<std::size_t>(verb.width);
  if (have >= want) {
    out += text;
  } else if (verb.minus) {
    out += text;
    out.append(want - have, ' ');
  } else if (verb.zero && number) {
    std::size_t sign = !text.empty() && (text[0] == '-' || text[0] == '+') ? 1 : 0;
    out += text.substr(0, sign);
    out.append(want - have, '0');
    out += text.substr(sign);
  } else {
    out.append(want - have, ' ');
    out += text;
  }
}

std::string integer_text(std::int64_t value, int base, bool upper) {
  std::array<char, 70> text;
  auto end = std::to_chars(text.data(), text.data() + text.size(), value, base).ptr;
  std::string out(text.data(), end);
  if (upper)
    for (char& c : out)
      if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  return out;
}

std::string float_verb(double value, const Verb& verb) {
  if (!std::isfinite(value)) return format_float(value);
  if (verb.verb == 'v' || (verb.verb == 'g' && verb.precision < 0)) return float_text(value);
  auto format = verb.verb == 'e' || verb.verb == 'E'   ? std::chars_format::scientific
                : verb.verb == 'g' || verb.verb == 'G' ? std::chars_format::general
                                                       : std::chars_format::fixed;
  std::array<char, 600> text;
  int precision = std::min(verb.precision < 0 ? 6 : verb.precision, 250);
  auto end = std::to_chars(text.data(), text.data() + text.size(), value, format, precision).ptr;
  return std::string(text.data(), end);
}

// One argument under one verb; false: the two do not go together.
bool append_verb(std::string& out, const Verb& verb, const Value& value) {
  if (verb.verb == 'v') {
    std::string text = value.as<double>() && verb.precision >= 0
                           ? float_verb(*value.as<double>(), {.precision = verb.precision, .verb = 'g'})
                       : value.as<Nil>() ? "<nil>"
                                         : to_text(value);
    if (verb.plus && (value.as<std::int64_t>() || value.as<double>()) && text[0] != '-') text = "+" + text;
    append_padded(out, verb, std::move(text), value.as<std::int64_t>() || value.as<double>());
    return true;
  }
  if (verb.verb == 'T') {
    append_padded(out, verb, std::string(kind_of(value)), false);
    return true;
  }
  if (const auto* text = value.as<std::string>()) {
    std::string shown;
    switch (verb.verb) {
      case 's':
        shown = verb.precision >= 0 ? text->substr(0, static_cast<std::size_t>(verb.precision)) : *text;
        break;
      case 'q': append_quoted_go(shown, *text); break;
      case 'x':
      case 'X':
        for (char c : *text) {
          std::string digits = integer_text(static_cast<unsigned char>(c), 16, verb.verb == 'X');
          shown += (digits.size() == 1 ? "0" : "") + digits;
        }
        break;
      default: return false;
    }
    append_padded(out, verb, std::move(shown), false);
    return true;
  }
  if (const auto* number = value.as<std::int64_t>()) {
    std::string shown;
    switch (verb.verb) {
      case 'd': shown = integer_text(*number, 10, false); break;
      case 'x':
      case 'X': shown = integer_text(*number, 16, verb.verb == 'X'); break;
      case 'o': shown = integer_text(*number, 8, false); break;
      case 'b': shown = integer_text(*number, 2, false); break;
      case 'c':
        append_rune(shown,
                    *number >= 0 && *number <= 0x10FFFF ? static_cast<std::uint32_t>(*number) : 0xFFFD);
        append_padded(out, verb, std::move(shown), false);
        return true;
      default: return false;
    }
    if (verb.plus && *number >= 0) shown = "+" + shown;
    if (verb.space && *number >= 0 && !verb.plus) shown = " " + shown;
    append_padded(out, verb, std::move(shown), true);
    return true;
  }
  if (const auto* number = value.as<double>()) {
    if (std::string_view("fFeEgG").find(verb.verb) == std::string_view::npos) return false;
    std::string shown = float_verb(*number, verb);
    if (verb.plus && shown[0] != '-') shown = "+" + shown;
    append_padded(out, verb, std::move(shown), true);
    return true;
  }
  if (const auto* flag = value.as<bool>(); flag && verb.verb == 't') {
    append_padded(out, verb, *flag ? "true" : "false", false);
    return true;
  }
  if (verb.verb == 's' && !value.as<bool>()) {
    append_padded(out, verb, to_text(value), false);
    return true;
  }
  return false;
}

}  // namespace

std::string sprintf(std::string_view format, std::span<const Value> arguments) {
  std::string out;
  std::size_t next = 0;
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%') {
      out += format[i];
      continue;
    }
    Verb verb;
    for (++i; i < format.size(); ++i) {
      if (format[i] == '-')
        verb.minus = true;
      else if (format[i] == '+')
        verb.plus = true;
      else if (format[i] == ' ')
        verb.space = true;
      else if (format[i] == '0')
        verb.zero = true;
      else if (format[i] == '#')
        verb.sharp = true;
      else
        break;
    }
    auto number = [&](int& value) {
      if (i < format.size() && format[i] == '*') {
        ++i;
        value = next < arguments.size() ? static_cast<int>(std::min<std::int64_t>(
                                              std::max<std::int64_t>(to_int(arguments[next]), 0), 10'000))
                                        : 0;
        ++next;
        return;
      }
      value = 0;
      for (; i < format.size() && format[i] >= '0' && format[i] <= '9'; ++i)
        value = std::min(value * 10 + (format[i] - '0'), 10'000);
    };
    number(verb.width);
    if (i < format.size() && format[i] == '.') {
      ++i;
      number(verb.precision);
    }
    if (i >= format.size()) {
      out += "%!(NOVERB)";
      break;
    }
    verb.verb = format[i];
    if (verb.verb == '%') {
      out += '%';
      continue;
    }
    if (next >= arguments.size()) {
      out.append("%!").append(1, verb.verb).append("(MISSING)");
      continue;
    }
    const Value& argument = arguments[next++];
    if (append_verb(out, verb, argument)) continue;
    out.append("%!").append(1, verb.verb).append("(");
    out.append(kind_of(argument)).append("=").append(to_text(argument)).append(")");
  }
  if (next < arguments.size()) {
    out += "%!(EXTRA ";
    for (std::size_t i = next; i < arguments.size(); ++i) {
      if (i > next) out += ", ";
      out.append(kind_of(arguments[i])).append("=").append(to_text(arguments[i]));
    }
    out += ")";
  }
  return out;
}

// Blanks go between operands of which neither is text.
std::string sprint(std::span<const Value> arguments) {
  std::string out;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (i > 0 && !arguments[i].text() && !arguments[i - 1].text()) out += ' ';
    out += arguments[i].as<Nil>() ? "<nil>" : to_text(arguments[i]);
  }
  return out;
}

std::string sprintln(std::span<const Value> arguments) {
  std::string out;
  for (std::size_t i = 0; i < arguments.size(); ++i)
    out += (i > 0 ? " " : "") + (arguments[i].as<Nil>() ? std::string("<nil>") : to_text(arguments[i]));
  return out + "\n";
}

}  // namespace weft::text::templates
