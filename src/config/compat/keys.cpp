#include "config/compat/keys.h"

#include <algorithm>

#include <fmt/format.h>

#include "config/setting.h"
#include "text/units.h"

namespace weft::config::compat {
namespace {

using text::YamlEntry;
using text::YamlMark;
using text::YamlNode;

// "a[].b" is the path a, [], b.
std::vector<std::string_view> split_path(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    std::size_t dot = std::min(path.find('.'), path.size());
    std::string_view part = path.substr(0, dot);
    bool through_list = part.ends_with("[]");
    if (through_list) part.remove_suffix(2);
    parts.push_back(part);
    if (through_list) parts.emplace_back("[]");
    path.remove_prefix(std::min(dot + 1, path.size()));
  }
  return parts;
}

KeyNode& node_at(KeyNode& root, std::string_view path) {
  KeyNode* node = &root;
  for (std::string_view part : split_path(path)) {
    if (part == "**") {
      node->all_below = true;
      break;
    }
    auto& child = node->children[std::string(part)];
    if (!child) child = std::make_unique<KeyNode>();
    node = child.get();
  }
  return *node;
}

template <class F>
void for_each_word(std::string_view text, const F& f) {
  constexpr std::string_view kSpace = " \n";
  for (std::size_t at = text.find_first_not_of(kSpace); at != std::string_view::npos;
       at = text.find_first_not_of(kSpace, at)) {
    std::size_t end = std::min(text.find_first_of(kSpace, at), text.size());
    f(text.substr(at, end - at));
    at = end;
  }
}

std::string joined(const std::vector<std::string>& values) {
  if (values.size() == 1) return values[0];
  std::string out = "[";
  for (const std::string& value : values) out += (out.size() > 1 ? ", " : "") + value;
  return out + "]";
}

// Looking for what is nearest takes time; nobody reads more than this.
constexpr int kUnknownMax = 100;

// "256KB" and "256k" become "256KiB"; what is written otherwise stays.
std::string binary_size(std::string_view text) {
  std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  std::string_view unit = text.substr(digits);
  while (unit.starts_with(' ')) unit.remove_prefix(1);
  bool scaled = !unit.empty() && std::string_view("kKmMgGtTpPeE").find(unit[0]) != std::string_view::npos;
  if (digits == 0 || !scaled || (unit.size() == 2 && unit[1] != 'b' && unit[1] != 'B') || unit.size() > 2)
    return std::string(text);
  return fmt::format("{}{}iB", text.substr(0, digits), unit[0]);
}

// Paths of all known keys whose last part is `name`.
void find_named(const KeyNode& keys, std::string_view name, const std::string& path,
                std::vector<std::string>& found) {
  for (const auto& [key, child] : keys.children) {
    std::string here = key == "[]" ? path + key : (path.empty() ? key : path + "." + key);
    if (key == name) found.push_back(here);
    find_named(*child, name, here, found);
  }
}

class Walk {
 public:
  Walk(const KeyNode& keys, Translation& out) : root_(keys), out_(out) {}

  void map(const YamlNode& node, const KeyNode& keys, const std::string& path) {
    for (const YamlEntry& entry : node.entries) {
      std::string here = path.empty() ? entry.key : path + "." + entry.key;
      const KeyNode* known = keys.child(entry.key);
      if (known) {
        value(entry.node, *known, here, entry.mark);
      } else {
        unknown(entry, keys, path, here);
      }
    }
  }

 private:
  void value(const YamlNode& node, const KeyNode& keys, const std::string& path, YamlMark mark) {
    using Kind = YamlNode::Kind;
    if (keys.sets) return set(node, *keys.sets, path, mark);
    if (keys.ignores) {
      ignore(*keys.ignores, path, mark);
      if (keys.all_below || keys.children.empty()) return;
      ++quiet_;  // one line is enough; but the keys below are looked at
      below(node, keys, path, mark);
      --quiet_;
      return;
    }
    if (keys.elsewhere || node.kind == Kind::null) return;
    below(node, keys, path, mark);
  }

  void below(const YamlNode& node, const KeyNode& keys, const std::string& path, YamlMark mark) {
    using Kind = YamlNode::Kind;
    if (node.kind == Kind::null) return;
    const KeyNode* item = keys.child("[]");
    if (node.kind == Kind::map && !keys.children.empty() && !item) return map(node, keys, path);
    if (node.kind == Kind::sequence && item) {
      for (const YamlNode& each : node.items) value(each, *item, path + "[]", each.mark);
      return;
    }
    add(Finding::Kind::problem, mark, path, item ? "expected a list" : "expected a map of keys");
  }

