#include <algorithm>
#include <set>

#include "text/units.h"
#include "traceql/metrics/groups.h"
#include "traceql/query.h"
#include "traceql/scan.h"
#include "traceql/spansets/pipeline.h"
#include "traceql/syntax/lexer.h"
#include "traceql/syntax/names.h"
#include "traceql/tags/lenient.h"

namespace weft::traceql {
namespace {

// As Tempo's max_bytes_per_tag_values_query: what is beyond is left out without a word.
constexpr std::size_t kValueBytesMax = 1'000'000;

// Distinct values up to a number and a size.
class Distinct {
 public:
  explicit Distinct(std::size_t limit) : limit_(limit) {}
  bool full() const { return bytes_ > kValueBytesMax || (limit_ > 0 && groups_.size() >= limit_); }

  void add(const Value& value) {
    if (full()) return;
    switch (value.type) {
      case Value::Type::string:
      case Value::Type::integer:
      case Value::Type::number:
      case Value::Type::boolean: {
        std::size_t before = groups_.size();
        if (groups_.find(std::span(&value, 1)) == before)
          bytes_ += value.type == Value::Type::string ? value.size : sizeof(Value);
        break;
      }
      case Value::Type::array:
        for (const Value& item : value.as_array())
          if (item.type != Value::Type::array) add(item);
        break;
      default: break;
    }
  }

  // By type and value.
  std::vector<TagValue> take() const {
    std::vector<TagValue> out;
    for (std::size_t i = 0; i < groups_.size(); ++i) {
      const Value& value = groups_.tuple(i)[0];
      switch (value.type) {
        case Value::Type::integer: out.push_back({"int", std::to_string(value.integer)}); break;
        case Value::Type::number: out.push_back({"float", text::format_float(value.number)}); break;
        case Value::Type::boolean: out.push_back({"bool", value.boolean ? "true" : "false"}); break;
        default: out.push_back({"string", std::string(value.as_text())});
      }
    }
    std::sort(out.begin(), out.end(), [](const TagValue& a, const TagValue& b) {
      return std::tie(a.type, a.value) < std::tie(b.type, b.value);
    });
    return out;
  }

