#include "wire/protobuf/any_value.h"

#include "model/limits.h"

namespace weft::wire {

void OtlpReader::attribute(pbf_reader message, int depth) {
  count_item();
  Attribute attribute;
  while (message.next()) {
    switch (message.tag_and_type()) {
      case bytes_field(1): attribute.key = message.get_view(); break;
      case bytes_field(2): attribute.value = value(message.get_message(), depth); break;
      default: message.skip();
    }
  }
  lists_.attributes.push(attribute);
}

// Recursion is as deep as kNestingMax at most.
Value OtlpReader::value(pbf_reader message, int depth) {
  if (depth > kNestingMax) throw Refused(too_deep());
  Value value;
  while (message.next()) {
    switch (message.tag_and_type()) {
      case bytes_field(1): value = Value::of(message.get_view()); break;
      case varint_field(2): value = Value::of(message.get_bool()); break;
      case varint_field(3): value = Value::of(message.get_int64()); break;
      case fixed64_field(4): value = Value::of(message.get_double()); break;
      case bytes_field(5): {
        std::size_t mark = lists_.values.mark();
        for (pbf_reader array = message.get_message(); array.next();) {
          if (array.tag_and_type() != bytes_field(1)) {
            array.skip();
            continue;
          }
          count_item();
          lists_.values.push(this->value(array.get_message(), depth + 1));
        }
        value = Value::of(lists_.values.take(mark, arena_));
        break;
      }
      case bytes_field(6): {
        std::size_t mark = lists_.attributes.mark();
        for (pbf_reader map = message.get_message(); map.next();) {
          if (map.tag_and_type() == bytes_field(1)) {
            attribute(map.get_message(), depth + 1);
          } else {
            map.skip();
          }
        }
        value = Value::of(lists_.attributes.take(mark, arena_));
        break;
      }
      case bytes_field(7): value = Value::of_bytes(message.get_view()); break;
      default: message.skip();
    }
  }
  return value;
}

void OtlpReader::resource(pbf_reader message, Resource& resource) {
  std::size_t mark = lists_.attributes.mark();
  while (message.next()) {
    switch (message.tag_and_type()) {
      case bytes_field(1): attribute(message.get_message()); break;
      case varint_field(2): resource.dropped_attributes = message.get_uint32(); break;
      default: message.skip();
    }
  }
  resource.attributes = lists_.attributes.take(mark, arena_);
}

void OtlpReader::scope(pbf_reader message, Scope& scope) {
  std::size_t mark = lists_.attributes.mark();
  while (message.next()) {
    switch (message.tag_and_type()) {
      case bytes_field(1): scope.name = message.get_view(); break;
      case bytes_field(2): scope.version = message.get_view(); break;
      case bytes_field(3): attribute(message.get_message()); break;
      case varint_field(4): scope.dropped_attributes = message.get_uint32(); break;
      default: message.skip();
    }
  }
  scope.attributes = lists_.attributes.take(mark, arena_);
}

}  // namespace weft::wire
