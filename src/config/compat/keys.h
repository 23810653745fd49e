#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/compat.h"

// The tables of known keys and the walk along them. A key is written as a dotted path: "a.b"; "a[].b"
// goes through a list; "a.*" is any key and "a.b_*" any that begins so; "a.**" takes all below.

namespace weft::config::compat {

// How a value becomes the text that the setting reads.
enum class As : std::uint8_t {
  same,
  mebibytes,       // a number of MiB becomes bytes
  zero_unlimited,  // 0 means that there is no limit
  size,            // Loki's sizes: KB, MB and GB are powers of 1024
  size_zero_unlimited,
  overrides,  // 0 means that another key decides
  list,
};

struct Sets {
  std::string_view key;
  std::string_view setting;
  As as = As::same;
};

enum class Loss : std::uint8_t { none, noticeable };

struct Ignores {
  std::string_view why;   // "weft has no rings"
  Loss loss;              // noticeable: the line is a warning
  std::string_view keys;  // divided by white space
};

struct KeyTable {
  std::span<const Sets> sets;
  std::span<const Ignores> ignores;
  std::string_view elsewhere;  // keys that translate_tempo or translate_loki read themselves
};

struct KeyNode {
  std::map<std::string, std::unique_ptr<KeyNode>, std::less<>> children;  // "*" and "b_*" are patterns
  const Sets* sets = nullptr;
  const Ignores* ignores = nullptr;
  bool elsewhere = false;
  bool all_below = false;  // "**"

  bool has_effect() const { return sets || ignores || elsewhere; }
  const KeyNode* child(std::string_view key) const;
};

KeyNode build_keys(const KeyTable& table);

// Walks a file: translates keys that set something, explains those that do not, and reports unknown
// ones with the nearest known key.
void walk_keys(const KeyNode& keys, const text::YamlNode& root, Translation& out);

// How many keys of the first two levels of a file are known.
int count_known(const KeyNode& keys, const text::YamlNode& root);

// The entry at a dotted path of plain keys, or null when it is not there or has no value.
const text::YamlEntry* entry_at(const text::YamlNode& root, std::string_view path);
// The scalar there, or null.
const text::YamlEntry* scalar_at(const text::YamlNode& root, std::string_view path);

// Adds an assignment and its finding, "http.port = 3100".
void apply(Translation& out, std::string_view key, text::YamlMark mark, std::string_view setting,
           std::string value, std::string_view because = "");

// What both programs share: address, port and path prefix. `prefix` is added to the server's own.
void translate_listener(const text::YamlNode& root, std::string_view default_port,
                        std::string_view prefix_key, Translation& out);

// Our directory in one that belongs to another program: "/loki/chunks" -> "/loki/chunks/weft".
std::string below(std::string_view directory);

// Is it zero, as a number or a duration ("0", "0s", "0h")?
bool is_zero(std::string_view text);
bool is_true(std::string_view text);

const KeyTable& tempo_table();
const KeyTable& loki_table();
void translate_tempo(const text::YamlNode& root, Translation& out);
void translate_loki(const text::YamlNode& root, Translation& out);

}  // namespace weft::config::compat