  void set(const YamlNode& node, const Sets& sets, const std::string& path, YamlMark mark) {
    if (node.kind == YamlNode::Kind::null) return;
    std::vector<std::string> values;
    if (sets.as == As::list && node.kind == YamlNode::Kind::sequence) {
      for (const YamlNode& item : node.items)
        if (item.is_scalar()) values.push_back(item.value);
      if (values.size() != node.items.size())
        return add(Finding::Kind::problem, node.mark, path, "expected a list of texts");
    } else if (node.is_scalar()) {
      values.push_back(node.value);
    } else {
      return add(Finding::Kind::problem, node.mark, path, "expected one value");
    }
    if (sets.as == As::mebibytes) {
      auto number = text::parse_float(values[0]);
      if (!number || !(*number >= 0 && *number <= 1e9))
        return add(Finding::Kind::problem, node.mark, path,
                   fmt::format("'{}' is not a number of megabytes from 0 to 1e9", values[0]));
      values[0] = fmt::format("{}", static_cast<std::uint64_t>(*number * 1'048'576));
    }
    if (sets.as == As::overrides && is_zero(values[0]))
      return add(Finding::Kind::ignored, mark, path, "0 overrides nothing; ignored");
    if (sets.as == As::size || sets.as == As::size_zero_unlimited) values[0] = binary_size(values[0]);
    if ((sets.as == As::zero_unlimited || sets.as == As::size_zero_unlimited) && is_zero(values[0])) {
      // A hundred years where the zero had a unit or the setting is a time; 10^18 of anything else.
      values[0] = sets.setting.ends_with("duration_max") || sets.setting.ends_with("length_max") ||
                          sets.setting.ends_with("timeout")
                      ? "876000h"
                      : "1000000000000000000";
    }
    out_.findings.push_back(
        {Finding::Kind::applied, mark, path, fmt::format("{} = {}", sets.setting, joined(values))});
    out_.assignments.push_back({std::string(sets.setting), std::move(values), node.mark, path});
  }

  void ignore(const Ignores& ignores, const std::string& path, YamlMark mark) {
    if (quiet_ > 0) return;
    add(ignores.loss == Loss::noticeable ? Finding::Kind::warning : Finding::Kind::ignored, mark, path,
        fmt::format("{}; ignored", ignores.why));
  }

  void unknown(const YamlEntry& entry, const KeyNode& keys, const std::string& path,
               const std::string& here) {
    if (++unknown_ > kUnknownMax) {
      if (unknown_ == kUnknownMax + 1)
        add(Finding::Kind::problem, entry.mark, here, "more unknown keys follow; these first");
      return;
    }
    std::vector<std::string_view> siblings;
    for (const auto& [key, child] : keys.children)
      if (!key.ends_with('*') && key != "[]") siblings.push_back(key);
    std::string_view sibling = nearest(entry.key, siblings);
    std::string near = path.empty() ? std::string(sibling) : fmt::format("{}.{}", path, sibling);
    std::size_t distance = sibling.empty() ? SIZE_MAX : edit_distance(entry.key, sibling);
    if (distance > 2 && distance > entry.key.size() / 3) {  // perhaps it is only in the wrong place
      std::vector<std::string> found;
      find_named(root_, entry.key, "", found);
      if (!found.empty()) near = std::ranges::min(found, {}, &std::string::size);
    }
    add(Finding::Kind::problem, entry.mark, here,
        fmt::format("unknown key '{}'; the nearest known key is '{}'", here, near));
  }

  void add(Finding::Kind kind, YamlMark mark, const std::string& path, std::string text) {
    out_.findings.push_back({kind, mark, path, std::move(text)});
  }

  const KeyNode& root_;
  Translation& out_;
  int quiet_ = 0;
  int unknown_ = 0;
};

}  // namespace

const KeyNode* KeyNode::child(std::string_view key) const {
  auto found = children.find(key);
  if (found != children.end()) return found->second.get();
  for (const auto& [pattern, node] : children)
    if (pattern.ends_with('*') && key.starts_with(std::string_view(pattern).substr(0, pattern.size() - 1)))
      return node.get();
  return nullptr;
}

