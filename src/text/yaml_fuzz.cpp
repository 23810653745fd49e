#include "text/yaml.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

using weft::text::YamlLimits;
using weft::text::YamlNode;

struct Tree {
  std::size_t nodes = 0;
  std::size_t depth = 0;
};

Tree measure(const YamlNode& node) {
  Tree tree{.nodes = 1, .depth = 0};
  auto add = [&](const YamlNode& child) {
    Tree part = measure(child);
    tree.nodes += part.nodes;
    tree.depth = std::max(tree.depth, part.depth + 1);
  };
  for (const auto& entry : node.entries) add(entry.node);
  for (const auto& item : node.items) add(item);
  return tree;
}

}  // namespace

// Any bytes give a tree within the limits or an error that names its place.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  YamlLimits limits;
  limits.nodes_max = 5'000;
  auto documents = weft::text::parse_yaml_documents({reinterpret_cast<const char*>(data), size}, "f", limits);
  if (!documents) {
    if (!documents.error().message().starts_with("f:")) std::abort();
    return 0;
  }
  std::size_t nodes = 0;
  for (const YamlNode& document : *documents) {
    Tree tree = measure(document);
    nodes += tree.nodes;
    if (tree.depth > limits.depth_max) std::abort();
  }
  if (nodes > limits.nodes_max + documents->size()) std::abort();
  return 0;
}
