#include "wire/json/any_value.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "model/limits.h"
#include "wire/json/bytes_as_text.h"

namespace weft::wire {
namespace {

// The characters of a number, whether in quotes or not.
Result<std::string_view> number_text(on_demand::value json, std::string_view what) {
  std::string_view text = scalar_token(json);
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
  std::size_t sign = text.starts_with('-') ? 1 : 0;
  if (sign == text.size() || text[sign] < '0' || text[sign] > '9') return json_type_error(what, "a number");
  return text;
}

template <class Number>
bool parse_whole(std::string_view text, Number& number) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

// Integers may be written as 5.0 or 1e3, as protobuf's mapping allows. Both bounds are exact doubles:
// `low` fits, `high` is the first that does not.
template <class Integer>
Result<Integer> parse_integer(std::string_view text, std::string_view what, double low, double high) {
  Integer integer = 0;
  if (parse_whole(text, integer)) return integer;
  double number = 0;
  if (parse_whole(text, number) && number >= low && number < high) {
    integer = static_cast<Integer>(number);
    if (static_cast<double>(integer) == number) return integer;
  }
  return json_type_error(what, "an integer of 64 bits");
}

}  // namespace

Result<Value> OtlpJsonReader::value(on_demand::value json, int depth) {
  if (depth > kNestingMax) return too_deep();
  Value value;
  TRY(members(json, "attribute value", [&](std::string_view key, on_demand::value member) -> Result<void> {
    if (key == "stringValue") {
      value = Value::of(TRY(string(member, key)));
    } else if (key == "intValue") {
      value = Value::of(TRY(integer(member, key)));
    } else if (key == "doubleValue") {
      value = Value::of(TRY(number(member, key)));
    } else if (key == "boolValue") {
      bool boolean = false;
      if (member.get_bool().get(boolean)) return json_type_error(key, "true or false");
      value = Value::of(boolean);
    } else if (key == "arrayValue") {
      value = TRY(array(member, depth));
    } else if (key == "kvlistValue") {
      Attributes entries;
      TRY(members(member, key, [&](std::string_view inner, on_demand::value list) -> Result<void> {
        if (inner == "values") entries = TRY(attributes(list, depth + 1));
        return {};
      }));
      value = Value::of(entries);
    } else if (key == "bytesValue") {
      auto bytes = decode_base64(TRY(string(member, key)));
      if (!bytes) return json_type_error(key, "base64");
      value = Value::of_bytes(arena().copy(*bytes));
    }
    return {};
  }));
  return value;
}

Result<Value> OtlpJsonReader::array(on_demand::value json, int depth) {
  std::span<const Value> items;
  TRY(members(json, "arrayValue", [&](std::string_view key, on_demand::value list) -> Result<void> {
    if (key != "values") return {};
    std::size_t mark = lists_.values.mark();
    TRY(each_item(list, "arrayValue.values", [&](on_demand::value item) -> Result<void> {
      TRY(count_item());
      lists_.values.push(TRY(value(item, depth + 1)));
      return {};
    }));
    items = lists_.values.take(mark, arena());
    return {};
  }));
  return Value::of(items);
}

Result<void> OtlpJsonReader::attribute(on_demand::value json, int depth) {
  TRY(count_item());
  Attribute attribute;
  TRY(members(json, "attribute", [&](std::string_view key, on_demand::value member) -> Result<void> {
    if (key == "key") {
      attribute.key = TRY(string(member, "attribute key"));
    } else if (key == "value") {
      attribute.value = TRY(value(member, depth));
    }
    return {};
  }));
  lists_.attributes.push(attribute);
  return {};
}

Result<Attributes> OtlpJsonReader::attributes(on_demand::value json, int depth) {
  std::size_t mark = lists_.attributes.mark();
  TRY(each_item(json, "attributes", [&](on_demand::value item) { return attribute(item, depth); }));
  return lists_.attributes.take(mark, arena());
}

Result<void> OtlpJsonReader::resource(on_demand::value json, Resource& resource) {
  return members(json, "resource", [&](std::string_view key, on_demand::value member) -> Result<void> {
    if (key == "attributes") {
      resource.attributes = TRY(attributes(member));
    } else if (key == "droppedAttributesCount") {
      resource.dropped_attributes = TRY(unsigned_integer_32(member, key));
    }
    return {};
  });
}

Result<void> OtlpJsonReader::scope(on_demand::value json, Scope& scope) {
  return members(json, "scope", [&](std::string_view key, on_demand::value member) -> Result<void> {
    if (key == "name") {
      scope.name = TRY(string(member, "scope name"));
    } else if (key == "version") {
      scope.version = TRY(string(member, "scope version"));
    } else if (key == "attributes") {
      scope.attributes = TRY(attributes(member));
    } else if (key == "droppedAttributesCount") {
      scope.dropped_attributes = TRY(unsigned_integer_32(member, key));
    }
    return {};
  });
}

Result<std::string_view> OtlpJsonReader::string(on_demand::value json, std::string_view what) {
  if (!is_string(json)) return json_type_error(what, "a string");
  return document_.string(json);
}

Result<std::uint64_t> OtlpJsonReader::unsigned_integer(on_demand::value json, std::string_view what) {
  return parse_integer<std::uint64_t>(TRY(number_text(json, what)), what, 0, 0x1p64);
}

Result<std::uint32_t> OtlpJsonReader::unsigned_integer_32(on_demand::value json, std::string_view what) {
  std::uint64_t integer = TRY(unsigned_integer(json, what));
  if (integer > std::numeric_limits<std::uint32_t>::max())
    return json_type_error(what, "an integer of 32 bits");
  return static_cast<std::uint32_t>(integer);
}

Result<std::int64_t> OtlpJsonReader::integer(on_demand::value json, std::string_view what) {
  return parse_integer<std::int64_t>(TRY(number_text(json, what)), what, -0x1p63, 0x1p63);
}

Result<double> OtlpJsonReader::number(on_demand::value json, std::string_view what) {
  std::string_view text = scalar_token(json);
  if (text == "\"NaN\"") return std::numeric_limits<double>::quiet_NaN();
  if (text == "\"Infinity\"") return std::numeric_limits<double>::infinity();
  if (text == "\"-Infinity\"") return -std::numeric_limits<double>::infinity();
  double number = 0;
  if (!parse_whole(TRY(number_text(json, what)), number)) return json_type_error(what, "a number");
  return number;
}

Result<std::int64_t> OtlpJsonReader::enumerator(on_demand::value json, std::string_view what,
                                                std::span<const std::string_view> names) {
  if (!is_string(json)) return integer(json, what);
  std::string_view name = TRY(document_.string(json));
  auto known = std::ranges::find(names, name);
  if (known == names.end()) return json_type_error(what, "a number or a known name");
  return known - names.begin();
}

Result<std::string_view> OtlpJsonReader::id(on_demand::value json, std::string_view what) {
  std::string_view hex = TRY(string(json, what));
  auto bytes = decode_hex(hex);
  if (!bytes) return json_type_error(what, "hexadecimal");
  return arena().copy(*bytes);
}

}  // namespace weft::wire
