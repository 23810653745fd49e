#pragma once

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

#include "base/arena.h"
#include "logql/stages/stage.h"
#include "model/limits.h"
#include "text/json_scan.h"

namespace weft::logql {

// Walks over the leaves of a JSON object as Loki's json stage sees them: strings without escapes,
// numbers and booleans as written, null and arrays left out, names of nested members joined by `_`.
// Calls `leaf(name, value, path)` for each in the order of the document until it returns false; the
// path is the keys that lead to it. Text lives in the document or in `arena`.
template <class Leaf>
class JsonWalk {
 public:
  JsonWalk(Arena& arena, Leaf leaf) : arena_(arena), leaf_(std::move(leaf)) {}

  // What is wrong with the document; leaves before the fault have been shown.
  text::JsonError run(std::string_view document) { return object(document, {}, 0); }

 private:
  text::JsonError object(std::string_view text, std::string_view prefix, std::size_t depth) {
    if (depth > static_cast<std::size_t>(kNestingMax)) return text::JsonError::malformed_object;
    text::JsonObjectScanner members(text);
    std::string_view raw_key;
    text::JsonValue value;
    while (!done_ && members.next(raw_key, value)) {
      auto key = text::unescape_json(raw_key, arena_);
      if (!key) return text::JsonError::malformed_escape;
      keys_[depth] = *key;
      switch (value.type) {
        case text::JsonValue::Type::object: {
          text::JsonError error = object(value.raw, joined(prefix, *key), depth + 1);
          if (error != text::JsonError::none) return error;
          break;
        }
        case text::JsonValue::Type::string:
          show(depth, joined(prefix, *key),
               text::unescape_json(value.raw, arena_).value_or(std::string_view()));
          break;
        case text::JsonValue::Type::number:
        case text::JsonValue::Type::boolean: show(depth, joined(prefix, *key), value.raw); break;
        default: break;
      }
    }
    return done_ ? text::JsonError::none : members.error();
  }

  void show(std::size_t depth, std::string_view name, std::string_view value) {
    if (name.empty()) return;
    if (!leaf_(name, value, std::span<const std::string_view>(keys_).first(depth + 1))) done_ = true;
  }

  // prefix_key; parts that are empty leave no trace.
  std::string_view joined(std::string_view prefix, std::string_view key) {
    std::string_view name = sanitised_name(key, arena_);
    if (prefix.empty()) return name;
    // Behind a prefix a leading digit is fine.
    if (name.size() > 1 && name[0] == '_' && key[0] >= '0' && key[0] <= '9') name.remove_prefix(1);
    if (name.empty()) return prefix;
    char* out = static_cast<char*>(arena_.allocate(prefix.size() + 1 + name.size(), 1));
    std::copy(prefix.begin(), prefix.end(), out);
    out[prefix.size()] = '_';
    std::copy(name.begin(), name.end(), out + prefix.size() + 1);
    return {out, prefix.size() + 1 + name.size()};
  }

  Arena& arena_;
  Leaf leaf_;
  std::array<std::string_view, kNestingMax + 2> keys_;
  bool done_ = false;
};

}  // namespace weft::logql
