#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "model/span_batch.h"
#include "model/value.h"
#include "wire/decode/lists.h"
#include "wire/json/document.h"

namespace weft::wire {

// Reads what traces and logs share in OTLP/JSON, by protobuf's JSON mapping with OTLP's exceptions:
// ids are hex, enums may be numbers or names, 64-bit integers strings or numbers. Members that are null
// count as absent, unknown ones are skipped. `what` names the value in error texts.
class OtlpJsonReader {
 public:
  explicit OtlpJsonReader(Arena& arena) : document_(arena) {}

  Result<Value> value(on_demand::value json, int depth = 1);
  // An array of KeyValue.
  Result<Attributes> attributes(on_demand::value json, int depth = 1);
  Result<void> resource(on_demand::value json, Resource& resource);
  Result<void> scope(on_demand::value json, Scope& scope);

  Result<std::string_view> string(on_demand::value json, std::string_view what);
  Result<std::uint64_t> unsigned_integer(on_demand::value json, std::string_view what);
  Result<std::uint32_t> unsigned_integer_32(on_demand::value json, std::string_view what);
  Result<std::int64_t> integer(on_demand::value json, std::string_view what);
  Result<double> number(on_demand::value json, std::string_view what);
  // A number, or the index of a name in `names`.
  Result<std::int64_t> enumerator(on_demand::value json, std::string_view what,
                                  std::span<const std::string_view> names);
  // The bytes of a hex id, of whatever length.
  Result<std::string_view> id(on_demand::value json, std::string_view what);

  Result<void> count_item() {
    if (!budget_.take()) return too_many_items();
    return {};
  }
  // Visits the members that are not null.
  template <class Visit>
  Result<void> members(on_demand::value json, std::string_view what, Visit visit) {
    return each_member(document_, json, what,
                       [&](std::string_view key, on_demand::value member) -> Result<void> {
                         if (is_null(member)) return {};
                         return visit(key, member);
                       });
  }
  // The same for the whole request.
  template <class Visit>
  Result<void> request(std::string_view body, Visit visit) {
    on_demand::object root = TRY(document_.open(body));
    TRY(each_member(document_, root, [&](std::string_view key, on_demand::value member) -> Result<void> {
      if (is_null(member)) return {};
      return visit(key, member);
    }));
    return document_.close();
  }
  // The same for the items of a request that is a list.
  template <class Visit>
  Result<void> request_list(std::string_view body, Visit visit) {
    on_demand::array items = TRY(document_.open_list(body));
    TRY(each_item(items, std::move(visit)));
    return document_.close();
  }
  Lists& lists() { return lists_; }
  Arena& arena() { return document_.arena(); }

 private:
  Result<void> attribute(on_demand::value json, int depth);
  Result<Value> array(on_demand::value json, int depth);

  JsonDocument document_;
  Lists lists_;
  ItemBudget budget_;
};

}  // namespace weft::wire
