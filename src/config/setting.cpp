#include "config/setting.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "base/check.h"
#include "text/units.h"
#include "text/yaml.h"

namespace weft::config {
namespace {

using Texts = std::vector<std::string>;

Error refused(std::string_view value, std::string_view wanted) {
  return Error(Code::invalid_argument, fmt::format("'{}' is not {}", value, wanted));
}

// The one text of a value that is no list.
Result<std::string> single(const Texts& texts, std::string_view wanted) {
  if (texts.size() == 1) return texts[0];
  return Error(Code::invalid_argument, fmt::format("{} values, expected one: {}", texts.size(), wanted));
}

Result<bool> parse_boolean(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = (c >= 'A' && c <= 'Z') ? static_cast<char>(c + 32) : c;
  for (std::string_view yes : {"true", "yes", "on", "1", "t", "y"})
    if (lower == yes) return true;
  for (std::string_view no : {"false", "no", "off", "0", "f", "n"})
    if (lower == no) return false;
  return refused(text, "true or false");
}

// "16777216 (16MiB)" is hard to read; 16MiB where it is exact, else plain bytes.
std::string print_bytes(double value) {
  auto bytes = static_cast<std::uint64_t>(value);
  if (static_cast<double>(bytes) != value) return text::format_float(value);
  constexpr std::string_view kUnits[] = {"TiB", "GiB", "MiB", "KiB"};
  std::uint64_t unit_bytes = std::uint64_t{1} << 40;
  for (std::string_view unit : kUnits) {
    if (bytes >= unit_bytes && bytes % unit_bytes == 0) return fmt::format("{}{}", bytes / unit_bytes, unit);
    unit_bytes >>= 10;
  }
  return fmt::format("{}", bytes);
}

std::string join_choices(const std::vector<Schema::Choice>& choices) {
  std::string out;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    if (i > 0) out += i + 1 == choices.size() ? " or " : ", ";
    out += choices[i].name;
  }
  return out;
}

std::string print_list(const Texts& items) {
  std::string out = "[";
  for (const std::string& item : items) out += (out.size() > 1 ? ", " : "") + text::yaml_scalar(item);
  return out + "]";
}

Setting named(std::string_view name, Kind kind, std::string_view help) {
  Setting setting;
  setting.name = name;
  setting.kind = kind;
  setting.help = help;
  return setting;
}

}  // namespace

std::string_view kind_name(Kind kind) {
  switch (kind) {
    case Kind::boolean: return "bool";
    case Kind::integer: return "int";
    case Kind::number: return "float";
    case Kind::text: return "string";
    case Kind::choice: return "choice";
    case Kind::duration: return "duration";
    case Kind::bytes: return "bytes";
    case Kind::list: return "list";
  }
  return "";
}

std::string Setting::flag() const {
  std::string out = "--" + name;
  std::ranges::replace(out, '_', '-');
  return out;
}

std::string Setting::variable() const {
  std::string out = "WEFT_" + name;
  for (char& c : out) {
    if (c == '.' || c == '-') c = '_';
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  }
  return out;
}

void Schema::group(std::string_view name, std::string_view sentence) {
  groups_.push_back({std::string(name), std::string(sentence)});
}

Setting& Schema::add(Setting setting) {
  CHECK(!find(setting.name));
  setting.initial = setting.print();
  settings_.push_back(std::move(setting));
  return settings_.back();
}

Setting& Schema::boolean(std::string_view name, bool* target, std::string_view help) {
  Setting setting = named(name, Kind::boolean, help);
  setting.assign = [target](const Texts& texts) -> Result<void> {
    *target = TRY(parse_boolean(TRY(single(texts, "true or false"))));
    return {};
  };
  setting.print = [target] { return std::string(*target ? "true" : "false"); };
  return add(std::move(setting));
}

Setting& Schema::text(std::string_view name, std::string* target, std::string_view help) {
  Setting setting = named(name, Kind::text, help);
  setting.assign = [target](const Texts& texts) -> Result<void> {
    *target = TRY(single(texts, "a text"));
    return {};
  };
  setting.print = [target] { return text::yaml_scalar(*target); };
  return add(std::move(setting));
}

Setting& Schema::list(std::string_view name, std::vector<std::string>* target, std::string_view help) {
  Setting setting = named(name, Kind::list, help);
  setting.assign = [target](const Texts& texts) -> Result<void> {
    *target = texts;
    return {};
  };
  setting.print = [target] { return print_list(*target); };
  return add(std::move(setting));
}

Setting& Schema::number(std::string_view name, double* target, NumberBounds bounds, std::string_view help) {
  Setting setting = named(name, Kind::number, help);
  std::string range = bounds.max < 1e18 ? fmt::format("{} to {}", bounds.min, bounds.max)
                                        : fmt::format("at least {}", bounds.min);
  setting.bounds = range;
  setting.assign = [target, bounds, range](const Texts& texts) -> Result<void> {
    std::string text = TRY(single(texts, "a number"));
    auto value = text::parse_float(text);
    if (!value || !std::isfinite(*value)) return refused(text, "a number");
    if (*value < bounds.min || *value > bounds.max) return refused(text, "in range: " + range);
    *target = *value;
    return {};
  };
  setting.print = [target] { return text::format_float(*target); };
  return add(std::move(setting));
}

