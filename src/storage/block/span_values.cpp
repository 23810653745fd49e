#include "storage/block/span_values.h"

#include <bit>
#include <cstring>
#include <limits>

namespace weft::storage::block {
namespace {

constexpr std::size_t kEventBytesMin = 4;
constexpr std::size_t kLinkBytesMin = 30;

Error corrupted(std::string what) {
  return Error(Code::corrupted, "values: " + what);
}

bool put_nested(const Value& value, int depth, std::string& out) {
  if (depth > kValueNestingMax) return false;
  out += static_cast<char>(value.type);
  switch (value.type) {
    case Value::Type::nil: return true;
    case Value::Type::string:
    case Value::Type::bytes: put_text(value.as_text(), out); return true;
    case Value::Type::integer: put_varint(out, zigzag(value.integer)); return true;
    case Value::Type::number: put_fixed(out, std::bit_cast<std::uint64_t>(value.number)); return true;
    case Value::Type::boolean: out += static_cast<char>(value.boolean ? 1 : 0); return true;
    case Value::Type::array:
      put_varint(out, value.size);
      for (const Value& item : value.as_array())
        if (!put_nested(item, depth + 1, out)) return false;
      return true;
    case Value::Type::map:
      put_varint(out, value.size);
      for (const Attribute& entry : value.as_map()) {
        put_text(entry.key, out);
        if (!put_nested(entry.value, depth + 1, out)) return false;
      }
      return true;
  }
  return false;
}

// A count of items that take at least `item_bytes` each.
Result<std::size_t> take_count(ByteReader& reader, std::size_t item_bytes) {
  std::uint64_t count = TRY(reader.varint());
  if (count > reader.rest().size() / item_bytes)
    return corrupted(std::to_string(count) + " items in " + std::to_string(reader.rest().size()) + " bytes");
  return static_cast<std::size_t>(count);
}

Result<std::uint32_t> take_u32(ByteReader& reader) {
  std::uint64_t value = TRY(reader.varint());
  if (value > std::numeric_limits<std::uint32_t>::max())
    return corrupted("number " + std::to_string(value) + " above 32 bits");
  return static_cast<std::uint32_t>(value);
}

// Recursive, to kValueNestingMax.
Result<Value> take_nested(ByteReader& reader, int depth, Arena& arena) {
  if (depth > kValueNestingMax) return corrupted("nested too deeply");
  auto type = TRY(reader.fixed<std::uint8_t>());
  switch (static_cast<Value::Type>(type)) {
    case Value::Type::nil: return Value();
    case Value::Type::string: return Value::of(arena.copy(TRY(take_text(reader))));
    case Value::Type::bytes: return Value::of_bytes(arena.copy(TRY(take_text(reader))));
    case Value::Type::integer: return Value::of(unzigzag(TRY(reader.varint())));
    case Value::Type::number: return Value::of(std::bit_cast<double>(TRY(reader.fixed<std::uint64_t>())));
    case Value::Type::boolean: {
      auto truth = TRY(reader.fixed<std::uint8_t>());
      if (truth > 1) return corrupted("boolean " + std::to_string(truth));
      return Value::of(truth == 1);
    }
    case Value::Type::array: {
      auto items = arena.allocate_array<Value>(TRY(take_count(reader, 1)));
      for (Value& item : items) item = TRY(take_nested(reader, depth + 1, arena));
      return Value::of(std::span<const Value>(items));
    }
    case Value::Type::map: {
      auto entries = arena.allocate_array<Attribute>(TRY(take_count(reader, 2)));
      for (Attribute& entry : entries) {
        entry.key = arena.copy(TRY(take_text(reader)));
        entry.value = TRY(take_nested(reader, depth + 1, arena));
      }
      return Value::of(std::span<const Attribute>(entries));
    }
  }
  return corrupted("type " + std::to_string(type));
}

template <class Id>
Result<Id> take_id(ByteReader& reader) {
  std::string_view bytes = TRY(take_text(reader));
  Id id;
  if (bytes.size() != id.bytes.size()) return corrupted("id of " + std::to_string(bytes.size()) + " bytes");
  std::memcpy(id.bytes.data(), bytes.data(), bytes.size());
  return id;
}

}  // namespace

std::uint32_t KeyTable::number(std::string_view key) {
  std::uint64_t address = std::bit_cast<std::uintptr_t>(key.data()) * 0x9e3779b97f4a7c15ULL;
  Cached& cached = cache_[(address >> 40 ^ key.size()) & (cache_.size() - 1)];
  if (cached.data == key.data() && cached.size == key.size() && cached.data != nullptr) return cached.number;
  auto [at, added] = numbers_.emplace(key, static_cast<std::uint32_t>(keys_.size()));
  if (added) keys_.push_back(key);
  cached = {key.data(), key.size(), at->second};
  return at->second;
}

void put_text(std::string_view text, std::string& out) {
  put_varint(out, text.size());
  out += text;
}

Result<std::string_view> take_text(ByteReader& reader) {
  std::uint64_t size = TRY(reader.varint());
  return reader.take(size);
}

bool put_value(const Value& value, std::string& out) {
  std::size_t before = out.size();
  if (put_nested(value, 0, out)) return true;
  out.resize(before);
  return false;
}

Result<Value> take_value(ByteReader& reader, Arena& arena) {
  return take_nested(reader, 0, arena);
}

Result<Attributes> take_attributes(ByteReader& reader, std::span<const std::string_view> keys, Arena& arena) {
  auto out = arena.allocate_array<Attribute>(TRY(take_count(reader, 2)));
  for (Attribute& attribute : out) {
    std::uint64_t key = TRY(reader.varint());
    if (key >= keys.size())
      return corrupted("key " + std::to_string(key) + " of " + std::to_string(keys.size()));
    attribute = { keys[key], TRY(take_value(reader, arena)) };
  }
  return Attributes(out);
}

Result<std::span<const SpanEvent>> take_events(std::string_view bytes, std::uint64_t start_ns,
                                               std::span<const std::string_view> keys, Arena& arena) {
  ByteReader reader(bytes);
  auto out = arena.allocate_array<SpanEvent>(TRY(take_count(reader, kEventBytesMin)));
  for (SpanEvent& event : out) {
    event.time_ns = start_ns + static_cast<std::uint64_t>(unzigzag(TRY(reader.varint())));
    event.name = arena.copy(TRY(take_text(reader)));
    event.dropped_attributes = TRY(take_u32(reader));
    event.attributes = TRY(take_attributes(reader, keys, arena));
  }
  TRY(reader.expect_end());
  return std::span<const SpanEvent>(out);
}

Result<std::span<const SpanLink>> take_links(std::string_view bytes, std::span<const std::string_view> keys,
                                             Arena& arena) {
  ByteReader reader(bytes);
  auto out = arena.allocate_array<SpanLink>(TRY(take_count(reader, kLinkBytesMin)));
  for (SpanLink& link : out) {
    link.trace_id = TRY(take_id<TraceId>(reader));
    link.span_id = TRY(take_id<SpanId>(reader));
    link.trace_state = arena.copy(TRY(take_text(reader)));
    link.flags = TRY(take_u32(reader));
    link.dropped_attributes = TRY(take_u32(reader));
    link.attributes = TRY(take_attributes(reader, keys, arena));
  }
  TRY(reader.expect_end());
  return std::span<const SpanLink>(out);
}

}  // namespace weft::storage::block
