#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace weft {

struct Attribute;

// An OTLP AnyValue. Typed values stay typed, since TraceQL needs 200 != "200". Text, lists and
// maps are views into memory that the batch (or snapshot) owns. 24 bytes.
struct Value {
  enum class Type : std::uint8_t { nil, string, integer, number, boolean, bytes, array, map };

  Type type = Type::nil;
  std::uint32_t size = 0;  // of string and bytes: bytes; of array and map: items
  union {
    std::int64_t integer = 0;
    double number;
    bool boolean;
    const char* text;
    const Value* items;
    const Attribute* entries;
  };

  static Value of(std::string_view v) {
    Value r;
    r.type = Type::string;
    r.size = static_cast<std::uint32_t>(v.size());
    r.text = v.data();
    return r;
  }
  static Value of_bytes(std::string_view v) {
    Value r = of(v);
    r.type = Type::bytes;
    return r;
  }
  static Value of(std::int64_t v) {
    Value r;
    r.type = Type::integer;
    r.integer = v;
    return r;
  }
  static Value of(double v) {
    Value r;
    r.type = Type::number;
    r.number = v;
    return r;
  }
  static Value of(bool v) {
    Value r;
    r.type = Type::boolean;
    r.boolean = v;
    return r;
  }
  static Value of(std::span<const Value> v) {
    Value r;
    r.type = Type::array;
    r.size = static_cast<std::uint32_t>(v.size());
    r.items = v.data();
    return r;
  }
  static Value of(std::span<const Attribute> v);

  // Each requires that type.
  std::string_view as_text() const { return {text, size}; }
  std::span<const Value> as_array() const { return {items, size}; }
  std::span<const Attribute> as_map() const;
};

// A key and its typed value; the key is a view like the value's text.
struct Attribute {
  std::string_view key;
  Value value;
};
using Attributes = std::span<const Attribute>;

inline Value Value::of(std::span<const Attribute> v) {
  Value r;
  r.type = Type::map;
  r.size = static_cast<std::uint32_t>(v.size());
  r.entries = v.data();
  return r;
}
inline std::span<const Attribute> Value::as_map() const { return {entries, size}; }

// The value of the first attribute of that key, or null.
inline const Value* find_attribute(Attributes attributes, std::string_view key) {
  for (const Attribute& a : attributes)
    if (a.key == key) return &a.value;
  return nullptr;
}

// Deep equality; numbers compare bit by bit.
bool same_value(const Value& a, const Value& b);

}  // namespace weft
