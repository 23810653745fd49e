#include <algorithm>

#include "config/compat.h"
#include "config/compat/keys.h"

namespace weft::config {
namespace {

using text::YamlEntry;
using text::YamlNode;

// How many top-level keys only that program has.
int count_keys(const YamlNode& root, std::initializer_list<std::string_view> keys) {
  int count = 0;
  for (std::string_view key : keys) count += root.find(key) != nullptr ? 1 : 0;
  return count;
}

int count_own(const YamlNode& root, const std::vector<std::string>& own_keys) {
  int known = 0;
  auto starts = [&](const std::string& path) {
    return std::ranges::any_of(own_keys, [&](const std::string& name) {
      return name.starts_with(path) && (name.size() == path.size() || name[path.size()] == '.');
    });
  };
  for (const YamlEntry& entry : root.entries) {
    if (!starts(entry.key)) continue;
    ++known;
    for (const YamlEntry& inner : entry.node.entries) known += starts(entry.key + "." + inner.key) ? 1 : 0;
  }
  return known;
}

// Built once and never changed.
const compat::KeyNode& tempo_keys() {
  static const compat::KeyNode kKeys = compat::build_keys(compat::tempo_table());
  return kKeys;
}
const compat::KeyNode& loki_keys() {
  static const compat::KeyNode kKeys = compat::build_keys(compat::loki_table());
  return kKeys;
}

std::string_view base_name(std::string_view file) {
  return file.substr(file.rfind('/') + 1);
}

}  // namespace

std::string_view program_name(Program program) {
  switch (program) {
    case Program::weft: return "weft";
    case Program::tempo: return "Tempo";
    case Program::loki: return "Loki";
    case Program::promtail: return "Promtail";
    case Program::grafana_datasources: return "Grafana";
    case Program::kubernetes: return "Kubernetes";
    case Program::unknown: return "unknown";
  }
  return "";
}

Program recognise(const YamlNode& root, std::string_view file, const std::vector<std::string>& own_keys) {
  if (root.find("kind") && root.find("metadata")) return Program::kubernetes;
  if (root.find("datasources") || root.find("deleteDatasources")) return Program::grafana_datasources;
  if (count_keys(root, {"scrape_configs", "clients", "client", "positions"}) > 0) return Program::promtail;

  std::string_view name = base_name(file);
  if (name == "weft.yaml" || name == "weft.yml") return Program::weft;

  struct Candidate {
    Program program;
    int known;
    std::string_view word;
  };
  const Candidate candidates[] = {
      {Program::tempo, compat::count_known(tempo_keys(), root), "tempo"},
      {Program::loki, compat::count_known(loki_keys(), root), "loki"},
      {Program::weft, count_own(root, own_keys), "weft"},
  };
  int most = std::ranges::max(candidates, {}, &Candidate::known).known;
  int equal = 0;
  Program best = Program::unknown;
  for (const Candidate& candidate : candidates) {
    if (candidate.known != most) continue;
    if (name.find(candidate.word) != std::string_view::npos) return candidate.program;
    best = candidate.program;
    ++equal;
  }
  if (root.entries.empty()) return Program::weft;
  return most > 0 && equal == 1 ? best : Program::unknown;
}

Translation translate(Program program, const YamlNode& root) {
  bool tempo = program == Program::tempo;
  Translation out;
  compat::walk_keys(tempo ? tempo_keys() : loki_keys(), root, out);
  if (root.is_map() || root.kind == YamlNode::Kind::null) {
    if (tempo) {
      compat::translate_tempo(root, out);
    } else {
      compat::translate_loki(root, out);
    }
  }
  // In the order of the file; what is about the whole file comes first.
  std::vector<std::pair<std::size_t, const Finding*>> order;
  for (std::size_t i = 0; i < out.findings.size(); ++i) order.emplace_back(i, &out.findings[i]);
  std::ranges::sort(order, {}, [](const auto& each) {
    return std::tuple(each.second->mark.line, each.second->mark.column, each.first);
  });
  std::vector<Finding> sorted;
  for (const auto& [index, finding] : order) sorted.push_back(*finding);
  out.findings = std::move(sorted);
  return out;
}

}  // namespace weft::config