KeyNode build_keys(const KeyTable& table) {
  KeyNode root;
  for (const Sets& sets : table.sets) node_at(root, sets.key).sets = &sets;
  for (const Ignores& ignores : table.ignores)
    for_each_word(ignores.keys, [&](std::string_view key) { node_at(root, key).ignores = &ignores; });
  for_each_word(table.elsewhere, [&](std::string_view key) { node_at(root, key).elsewhere = true; });
  return root;
}

void walk_keys(const KeyNode& keys, const YamlNode& root, Translation& out) {
  if (root.is_map()) return Walk(keys, out).map(root, keys, "");
  if (root.kind != YamlNode::Kind::null)
    out.findings.push_back({Finding::Kind::problem, root.mark, "", "expected a map of keys"});
}

int count_known(const KeyNode& keys, const YamlNode& root) {
  int known = 0;
  for (const YamlEntry& entry : root.entries) {
    const KeyNode* node = keys.child(entry.key);
    if (!node) continue;
    ++known;
    for (const YamlEntry& inner : entry.node.entries)
      known += node->all_below || node->child(inner.key) ? 1 : 0;
  }
  return known;
}

const YamlEntry* entry_at(const YamlNode& root, std::string_view path) {
  const YamlNode* node = &root;
  const YamlEntry* entry = nullptr;
  for (std::string_view part : split_path(path)) {
    auto found = std::ranges::find(node->entries, part, &YamlEntry::key);
    if (found == node->entries.end()) return nullptr;
    entry = &*found;
    node = &entry->node;
  }
  return entry;
}

const YamlEntry* scalar_at(const YamlNode& root, std::string_view path) {
  const YamlEntry* entry = entry_at(root, path);
  return entry && entry->node.is_scalar() ? entry : nullptr;
}

void apply(Translation& out, std::string_view key, YamlMark mark, std::string_view setting, std::string value,
           std::string_view because) {
  out.findings.push_back({Finding::Kind::applied, mark, std::string(key),
                          fmt::format("{} = {}{}{}", setting, value, because.empty() ? "" : "; ", because)});
  out.assignments.push_back({std::string(setting), {std::move(value)}, mark, std::string(key)});
}

void translate_listener(const YamlNode& root, std::string_view default_port, std::string_view prefix_key,
                        Translation& out) {
  if (const YamlEntry* address = scalar_at(root, "server.http_listen_address")) {
    std::string host = address->node.value == "localhost" ? "127.0.0.1" : address->node.value;
    apply(out, "server.http_listen_address", address->mark, "http.address", host.empty() ? "0.0.0.0" : host);
  } else {
    apply(out, "", {}, "http.address", "0.0.0.0", "server.http_listen_address is not given: all interfaces");
  }
  if (const YamlEntry* port = scalar_at(root, "server.http_listen_port")) {
    apply(out, "server.http_listen_port", port->mark, "http.port", port->node.value);
  } else {
    apply(out, "", {}, "http.port", std::string(default_port), "server.http_listen_port is not given");
  }
  const YamlEntry* outer = scalar_at(root, "server.http_path_prefix");
  const YamlEntry* inner = prefix_key.empty() ? nullptr : scalar_at(root, prefix_key);
  std::string prefix;
  for (const YamlEntry* part : {outer, inner}) {
    if (!part) continue;
    std::string_view text = part->node.value;
    while (text.ends_with('/')) text.remove_suffix(1);
    if (!text.empty() && !text.starts_with('/')) prefix += '/';
    prefix += text;
  }
  const YamlEntry* from = outer ? outer : inner;
  if (from && !prefix.empty()) {
    apply(out, from == outer ? "server.http_path_prefix" : prefix_key, from->mark, "http.path_prefix",
          prefix);
  } else {
    out.assignments.push_back({"http.path_prefix", {""}, {}, ""});
  }
}

std::string below(std::string_view directory) {
  while (directory.size() > 1 && directory.ends_with('/')) directory.remove_suffix(1);
  return fmt::format("{}{}weft", directory, directory.ends_with('/') ? "" : "/");
}

bool is_zero(std::string_view value) {
  if (auto duration = text::parse_duration(value)) return *duration == 0;
  auto number = text::parse_float(value);
  return number && *number == 0;
}

bool is_true(std::string_view value) {
  return value == "true" || value == "yes" || value == "on";
}

}  // namespace weft::config::compat
