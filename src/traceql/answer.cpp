#include "traceql/answer.h"

#include <algorithm>

#include "model/limits.h"
#include "text/json_writer.h"
#include "text/units.h"
#include "traceql/check/check.h"
#include "traceql/spansets/compare.h"
#include "traceql/syntax/names.h"
#include "traceql/syntax/printer.h"

namespace weft::traceql {
namespace {

constexpr std::string_view kNoRoot = "<root span not yet received>";

void write_json(const Value& value, text::JsonWriter& out, int depth) {
  if (depth > kNestingMax) {
    out.null();
    return;
  }
  switch (value.type) {
    case Value::Type::nil: out.null(); break;
    case Value::Type::string:
    case Value::Type::bytes: out.string(value.as_text()); break;
    case Value::Type::integer: out.integer(value.integer); break;
    case Value::Type::number: out.number(value.number); break;
    case Value::Type::boolean: out.boolean(value.boolean); break;
    case Value::Type::array:
      out.begin_array();
      for (const Value& item : value.as_array()) write_json(item, out, depth + 1);
      out.end_array();
      break;
    case Value::Type::map:
      out.begin_object();
      for (const Attribute& entry : value.as_map()) {
        out.key(entry.key);
        write_json(entry.value, out, depth + 1);
      }
      out.end_object();
      break;
  }
}

TypedValue text_value(std::string text) {
  TypedValue out;
  out.type = TypedValue::Type::string;
  out.text = std::move(text);
  return out;
}

// Part of the span itself or of the trace in an answer, hence no attribute there.
bool is_own_field(Intrinsic intrinsic) {
  switch (intrinsic) {
    case Intrinsic::name:
    case Intrinsic::duration:
    case Intrinsic::span_id:
    case Intrinsic::trace_duration:
    case Intrinsic::root_name:
    case Intrinsic::root_service:
    case Intrinsic::trace_id: return true;
    default: return false;
  }
}

bool of_events(const AttributeRef& a) {
  return a.scope == Scope::event || a.intrinsic == Intrinsic::event_name ||
         a.intrinsic == Intrinsic::event_time_since_start;
}
bool of_links(const AttributeRef& a) {
  return a.scope == Scope::link || a.intrinsic == Intrinsic::link_trace_id ||
         a.intrinsic == Intrinsic::link_span_id;
}

}  // namespace

TypedValue show(const Value& value, Type type) {
  TypedValue out;
  switch (value.type) {
    case Value::Type::nil: return text_value("nil");
    case Value::Type::string: return text_value(std::string(value.as_text()));
    case Value::Type::number:
      if (type == Type::duration)
        return text_value(text::format_go_duration(static_cast<std::int64_t>(value.number)));
      out.type = TypedValue::Type::number;
      out.number = value.number;
      return out;
    case Value::Type::boolean:
      out.type = TypedValue::Type::boolean;
      out.boolean = value.boolean;
      return out;
    case Value::Type::integer:
      if (type == Type::duration) return text_value(text::format_go_duration(value.integer));
      if (type == Type::status) return text_value(std::string(status_text(value.integer)));
      if (type == Type::kind) return text_value(std::string(kind_text(value.integer)));
      out.type = TypedValue::Type::integer;
      out.integer = value.integer;
      return out;
    default: {
      std::string json;
      text::JsonWriter writer(json);
      write_json(value, writer, 0);
      return text_value(std::move(json));
    }
  }
}

AttributeRef service_name() {
  AttributeRef out;
  out.scope = Scope::resource;
  out.key = "service.name";
  return out;
}

bool ShownAttributes::Condition::holds(const Value& value) const {
  if (pattern != nullptr) return matches(*pattern, op == Op::not_regex, value);
  if (literal.type == Value::Type::nil) return (value.type == Value::Type::nil) == (op == Op::equal);
  return literal_left ? compare(op, literal, value) : compare(op, value, literal);
}

bool ShownAttributes::Shown::accepts(const Value& value) const {
  if (always) return value.type != Value::Type::nil;
  return std::any_of(conditions.begin(), conditions.end(),
                     [&](const Condition& c) { return c.holds(value); });
}

ShownAttributes::Shown& ShownAttributes::entry(const AttributeRef& attribute, Slots& slots) {
  for (Shown& shown : shown_)
    if (shown.attribute == attribute) return shown;
  Shown shown;
  shown.attribute = attribute;
  shown.slot = slots.add(attribute);
  if (attribute.intrinsic != Intrinsic::none) shown.type = name_of(attribute.intrinsic).type;
  shown_.push_back(std::move(shown));
  return shown_.back();
}

void ShownAttributes::add_always(const AttributeRef& attribute, Slots& slots) {
  entry(attribute, slots).always = true;
}

Result<void> ShownAttributes::add(const Expr& e, bool pinned, Compiler& compiler) {
  if (e.kind == Expr::Kind::attribute) {
    add_always(e.attribute, compiler.slots());
    return {};
  }
  bool comparison = e.kind == Expr::Kind::binary && is_comparison(e.ops[0]);
  for (std::size_t side = 0; side < 2 && comparison && !pinned; ++side) {
    const Expr& attribute = e.operands[side];
    const Expr& other = e.operands[1 - side];
    if (attribute.kind != Expr::Kind::attribute || references_span(other)) continue;
    Shown& shown = entry(attribute.attribute, compiler.slots());
    Type type = type_of(other);
    if ((type == Type::status || type == Type::kind) && type != shown.type) return {};
    Condition condition;
    condition.op = e.ops[0];
    condition.literal_left = side == 1;
    if (e.pattern)
      condition.pattern = &*e.pattern;
    else
      condition.literal = TRY(compiler.compile(other))
    .constant;
    shown.conditions.push_back(condition);
    return {};
  }
  bool pins = pinned || e.kind != Expr::Kind::chain;
  for (const Expr& operand : e.operands) TRY(add(operand, pins, compiler));
  return {};
}

Result<void> ShownAttributes::add(const SpansetExpr& e, Compiler& compiler) {
  for (const SpansetExpr& operand : e.operands) TRY(add(operand, compiler));
  if (e.pipeline) TRY(add(*e.pipeline, compiler));
  if (e.condition) TRY(add(*e.condition, false, compiler));
  return {};
}

Result<void> ShownAttributes::add(const Pipeline& pipeline, Compiler& compiler) {
  for (const Stage& stage : pipeline.stages) {
    switch (stage.kind) {
      case Stage::Kind::spansets: TRY(add(stage.spansets, compiler)); break;
      case Stage::Kind::by:
      case Stage::Kind::scalar_filter: TRY(add(stage.expression, true, compiler)); break;
      case Stage::Kind::select:
        for (const AttributeRef& a : stage.attributes) {
          Shown& shown = entry(a, compiler.slots());
          shown.always = true;
          shown.selected = true;
        }
        break;
      case Stage::Kind::coalesce: break;
    }
  }
  return {};
}

// Of several events or links: the first that a condition wants, or else the last.
bool ShownAttributes::find_item(const Shown& shown, bool events, std::uint32_t span, const Slots& slots,
                                TraceTable& table, Value& out) {
  const Span& s = table.rows().spans[span];
  std::size_t count = events ? s.events.size() : s.links.size();
  bool found = false;
  for (std::uint32_t i = 0; i < count && (!found || shown.always); ++i) {
    Rows one;
    one.of = events ? Rows::Of::events : Rows::Of::links;
    one.count = 1;
    one.span = &span;
    one.item = &i;
    Value value = slots.value(shown.slot, table, one, 0);
    if (!shown.accepts(value)) continue;
    out = value;
    found = true;
  }
  if (found && shown.attribute.intrinsic == Intrinsic::link_trace_id) {
    // Trace ids are shown without leading zeros.
    std::string_view hex = out.as_text();
    out = Value::of(hex.substr(std::min(hex.find_first_not_of('0'), hex.size())));
  }
  // Tempo shows a selected event name of a span without events as empty.
  if (count == 0 && shown.selected && shown.attribute.intrinsic == Intrinsic::event_name) {
    out = Value::of(std::string_view());
    return true;
  }
  return found;
}

bool ShownAttributes::find(const Shown& shown, std::uint32_t span, const Slots& slots, TraceTable& table,
                           Value& out) {
  bool events = of_events(shown.attribute);
  if (events || of_links(shown.attribute)) return find_item(shown, events, span, slots, table, out);
  out = slots.value(shown.slot, table, span);
  if (out.type == Value::Type::nil && shown.selected) return shown.attribute.intrinsic == Intrinsic::none;
  if (out.type != Value::Type::array || shown.always) return shown.accepts(out);
  // Of a list the elements that the query asked for.
  std::vector<Value> kept;
  for (const Value& item : out.as_array())
    if (shown.accepts(item)) kept.push_back(item);
  if (kept.empty()) return false;
  out = kept.size() == 1 ? kept[0] : Value::of(table.arena().copy(std::span<const Value>(kept)));
  return true;
}

void ShownAttributes::fill(std::uint32_t span, const Slots& slots, TraceTable& table, FoundSpan& out) const {
  for (const Shown& shown : shown_) {
    bool is_name = shown.attribute.intrinsic == Intrinsic::name;
    if (is_own_field(shown.attribute.intrinsic) && !is_name) continue;
    Value value;
    if (!find(shown, span, slots, table, value)) continue;
    if (is_name) {
      out.name = table.rows().spans[span].name;
      continue;
    }
    std::string key = shown.attribute.intrinsic == Intrinsic::none
                          ? shown.attribute.key
                          : std::string(display_name(shown.attribute.intrinsic));
    // Keys are shown without their scope; of two alike the first stays.
    bool taken = std::any_of(out.attributes.begin(), out.attributes.end(),
                             [&](const auto& a) { return a.first == key; });
    if (!taken) out.attributes.emplace_back(std::move(key), show(value, shown.type));
  }
}

void ShownAttributes::labels(std::uint32_t span, const Slots& slots, TraceTable& table,
                             TypedAttributes& out) const {
  for (const Shown& shown : shown_) {
    Value value;
    if (shown.attribute.intrinsic != Intrinsic::trace_id && find(shown, span, slots, table, value))
      out.emplace_back(to_string(shown.attribute), show(value, shown.type));
  }
}

FoundTrace describe_trace(std::size_t trace, std::size_t service, const Slots& slots, TraceTable& table) {
  const storage::TraceRows::Trace& t = table.rows().traces[trace];
  const TraceTable::Facts& facts = table.facts()[trace];
  FoundTrace out;
  out.id = t.id;
  out.start_ns = facts.start_ns;
  out.duration_ns = facts.duration_ns();
  out.root_service = kNoRoot;
  if (facts.root >= 0) {
    auto root = static_cast<std::uint32_t>(facts.root);
    Value name = slots.value(service, table, root);
    out.root_service = name.type == Value::Type::string ? name.as_text() : std::string_view();
    out.root_name = table.rows().spans[root].name;
  }
  return out;
}

void count_services(std::size_t trace, std::size_t service, const Slots& slots, TraceTable& table,
                    FoundTrace& out) {
  const storage::TraceRows::Trace& t = table.rows().traces[trace];
  ServiceStats* stats = nullptr;
  Value last;
  for (std::uint32_t i = t.first; i < t.first + t.count; ++i) {
    Value name = slots.value(service, table, i);
    if (stats == nullptr || !same_value(name, last)) {
      last = name;
      stats =
          &out.services[std::string(name.type == Value::Type::string ? name.as_text() : std::string_view())];
    }
    ++stats->spans;
    if (table.rows().spans[i].status == SpanStatus::error) ++stats->errors;
  }
}

bool fits_duration(const SearchParams& params, std::uint64_t duration_ns) {
  if (params.min_duration_ns > 0 && duration_ns < static_cast<std::uint64_t>(params.min_duration_ns))
    return false;
  return params.max_duration_ns <= 0 || duration_ns <= static_cast<std::uint64_t>(params.max_duration_ns);
}

std::size_t memory_of(const FoundTrace& trace) {
  std::size_t bytes = sizeof(FoundTrace) + trace.services.size() * 100;
  auto add = [&](const TypedAttributes& attributes) {
    for (const auto& [key, value] : attributes)
      bytes += sizeof(key) + sizeof(value) + key.size() + value.text.size();
  };
  for (const SpanSet& set : trace.span_sets) {
    add(set.attributes);
    for (const FoundSpan& span : set.spans) {
      bytes += sizeof(FoundSpan) + span.name.size();
      add(span.attributes);
    }
  }
  return bytes;
}

}  // namespace weft::traceql