Setting& Schema::duration(std::string_view name, std::int64_t* target, IntegerBounds bounds,
                          std::string_view help) {
  Setting setting = named(name, Kind::duration, help);
  bool open = bounds.max == INT64_MAX;
  std::string max = open ? "" : print_duration(bounds.max);
  if (!open || bounds.min != 0)
    setting.bounds = open ? fmt::format("at least {}", print_duration(bounds.min))
                          : fmt::format("{} to {}", print_duration(bounds.min), max);
  setting.assign = [target, bounds, open, max](const Texts& texts) -> Result<void> {
    std::string text = TRY(single(texts, "a duration"));
    auto value = text::parse_duration(text);
    if (!value) return refused(text, "a duration such as 30s, 1h30m or 14d");
    if (*value < bounds.min) return refused(text, fmt::format("at least {}", print_duration(bounds.min)));
    if (!open && *value > bounds.max) return refused(text, fmt::format("at most {}", max));
    *target = *value;
    return {};
  };
  setting.print = [target] { return print_duration(*target); };
  return add(std::move(setting));
}

Setting& Schema::add_integer(std::string_view name, std::function<void(std::int64_t)> set,
                             std::function<std::int64_t()> get, IntegerBounds bounds, std::string_view help) {
  Setting setting = named(name, Kind::integer, help);
  bool open = bounds.max == INT64_MAX;
  std::string range =
      open ? fmt::format("at least {}", bounds.min) : fmt::format("{} to {}", bounds.min, bounds.max);
  if (!open || bounds.min != 0) setting.bounds = range;
  setting.assign = [set = std::move(set), bounds, range](const Texts& texts) -> Result<void> {
    std::string text = TRY(single(texts, "a whole number"));
    std::int64_t value = 0;
    auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failed != std::errc() || end != text.data() + text.size()) return refused(text, "a whole number");
    if (value < bounds.min || value > bounds.max) return refused(text, "in range: " + range);
    set(value);
    return {};
  };
  setting.print = [get = std::move(get)] { return fmt::format("{}", get()); };
  return add(std::move(setting));
}

Setting& Schema::add_bytes(std::string_view name, std::function<void(double)> set,
                           std::function<double()> get, NumberBounds bounds, std::string_view help) {
  Setting setting = named(name, Kind::bytes, help);
  if (bounds.max < 1e18)
    setting.bounds = fmt::format("{} to {}", print_bytes(bounds.min), print_bytes(bounds.max));
  else if (bounds.min > 0)
    setting.bounds = fmt::format("at least {}", print_bytes(bounds.min));
  setting.assign = [set = std::move(set), bounds](const Texts& texts) -> Result<void> {
    std::string text = TRY(single(texts, "a size"));
    auto value = text::parse_bytes(text);
    if (!value) return refused(text, "a size in bytes such as 256KiB, 4MB or 1048576");
    auto bytes = static_cast<double>(*value);
    if (bytes < bounds.min) return refused(text, fmt::format("at least {}", print_bytes(bounds.min)));
    if (bytes > bounds.max) return refused(text, fmt::format("at most {}", print_bytes(bounds.max)));
    set(bytes);
    return {};
  };
  setting.print = [get = std::move(get)] { return print_bytes(get()); };
  return add(std::move(setting));
}

Setting& Schema::add_choice(std::string_view name, std::function<void(int)> set, std::function<int()> get,
                            std::vector<Choice> choices, std::string_view help) {
  Setting setting = named(name, Kind::choice, help);
  setting.bounds = join_choices(choices);
  setting.print = [get = std::move(get), choices] {
    for (const Choice& choice : choices)
      if (choice.value == get()) return std::string(choice.name);
    return std::string();
  };
  setting.assign = [set = std::move(set), choices = std::move(choices)](const Texts& texts) -> Result<void> {
    std::string wanted = join_choices(choices);
    std::string text = TRY(single(texts, wanted));
    for (const Choice& choice : choices) {
      if (choice.name != text) continue;
      set(choice.value);
      return {};
    }
    return refused(text, wanted);
  };
  return add(std::move(setting));
}

Setting* Schema::find(std::string_view name) {
  std::string normal(name);
  std::ranges::replace(normal, '-', '_');
  auto found = std::ranges::find(settings_, normal, &Setting::name);
  return found == settings_.end() ? nullptr : &*found;
}

Setting* Schema::find_flag(std::string_view name) {
  if (Setting* setting = find(name)) return setting;
  std::string normal(name);
  std::ranges::replace(normal, '-', '_');
  for (Setting& setting : settings_)
    if (std::ranges::find(setting.aliases, normal) != setting.aliases.end()) return &setting;
  return nullptr;
}

std::string Schema::nearest(std::string_view name) const {
  std::string normal(name);
  std::ranges::replace(normal, '-', '_');
  std::vector<std::string_view> names;
  for (const Setting& setting : settings_) names.push_back(setting.name);
  return std::string(config::nearest(normal, names));
}

std::string print_duration(std::int64_t ns) {
  std::string out = text::format_go_duration(ns);
  if (out.ends_with("m0s")) out.resize(out.size() - 2);
  if (out.ends_with("h0m")) out.resize(out.size() - 2);
  return out;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  a = a.substr(0, 256);
  b = b.substr(0, 256);
  // Three rows of the usual table: before last, last, present.
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0U : 1U)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

std::string_view nearest(std::string_view text, const std::vector<std::string_view>& candidates) {
  std::string_view best;
  std::size_t best_distance = SIZE_MAX;
  for (std::string_view candidate : candidates) {
    std::size_t distance = edit_distance(text, candidate);
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

}  // namespace weft::config
