#include "model/span_batch.h"

namespace weft {

Value copy_value(const Value& value, Arena& arena) {
  switch (value.type) {
    case Value::Type::string: return Value::of(arena.copy(value.as_text()));
    case Value::Type::bytes: return Value::of_bytes(arena.copy(value.as_text()));
    case Value::Type::array: {
      auto items = arena.allocate_array<Value>(value.size);
      for (std::uint32_t i = 0; i < value.size; ++i) items[i] = copy_value(value.items[i], arena);
      return Value::of(std::span<const Value>(items));
    }
    case Value::Type::map: return Value::of(copy_attributes(value.as_map(), arena));
    default: return value;
  }
}

Attributes copy_attributes(Attributes attributes, Arena& arena) {
  auto out = arena.allocate_array<Attribute>(attributes.size());
  for (std::size_t i = 0; i < attributes.size(); ++i)
    out[i] = {arena.copy(attributes[i].key), copy_value(attributes[i].value, arena)};
  return out;
}

}  // namespace weft
