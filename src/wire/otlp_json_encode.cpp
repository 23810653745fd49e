#include <algorithm>
#include <charconv>
#include <cmath>

#include "text/json_writer.h"
#include "wire/json/bytes_as_text.h"
#include "wire/otlp.h"

namespace weft::wire {
namespace {

std::string base64(std::string_view bytes) {
  std::string text;
  append_base64(text, bytes);
  return text;
}

// Both writers recurse as deep as the value: what was decoded nests at most kNestingMax deep.
void write_any_value(text::JsonWriter& to, const Value& value) {
  to.begin_object();
  switch (value.type) {
    case Value::Type::nil: break;
    case Value::Type::string: to.key("stringValue").string(value.as_text()); break;
    case Value::Type::boolean: to.key("boolValue").boolean(value.boolean); break;
    case Value::Type::integer: to.key("intValue").string(std::to_string(value.integer)); break;
    case Value::Type::number: to.key("doubleValue").number(value.number); break;
    case Value::Type::bytes: to.key("bytesValue").string(base64(value.as_text())); break;
    case Value::Type::array:
      to.key("arrayValue").begin_object().key("values").begin_array();
      for (const Value& item : value.as_array()) write_any_value(to, item);
      to.end_array().end_object();
      break;
    case Value::Type::map:
      to.key("kvlistValue").begin_object().key("values").begin_array();
      for (const Attribute& entry : value.as_map()) {
        to.begin_object().key("key").string(entry.key).key("value");
        write_any_value(to, entry.value);
        to.end_object();
      }
      to.end_array().end_object();
      break;
  }
  to.end_object();
}

// Digits as Go's JSON encoder writes them: an exponent only where the number is very small or large,
// and that without a leading zero.
void write_go_number(text::JsonWriter& to, double number) {
  double size = std::abs(number);
  if (!std::isfinite(number)) {
    to.number(number);
    return;
  }
  bool exponent = size != 0 && (size < 1e-6 || size >= 1e21);
  char digits[64];  // 21 digits before the point or 6 zeros and 17 digits after it
  char* end = std::to_chars(digits, digits + sizeof digits, number,
                            exponent ? std::chars_format::scientific : std::chars_format::fixed)
                  .ptr;
  if (exponent && end[-2] == '0' && end[-3] == '-') {
    end[-2] = end[-1];
    --end;
  }
  to.raw({digits, static_cast<std::size_t>(end - digits)});
}

void write_plain(text::JsonWriter& to, const Value& value);

// In key order, and of equal keys the last: what a map in Go keeps and prints.
void write_plain_map(text::JsonWriter& to, Attributes entries) {
  std::vector<const Attribute*> sorted;
  sorted.reserve(entries.size());
  for (const Attribute& entry : entries) sorted.push_back(&entry);
  std::ranges::sort(sorted, {}, [](const Attribute* a) { return std::pair(a->key, a); });
  to.begin_object();
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    if (i + 1 < sorted.size() && sorted[i]->key == sorted[i + 1]->key) continue;
    to.key(sorted[i]->key);
    write_plain(to, sorted[i]->value);
  }
  to.end_object();
}

void write_plain(text::JsonWriter& to, const Value& value) {
  switch (value.type) {
    case Value::Type::nil: to.null(); break;
    case Value::Type::string: to.string(value.as_text()); break;
    case Value::Type::boolean: to.boolean(value.boolean); break;
    case Value::Type::integer: to.integer(value.integer); break;
    case Value::Type::number: write_go_number(to, value.number); break;
    case Value::Type::bytes: to.string(base64(value.as_text())); break;
    case Value::Type::array:
      to.begin_array();
      for (const Value& item : value.as_array()) write_plain(to, item);
      to.end_array();
      break;
    case Value::Type::map: write_plain_map(to, value.as_map()); break;
  }
}

}  // namespace

void append_json(std::string& out, const Value& value) {
  text::JsonWriter to(out);
  write_any_value(to, value);
}

void append_plain_json(std::string& out, const Value& value) {
  text::JsonWriter to(out);
  write_plain(to, value);
}

}  // namespace weft::wire
