#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

// YAML documents as a small tree that remembers where everything stood, for configuration files.
//
// Maps keep their order, scalars stay text (whoever reads a value knows what it should be), aliases
// are copied into place and `<<` is merged. A key given twice is an error.

namespace weft::text {

// Where something begins in its file; both count from 1. Line 0: nowhere.
struct YamlMark {
  std::uint32_t line = 0;
  std::uint32_t column = 0;
};

struct YamlEntry;

// A value type; destroying and copying recurse at most YamlLimits::depth_max deep.
struct YamlNode {
  enum class Kind : std::uint8_t {
    null,  // nothing at all, ~ or null
    scalar,
    map,
    sequence,
  };

  Kind kind = Kind::null;
  bool quoted = false;  // a scalar in quotes, or a block scalar
  YamlMark mark;
  std::string value;               // of a scalar
  std::vector<YamlEntry> entries;  // of a map, in order; keys that `<<` brought come last
  std::vector<YamlNode> items;     // of a sequence

  bool is_map() const { return kind == Kind::map; }
  bool is_scalar() const { return kind == Kind::scalar; }
  // The value under a key of this map, or null when there is none (or this is no map).
  const YamlNode* find(std::string_view key) const;
  // find() down a path of keys: at({"server", "http_listen_port"}).
  const YamlNode* at(std::initializer_list<std::string_view> path) const;
};

struct YamlEntry {
  std::string key;
  YamlMark mark;  // of the key
  YamlNode node;
};

// What a file may be. Aliases count as what they stand for, so a small file cannot become a big tree.
struct YamlLimits {
  std::size_t text_bytes_max = std::size_t{4} << 20;
  std::size_t depth_max = 64;
  std::size_t nodes_max = 100'000;
  std::size_t value_bytes_max = std::size_t{16} << 20;  // all scalars and keys together
  std::size_t documents_max = 256;
};

// The one document of a file; an empty file is a null node. Errors: invalid_argument, worded
// "file:line:column: what is wrong". `file` is only named.
Result<YamlNode> parse_yaml(std::string_view text, std::string_view file, const YamlLimits& limits = {});

// The same for a file of several documents, divided by `---`.
Result<std::vector<YamlNode>> parse_yaml_documents(std::string_view text, std::string_view file,
                                                   const YamlLimits& limits = {});

// Text as a YAML scalar that reads back as the same text: plain where that is safe, else in double
// quotes.
std::string yaml_scalar(std::string_view text);

}  // namespace weft::text
