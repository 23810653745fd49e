#include <algorithm>

#include "traceql/answer.h"
#include "traceql/query.h"
#include "traceql/scan.h"
#include "traceql/syntax/names.h"

namespace weft::traceql {
namespace {

// One `key=value` of a legacy search. Some keys mean intrinsics and match by part, as Tempo does;
// any other is an attribute of spans or resources that has exactly this text.
class TagCondition {
 public:
  TagCondition(const std::string& key, const std::string& value, Slots& slots) : value_(value) {
    auto add_intrinsic = [&](Intrinsic intrinsic) {
      AttributeRef a;
      a.intrinsic = intrinsic;
      slots_.push_back(slots.add(a));
    };
    part_ = true;
    if (key == "service.name") {
      slots_.push_back(slots.add(service_name()));
    } else if (key == "name") {
      add_intrinsic(Intrinsic::name);
    } else if (key == "root.name") {
      add_intrinsic(Intrinsic::root_name);
    } else if (key == "root.service.name") {
      add_intrinsic(Intrinsic::root_service);
    } else if (key == "status.code") {
      status_ = true;
    } else {
      part_ = false;
      for (Scope scope : {Scope::resource, Scope::span}) {
        AttributeRef a;
        a.scope = scope;
        a.key = key;
        slots_.push_back(slots.add(a));
      }
    }
  }

  // True when a span of [first, last) satisfies it.
  bool holds(std::uint32_t first, std::uint32_t last, const Slots& slots, TraceTable& table) const {
    for (std::uint32_t i = first; i < last; ++i) {
      if (status_) {
        if (status_text(static_cast<std::int64_t>(table.rows().spans[i].status)) == value_) return true;
        continue;
      }
      for (std::size_t slot : slots_) {
        Value value = slots.value(slot, table, i);
        if (value.type != Value::Type::string) continue;
        if (part_ ? value.as_text().find(value_) != std::string_view::npos : value.as_text() == value_)
          return true;
      }
    }
    return false;
  }

 private:
  std::string value_;
  std::vector<std::size_t> slots_;
  bool part_ = false;
  bool status_ = false;
};

}  // namespace

Result<std::vector<FoundTrace>> search_tags(const std::vector<std::pair<std::string, std::string>>& tags,
                                            const SearchParams& params, const storage::Snapshot& data,
                                            exec::Context& context) {
  Slots slots(data.attribute_keys(params.tenant, params.range));
  slots.need_facts();
  std::size_t service = slots.add(service_name());
  std::vector<TagCondition> conditions;
  for (const auto& [key, value] : tags) conditions.emplace_back(key, value, slots);

  std::vector<FoundTrace> found;
  if (params.limit == 0) return found;
  TraceTable table;
  TraceReader reader(slots, params.tenant, params.range, data, context);
  while (TRY(reader.next(table))) {
    for (std::size_t t = 0; t < table.rows().traces.size(); ++t) {
      const storage::TraceRows::Trace& trace = table.rows().traces[t];
      if (!fits_duration(params, table.facts()[t].duration_ns())) continue;
      bool all = std::all_of(conditions.begin(), conditions.end(), [&](const TagCondition& c) {
        return c.holds(trace.first, trace.first + trace.count, slots, table);
      });
      if (!all) continue;
      found.push_back(describe_trace(t, service, slots, table));
      TRY(context.take_memory(memory_of(found.back()), "the search result"));
      if (found.size() == params.limit) return found;
    }
  }
  return found;
}

}  // namespace weft::traceql
