#pragma once

#include "base/arena.h"
#include "model/span_batch.h"
#include "model/value.h"
#include "wire/decode/lists.h"
#include "wire/protobuf_reading.h"

namespace weft::wire {

// Reads what traces and logs share in OTLP's protobuf: attributes and their values, resources and
// scopes. Throws as reading.h says. Text stays where it is in the body; lists go to `arena`.
class OtlpReader {
 public:
  explicit OtlpReader(Arena& arena) : arena_(arena) {}

  // A KeyValue; pushed on lists().attributes.
  void attribute(pbf_reader message, int depth = 1);
  Value value(pbf_reader message, int depth = 1);
  void resource(pbf_reader message, Resource& resource);
  void scope(pbf_reader message, Scope& scope);

  // To be called for every record and item that takes memory.
  void count_item() {
    if (!budget_.take()) throw Refused(too_many_items());
  }
  Lists& lists() { return lists_; }
  Arena& arena() { return arena_; }

 private:
  Arena& arena_;
  Lists lists_;
  ItemBudget budget_;
};

}  // namespace weft::wire
