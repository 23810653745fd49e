#include "model/value.h"

#include <bit>

namespace weft {

bool same_value(const Value& a, const Value& b) {
  if (a.type != b.type) return false;
  switch (a.type) {
    case Value::Type::nil: return true;
    case Value::Type::string:
    case Value::Type::bytes: return a.as_text() == b.as_text();
    case Value::Type::integer: return a.integer == b.integer;
    case Value::Type::number: return std::bit_cast<std::uint64_t>(a.number) == std::bit_cast<std::uint64_t>(b.number);
    case Value::Type::boolean: return a.boolean == b.boolean;
    case Value::Type::array:
      if (a.size != b.size) return false;
      for (std::uint32_t i = 0; i < a.size; ++i)
        if (!same_value(a.items[i], b.items[i])) return false;
      return true;
    case Value::Type::map:
      if (a.size != b.size) return false;
      for (std::uint32_t i = 0; i < a.size; ++i)
        if (a.entries[i].key != b.entries[i].key || !same_value(a.entries[i].value, b.entries[i].value)) return false;
      return true;
  }
  return false;
}

}  // namespace weft
