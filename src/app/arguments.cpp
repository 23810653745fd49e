#include "app/arguments.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/check.h"
#include "text/units.h"

namespace weft::app {

namespace {

// How many letters have to change, for "did you mean".
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1])});
      diagonal = above;
    }
  }
  return row[b.size()];
}

Error unknown_flag(std::string_view name, std::span<const Flag> flags) {
  std::string message = fmt::format("unknown flag --{}", name);
  const auto nearest =
      std::ranges::min_element(flags, {}, [&](const Flag& f) { return edit_distance(name, f.name); });
  if (nearest != flags.end() && edit_distance(name, nearest->name) <= 3) {
    message += fmt::format("; did you mean --{}?", nearest->name);
  }
  return Error(Code::invalid_argument, message + " (--help lists all)");
}

}  // namespace

Result<Arguments> Arguments::parse(std::span<const std::string> args, std::span<const Flag> flags) {
  Arguments out;
  for (const Flag& flag : flags) {
    out.values_[std::string(flag.name)] =
        flag.value.empty() && flag.initial.empty() ? "false" : std::string(flag.initial);
  }
  for (std::size_t i = 0; i < args.size(); ++i) {
    std::string_view arg = args[i];
    if (arg == "--") {
      out.positional_.insert(out.positional_.end(), args.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                             args.end());
      break;
    }
    if (arg.size() < 2 || arg[0] != '-') {
      out.positional_.emplace_back(arg);
      continue;
    }
    arg.remove_prefix(arg.starts_with("--") ? 2 : 1);
    const std::size_t equals = arg.find('=');
    const std::string_view name = arg.substr(0, equals);
    const auto flag = std::ranges::find_if(
        flags, [&](const Flag& f) { return f.name == name || (name.size() == 1 && f.letter == name[0]); });
    if (flag == flags.end()) return unknown_flag(name, flags);
    std::string value;
    if (equals != std::string_view::npos) {
      value = arg.substr(equals + 1);
    } else if (flag->value.empty()) {
      value = "true";
    } else if (i + 1 < args.size()) {
      value = args[++i];
    } else {
      return Error(Code::invalid_argument,
                   fmt::format("--{} needs a value: --{}={}", flag->name, flag->name, flag->value));
    }
    out.values_[std::string(flag->name)] = value;
    out.given_[std::string(flag->name)] = true;
  }
  return out;
}

const std::string& Arguments::text(std::string_view name) const {
  const auto found = values_.find(name);
  CHECK(found != values_.end());
  return found->second;
}

Result<std::int64_t> Arguments::integer(std::string_view name, std::int64_t low, std::int64_t high) const {
  std::string digits = text(name);
  std::erase(digits, '_');  // 1_000_000 is easier to read
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size() || value < low || value > high) {
    return Error(Code::invalid_argument,
                 fmt::format("--{}={}: must be a whole number from {} to {}", name, text(name), low, high));
  }
  return value;
}

Result<double> Arguments::number(std::string_view name, double low, double high) const {
  const Result<double> value = text::parse_float(text(name));
  if (!value || !(*value >= low && *value <= high)) {
    return Error(Code::invalid_argument,
                 fmt::format("--{}={}: must be a number from {} to {}", name, text(name), low, high));
  }
  return *value;
}

Result<std::int64_t> Arguments::duration_ns(std::string_view name) const {
  const Result<std::int64_t> value = text::parse_duration(text(name));
  if (!value || *value < 0) {
    return Error(Code::invalid_argument,
                 fmt::format("--{}={}: must be a duration such as 90s, 1h or 7d", name, text(name)));
  }
  return *value;
}

std::string flags_help(std::span<const Flag> flags) {
  constexpr std::size_t kColumn = 26, kWidth = 100;
  std::string out;
  for (const Flag& flag : flags) {
    std::string left =
        fmt::format("  {}--{}", flag.letter != 0 ? fmt::format("-{}, ", flag.letter) : "", flag.name);
    if (!flag.value.empty()) left += fmt::format("={}", flag.value);
    if (left.size() + 2 > kColumn) {
      out += left + "\n";
      left.clear();
    }
    std::string help(flag.help);
    if (!flag.initial.empty()) help += fmt::format(" [{}]", flag.initial);
    std::string line = fmt::format("{:<{}}", left, kColumn);
    std::size_t at = 0;
    while (at < help.size()) {
      const std::size_t next = std::min(help.find(' ', at), help.size());
      const std::string_view word = std::string_view(help).substr(at, next - at);
      if (line.size() + word.size() > kWidth) {
        out += line + "\n";
        line.assign(kColumn, ' ');
      }
      line += word;
      line += ' ';
      at = next + 1;
    }
    while (line.ends_with(' ')) line.pop_back();
    out += line + "\n";
  }
  return out;
}

std::string base_url(std::string_view text) {
  std::string out =
      text.find("://") == std::string_view::npos ? "http://" + std::string(text) : std::string(text);
  while (out.ends_with('/')) out.pop_back();
  return out;
}

std::string percent_encode(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z') || ('0' <= c && c <= '9') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

}  // namespace weft::app
