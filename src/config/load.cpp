#include "config/load.h"

#include <algorithm>

#include <fmt/format.h>

namespace weft::config {
namespace {

// Looking for what is nearest takes time; nobody reads more than this.
constexpr int kUnknownMax = 100;
constexpr std::size_t kExpandedBytesMax = std::size_t{4} << 20;

std::string place(std::string_view file, text::YamlMark mark) {
  return fmt::format("{}:{}:{}", file, mark.line, mark.column);
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> items;
  while (!text.empty()) {
    std::size_t comma = std::min(text.find(','), text.size());
    std::string_view item = text.substr(0, comma);
    while (item.starts_with(' ')) item.remove_prefix(1);
    while (item.ends_with(' ')) item.remove_suffix(1);
    if (!item.empty()) items.emplace_back(item);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return items;
}

std::vector<std::string> values_of(const Setting& setting, std::string_view text) {
  return setting.kind == Kind::list ? split_list(text) : std::vector<std::string>{std::string(text)};
}

bool is_group(const Schema& schema, std::string_view path) {
  return std::ranges::any_of(schema.settings(), [&](const Setting& setting) {
    return setting.name.size() > path.size() && setting.name.starts_with(path) &&
           setting.name[path.size()] == '.';
  });
}

// One run over our own YAML file; maps nest no deeper than the parser lets them.
class YamlReader {
 public:
  YamlReader(Schema& schema, std::string_view file, std::vector<std::string>& problems)
      : schema_(schema), file_(file), problems_(problems) {}

  void read_map(const text::YamlNode& map, const std::string& prefix) {
    for (const text::YamlEntry& entry : map.entries) read_entry(entry, prefix + entry.key);
  }

 private:
  void read_entry(const text::YamlEntry& entry, const std::string& path) {
    using enum text::YamlNode::Kind;
    const text::YamlNode& node = entry.node;
    if (Setting* setting = schema_.find(path)) return read_value(*setting, node, path);
    if (!is_group(schema_, path)) {
      if (++unknown_ > kUnknownMax) {
        if (unknown_ == kUnknownMax + 1)
          problems_.push_back(
              fmt::format("{}: more unknown keys follow; these first", place(file_, entry.mark)));
        return;
      }
      problems_.push_back(fmt::format("{}: unknown key '{}'; the nearest known key is '{}'",
                                      place(file_, entry.mark), path, nearest_key(path, entry.key)));
    } else if (node.kind == map) {
      read_map(node, path + ".");
    } else if (node.kind != null) {
      problems_.push_back(
          fmt::format("{}: '{}' is a group of settings, not a value", place(file_, node.mark), path));
    }
  }

  // A neighbour when it is written alike, else any setting.
  std::string nearest_key(const std::string& path, const std::string& key) const {
    std::string prefix = path.substr(0, path.size() - key.size());
    std::vector<std::string_view> neighbours;
    for (const Setting& setting : schema_.settings()) {
      if (!setting.name.starts_with(prefix)) continue;
      std::string_view name = setting.name;
      neighbours.push_back(name.substr(0, name.find('.', prefix.size())));
    }
    std::string_view near = nearest(path, neighbours);
    bool alike = !near.empty() && edit_distance(path, near) <= std::max<std::size_t>(2, key.size() / 3);
    return alike ? std::string(near) : schema_.nearest(path);
  }

  void read_value(Setting& setting, const text::YamlNode& node, const std::string& path) {
    using enum text::YamlNode::Kind;
    std::string where = place(file_, node.mark);
    switch (node.kind) {
      case null: return;  // a key without a value leaves the default
      case map:
        problems_.push_back(fmt::format("{}: {}: expected {}, not a map", where, path, wanted(setting)));
        return;
      case scalar: return assign(setting, values_of(setting, node.value), where, problems_);
      case sequence: break;
    }
    if (setting.kind != Kind::list) {
      problems_.push_back(fmt::format("{}: {}: expected {}, not a list", where, path, wanted(setting)));
      return;
    }
    std::vector<std::string> values;
    for (const text::YamlNode& item : node.items) {
      if (item.is_scalar()) {
        values.push_back(item.value);
      } else {
        problems_.push_back(
            fmt::format("{}: {}: a list of texts is expected", place(file_, item.mark), path));
      }
    }
    assign(setting, values, where, problems_);
  }

  static std::string wanted(const Setting& setting) { return fmt::format("one {}", kind_name(setting.kind)); }

  Schema& schema_;
  std::string_view file_;
  std::vector<std::string>& problems_;
  int unknown_ = 0;
};

// A ${…} found in a text.
struct Variable {
  std::string_view name;
  std::string_view fallback;
  bool has_fallback = false;
};

Variable parse_variable(std::string_view inside) {
  std::size_t colon = inside.find(':');
  if (colon == std::string_view::npos) return {inside, {}, false};
  std::string_view fallback = inside.substr(colon + 1);
  if (fallback.starts_with('-')) fallback.remove_prefix(1);
  return {inside.substr(0, colon), fallback, true};
}

bool is_variable_name(std::string_view name) {
  auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  if (name.empty() || !letter(name[0])) return false;
  return std::ranges::all_of(name, [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

// Kubernetes gives every container variables such as WEFT_HTTP_PORT=tcp://10.0.0.1:3100 when there is
// a Service called weft-http.
bool is_service_link(std::string_view value) {
  return value.starts_with("tcp://") || value.starts_with("udp://");
}

std::string shown(const Setting& setting) {
  return setting.secret == Secret::yes ? std::string("********") : setting.print();
}

}  // namespace

void assign(Setting& setting, const std::vector<std::string>& values, std::string_view origin,
            std::vector<std::string>& problems) {
  auto done = setting.assign(values);
  if (done) {
    setting.origin = origin;
    return;
  }
  // Do not repeat a secret in a message.
  std::string what =
      setting.secret == Secret::yes ? std::string("not a valid value") : done.error().message();
  problems.push_back(fmt::format("{}: {}: {}", origin, setting.name, what));
}

void read_yaml(Schema& schema, const text::YamlNode& root, std::string_view file,
               std::vector<std::string>& problems) {
  using enum text::YamlNode::Kind;
  if (root.kind == null) return;
  if (root.kind != map) {
    problems.push_back(fmt::format("{}: expected a map of settings", place(file, root.mark)));
    return;
  }
  YamlReader(schema, file, problems).read_map(root, "");
}

void read_environment(Schema& schema, const Environment& environment, std::vector<std::string>& problems,
                      std::vector<Note>& notes) {
  std::vector<std::string> names;
  for (Setting& setting : schema.settings()) {
    std::string name = setting.variable();
    auto found = environment.find(name);
    names.push_back(std::move(name));
    if (found == environment.end()) continue;
    const std::string& value = found->second;
    if (is_service_link(value)) {
      notes.push_back({LogLevel::warn, fmt::format("{}={} looks like a Kubernetes service link; ignored",
                                                   names.back(), value)});
      continue;
    }
    assign(setting, values_of(setting, value), names.back(), problems);
  }
  std::vector<std::string_view> known(names.begin(), names.end());
  for (auto it = environment.lower_bound("WEFT_"); it != environment.end() && it->first.starts_with("WEFT_");
       ++it) {
    if (std::ranges::find(names, it->first) != names.end()) continue;
    std::string_view near = nearest(it->first, known);
    if (edit_distance(it->first, near) <= 2)
      notes.push_back({LogLevel::warn, fmt::format("{} is not a setting and has no effect; did you mean {}?",
                                                   it->first, near)});
  }
}

void read_flags(const FlagRules& rules, const std::vector<std::string>& arguments,
                std::vector<std::string>& problems, std::vector<Note>& notes) {
  std::vector<std::pair<Setting*, std::vector<std::string>>> lists;  // collected, since they repeat
  auto find = [&](std::string_view name) -> Setting* {
    for (Schema* schema : rules.schemas)
      if (Setting* setting = schema->find_flag(name)) return setting;
    return nullptr;
  };
  auto unknown = [&](std::string_view name) {
    std::vector<std::string> flags;
    for (Schema* schema : rules.schemas)
      for (const Setting& setting : schema->settings()) flags.push_back(setting.flag());
    std::vector<std::string_view> known(flags.begin(), flags.end());
    std::string_view near = nearest(fmt::format("--{}", name), known);
    problems.push_back(fmt::format("unknown flag --{}; the nearest known flag is {}", name, near));
  };

  bool flags_ended = false;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    std::string_view argument = arguments[i];
    if (argument == "--" && !flags_ended) {
      flags_ended = true;
      continue;
    }
    if (flags_ended || !argument.starts_with('-') || argument == "-") {
      if (rules.rest) {
        rules.rest->emplace_back(argument);
      } else {
        problems.push_back(fmt::format("unexpected argument '{}'", argument));
      }
      continue;
    }
    std::string_view name = argument.substr(argument.starts_with("--") ? 2 : 1);
    std::size_t equals = name.find('=');
    bool inline_value = equals != std::string_view::npos;
    std::string value(inline_value ? name.substr(equals + 1) : std::string_view());
    name = name.substr(0, equals);

    Setting* setting = find(name);
    if (!setting) {
      std::string why = rules.tolerated ? rules.tolerated(name) : std::string();
      if (why.empty()) {
        unknown(name);
      } else {
        notes.push_back({LogLevel::info, fmt::format("-{}: {}", name, why)});
      }
      // The value of such a flag is the next argument when that is no flag itself.
      if (!inline_value && i + 1 < arguments.size() && !arguments[i + 1].starts_with('-')) ++i;
      continue;
    }
    if (!inline_value && setting->kind == Kind::boolean) {
      value = "true";
    } else if (!inline_value) {
      if (i + 1 == arguments.size()) {
        problems.push_back(fmt::format("{}: needs a value", setting->flag()));
        continue;
      }
      value = arguments[++i];
    }
    if (setting->kind != Kind::list) {
      assign(*setting, {value}, setting->flag(), problems);
      continue;
    }
    auto same = std::ranges::find(lists, setting, &std::pair<Setting*, std::vector<std::string>>::first);
    if (same == lists.end()) same = lists.insert(lists.end(), {setting, {}});
    for (std::string& item : split_list(value)) same->second.push_back(std::move(item));
  }
  for (auto& [setting, values] : lists) assign(*setting, values, setting->flag(), problems);
}

Result<std::string> expand_variables(std::string_view text, std::string_view file,
                                     const Environment& environment, std::vector<Note>& notes) {
  std::string out;
  out.reserve(text.size());
  std::size_t line = 1;
  for (std::size_t at = 0; at < text.size();) {
    char c = text[at];
    if (c == '\n') ++line;
    std::string_view rest = text.substr(at);
    if (rest.starts_with("$$")) {
      out += '$';
      at += 2;
      continue;
    }
    if (!rest.starts_with("${")) {
      out += c;
      ++at;
      continue;
    }
    std::size_t end = rest.find_first_of("}\n");
    if (end == std::string_view::npos || rest[end] != '}')
      return Error(Code::invalid_argument,
                   fmt::format("{}:{}: ${{ without a closing brace; write $$ for a dollar sign", file, line));
    std::string_view inside = rest.substr(2, end - 2);
    Variable variable = parse_variable(inside);
    if (!is_variable_name(variable.name))
      return Error(Code::invalid_argument,
                   fmt::format("{}:{}: ${{{}}} does not name a variable; write $${{ for the text itself",
                               file, line, inside));
    auto found = environment.find(variable.name);
    if (found != environment.end() && !(found->second.empty() && variable.has_fallback)) {
      out += found->second;
    } else if (variable.has_fallback) {
      out += variable.fallback;
    } else if (found == environment.end()) {
      notes.push_back({LogLevel::warn, fmt::format("{}:{}: ${{{}}} is not set; replaced by nothing", file,
                                                   line, variable.name)});
    }
    if (out.size() > kExpandedBytesMax)
      return Error(Code::resource_exhausted,
                   fmt::format("{}:{}: more than {} bytes after expansion", file, line, kExpandedBytesMax));
    at += end + 1;
  }
  return out;
}

std::string print_yaml(const Schema& schema) {
  std::string out;
  std::vector<std::string_view> open;  // the groups that the last line was in
  for (const Setting& setting : schema.settings()) {
    std::vector<std::string_view> parts;
    std::string_view name = setting.name;
    for (std::size_t dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.')) {
      parts.push_back(name.substr(0, dot));
      name.remove_prefix(dot + 1);
    }
    std::size_t shared = 0;
    while (shared < parts.size() && shared < open.size() && parts[shared] == open[shared]) ++shared;
    for (std::size_t i = shared; i < parts.size(); ++i)
      out += fmt::format("{}{}:\n", std::string(i * 2, ' '), parts[i]);
    out += fmt::format("{}{}: {}\n", std::string(parts.size() * 2, ' '), name, shown(setting));
    open = parts;
  }
  return out;
}

std::string print_help(const Schema& schema) {
  std::string out;
  for (const Setting& setting : schema.settings()) {
    std::string_view type = kind_name(setting.kind);
    bool switch_ = setting.kind == Kind::boolean;
    out += fmt::format("  {}{}\n      {}", setting.flag(), switch_ ? "" : fmt::format(" {}", type),
                       setting.help);
    std::string extra = setting.bounds;
    if (setting.secret == Secret::no && setting.initial != "\"\"" && setting.initial != "[]")
      extra += fmt::format("{}default {}", extra.empty() ? "" : "; ", setting.initial);
    out += extra.empty() ? "\n" : fmt::format(" ({})\n", extra);
  }
  return out;
}

std::string print_reference(const Schema& schema) {
  std::string out;
  for (const Schema::Group& group : schema.groups()) {
    out += fmt::format("## {}\n\n{}\n\n| Setting | Type | Default | What it does |\n|---|---|---|---|\n",
                       group.name, group.sentence);
    for (const Setting& setting : schema.settings()) {
      if (!setting.name.starts_with(group.name + ".")) continue;
      std::string bounds = setting.bounds.empty() ? "" : fmt::format(" ({})", setting.bounds);
      out += fmt::format("| `{}`<br>`{}`<br>`{}` | {}{} | `{}` | {} |\n", setting.name, setting.flag(),
                         setting.variable(), kind_name(setting.kind), bounds,
                         setting.secret == Secret::yes ? "" : setting.initial, setting.help);
    }
    out += '\n';
  }
  return out;
}

}  // namespace weft::config