 private:
  std::size_t limit_;
  std::size_t bytes_ = 0;
  Groups groups_{1};
};

// Each place where the attribute can be: an unscoped one is looked for in every scope.
std::vector<AttributeRef> places_of(const AttributeRef& attribute) {
  if (attribute.intrinsic != Intrinsic::none || attribute.scope != Scope::none) return {attribute};
  std::vector<AttributeRef> out;
  for (Scope scope : {Scope::span, Scope::resource, Scope::event, Scope::link, Scope::instrumentation}) {
    out.push_back(attribute);
    out.back().scope = scope;
  }
  return out;
}

bool of_events(const AttributeRef& a) {
  return a.scope == Scope::event || a.intrinsic == Intrinsic::event_name ||
         a.intrinsic == Intrinsic::event_time_since_start;
}
bool of_links(const AttributeRef& a) {
  return a.scope == Scope::link;
}

std::vector<TagValue> keywords(Intrinsic intrinsic) {
  std::vector<TagValue> out;
  if (intrinsic == Intrinsic::status)
    for (SpanStatus s : {SpanStatus::error, SpanStatus::ok, SpanStatus::unset})
      out.push_back({"keyword", std::string(status_text(static_cast<std::int64_t>(s)))});
  else
    for (std::int64_t kind = 0; kind <= static_cast<std::int64_t>(SpanKind::consumer); ++kind)
      out.push_back({"keyword", std::string(kind_text(kind))});
  return out;
}

// Ids are as many as spans: no list of them helps anybody.
bool is_id(Intrinsic intrinsic) {
  switch (intrinsic) {
    case Intrinsic::span_id:
    case Intrinsic::parent_id:
    case Intrinsic::trace_id:
    case Intrinsic::link_trace_id:
    case Intrinsic::link_span_id: return true;
    default: return false;
  }
}

void add_values(const AttributeRef& place, std::size_t slot, std::uint32_t span, const Slots& slots,
                TraceTable& table, Distinct& out) {
  bool events = of_events(place);
  if (!events && !of_links(place)) {
    out.add(slots.value(slot, table, span));
    return;
  }
  const Span& s = table.rows().spans[span];
  std::size_t count = events ? s.events.size() : s.links.size();
  for (std::uint32_t i = 0; i < count; ++i) {
    Rows one;
    one.of = events ? Rows::Of::events : Rows::Of::links;
    one.count = 1;
    one.span = &span;
    one.item = &i;
    out.add(slots.value(slot, table, one, 0));
  }
}

Result<std::vector<TagValue>> values_of(const AttributeRef& attribute, std::string_view q, std::size_t limit,
                                        const TenantId& tenant, TimeRange range,
                                        const storage::Snapshot& data, exec::Context& context) {
  if (attribute.intrinsic == Intrinsic::status || attribute.intrinsic == Intrinsic::kind)
    return keywords(attribute.intrinsic);
  if (is_id(attribute.intrinsic) || attribute.intrinsic == Intrinsic::parent || attribute.of_parent)
    return std::vector<TagValue>();
  Root root = TRY(parse_lenient(q));
  std::vector<storage::AttributeKey> keys = data.attribute_keys(tenant, range);
  std::vector<AttributeRef> places = places_of(attribute);
  if (attribute.intrinsic == Intrinsic::none) {
    // What nobody sent needs no scan.
    std::erase_if(places, [&](const AttributeRef& place) {
      return std::none_of(keys.begin(), keys.end(), [&](const storage::AttributeKey& key) {
        return key.key == place.key && stored_scope(place.scope) == key.scope;
      });
    });
    if (places.empty()) return std::vector<TagValue>();
  }
  Slots slots(std::move(keys));
  std::vector<std::size_t> place_slots;
  for (const AttributeRef& place : places) place_slots.push_back(slots.add(place));
  PipelineCompiler compiler(slots);
  PipelinePlan plan = TRY(compiler.compile(root.pipeline));

  Distinct distinct(limit);
  TraceTable table;
  SpansetRunner runner(slots, table);
  TraceReader reader(slots, tenant, range, data, context);
  while (!distinct.full() && TRY(reader.next(table))) {
    runner.begin();
    TRY(runner.each(plan, [&](std::uint32_t span) -> Result<void> {
      for (std::size_t i = 0; i < places.size(); ++i)
        add_values(places[i], place_slots[i], span, slots, table, distinct);
      return {};
    }));
  }
  return distinct.take();
}

}  // namespace

Result<std::vector<TagValue>> tag_values(std::string_view identifier, std::string_view q, std::size_t limit,
                                         const TenantId& tenant, TimeRange range,
                                         const storage::Snapshot& data, exec::Context& context) {
  Result<AttributeRef> attribute = parse_attribute(identifier);
  if (!attribute)
    return Error(Code::invalid_argument, "please provide a valid tagName: " + attribute.error().message());
  return values_of(*attribute, q, limit, tenant, range, data, context);
}

Result<std::vector<std::string>> tag_values_v1(std::string_view name, std::size_t limit,
                                               const TenantId& tenant, TimeRange range,
                                               const storage::Snapshot& data, exec::Context& context) {
  static constexpr std::pair<std::string_view, Intrinsic> kSpecial[] = {
      {"name", Intrinsic::name},
      {"status.code", Intrinsic::status},
      {"root.name", Intrinsic::root_name},
      {"root.service.name", Intrinsic::root_service},
  };
  AttributeRef attribute;
  attribute.key = name;
  for (const auto& [special, intrinsic] : kSpecial)
    if (special == name) attribute = AttributeRef{.intrinsic = intrinsic};
  std::vector<std::string> out;
  for (TagValue& value : TRY(values_of(attribute, "", limit, tenant, range, data, context)))
    out.push_back(std::move(value.value));
  return out;
}

}  // namespace weft::traceql
