#include "traceql/spansets/slots.h"

#include <algorithm>
#include <array>

#include "traceql/syntax/names.h"

namespace weft::traceql {
namespace {

using storage::AttributeKey;
using storage::AttributeScope;

template <class Id>
Value hex_value(const Id& id, Arena& arena) {
  static constexpr char kDigits[] = "0123456789abcdef";
  char* text = static_cast<char*>(arena.allocate(id.bytes.size() * 2, 1));
  for (std::size_t i = 0; i < id.bytes.size(); ++i) {
    text[2 * i] = kDigits[id.bytes[i] >> 4];
    text[2 * i + 1] = kDigits[id.bytes[i] & 15];
  }
  return Value::of(std::string_view(text, id.bytes.size() * 2));
}

// The value of `key` among the items: nil, the value, or a list of all values when several items
// have it.
template <class Item>
Value gather(std::span<const Item> items, std::string_view key, Arena& arena) {
  const Value* first = nullptr;
  std::size_t found = 0;
  std::size_t size = 0;
  auto elements = [](const Value& value) {
    return value.type == Value::Type::array ? value.as_array() : std::span(&value, 1);
  };
  for (const Item& item : items)
    if (const Value* value = find_attribute(item.attributes, key)) {
      if (first == nullptr) first = value;
      ++found;
      size += elements(*value).size();
    }
  if (found <= 1) return first == nullptr ? Value{} : *first;
  std::span<Value> all = arena.allocate_array<Value>(size);
  std::size_t at = 0;
  for (const Item& item : items)
    if (const Value* value = find_attribute(item.attributes, key))
      for (const Value& element : elements(*value)) all[at++] = element;
  return Value::of(std::span<const Value>(all));
}

template <class Item>
Value first_of(std::span<const Item> items, std::string_view key) {
  for (const Item& item : items)
    if (const Value* value = find_attribute(item.attributes, key)) return *value;
  return Value{};
}

Value signed_value(std::uint64_t v) {
  return Value::of(static_cast<std::int64_t>(v));
}
Value since(const Span& span, const SpanEvent& event) {
  return signed_value(event.time_ns > span.start_ns ? event.time_ns - span.start_ns : 0);
}

}  // namespace

AttributeScope stored_scope(Scope scope) {
  switch (scope) {
    case Scope::resource: return AttributeScope::resource;
    case Scope::event: return AttributeScope::event;
    case Scope::link: return AttributeScope::link;
    case Scope::instrumentation: return AttributeScope::instrumentation;
    default: return AttributeScope::span;
  }
}

bool Slots::exists(AttributeScope scope, const std::string& key) const {
  return std::binary_search(keys_.begin(), keys_.end(), AttributeKey{scope, key});
}

std::size_t Slots::column(AttributeScope scope, const std::string& key) {
  AttributeKey wanted{scope, key};
  auto it = std::find(columns_.begin(), columns_.end(), wanted);
  if (it != columns_.end()) return static_cast<std::size_t>(it - columns_.begin());
  columns_.push_back(std::move(wanted));
  return columns_.size() - 1;
}

void Slots::add_key(Slot& slot, Scope scope) {
  const std::string& key = slot.attribute.key;
  if (!exists(stored_scope(scope), key)) return;
  if (scope == Scope::event)
    slot.events = true;
  else if (scope == Scope::link)
    slot.links = true;
  else
    slot.columns.push_back(column(stored_scope(scope), key));
}

std::size_t Slots::add(const AttributeRef& attribute) {
  for (std::size_t i = 0; i < slots_.size(); ++i)
    if (slots_[i].attribute == attribute) return i;
  Slot slot;
  slot.attribute = attribute;
  switch (attribute.intrinsic) {
    case Intrinsic::none:
      if (attribute.scope == Scope::none) {
        for (Scope s : {Scope::span, Scope::resource, Scope::event, Scope::link, Scope::instrumentation})
          add_key(slot, s);
      } else {
        add_key(slot, attribute.scope);
        // `event.x = nil` asks of every event, so events are needed even when no one has x.
        slot.events = attribute.scope == Scope::event;
        slot.links = attribute.scope == Scope::link;
      }
      break;
    case Intrinsic::event_name:
    case Intrinsic::event_time_since_start: slot.events = true; break;
    case Intrinsic::link_trace_id:
    case Intrinsic::link_span_id: slot.links = true; break;
    case Intrinsic::child_count:
    case Intrinsic::nested_set_left:
    case Intrinsic::nested_set_right:
    case Intrinsic::nested_set_parent: needs_.numbers = true; break;
    case Intrinsic::root_service:
      root_service_ = column(AttributeScope::resource, "service.name");
      needs_.facts = true;
      break;
    case Intrinsic::root_name:
    case Intrinsic::trace_duration: needs_.facts = true; break;
    default: break;
  }
  events_ = events_ || slot.events;
  links_ = links_ || slot.links;
  slots_.push_back(std::move(slot));
  return slots_.size() - 1;
}

void Slots::describe(storage::TraceScan& scan) const {
  scan.columns = columns_;
  scan.events = events_;
  scan.links = links_;
}

Value Slots::key_value(const Slot& slot, TraceTable& table, const Rows& rows, std::size_t row) const {
  std::uint32_t s = rows.span_of(row);
  const Span& span = table.rows().spans[s];
  const std::string& key = slot.attribute.key;
  if (slot.attribute.scope == Scope::event) {
    if (rows.of != Rows::Of::events) return first_of(span.events, key);
    const Value* value = find_attribute(span.events[rows.item[row]].attributes, key);
    return value == nullptr ? Value{} : *value;
  }
  if (slot.attribute.scope == Scope::link) {
    if (rows.of != Rows::Of::links) return first_of(span.links, key);
    const Value* value = find_attribute(span.links[rows.item[row]].attributes, key);
    return value == nullptr ? Value{} : *value;
  }
  // Unscoped: span, resource, event, link, instrumentation; the columns are in this order.
  Value late;
  for (std::size_t c : slot.columns) {
    const Value& value = table.rows().columns[c][s];
    if (value.type == Value::Type::nil) continue;
    if (columns_[c].scope != AttributeScope::instrumentation) return value;
    late = value;
  }
  if (slot.events)
    if (Value value = gather(span.events, key, table.arena()); value.type != Value::Type::nil) return value;
  if (slot.links)
    if (Value value = gather(span.links, key, table.arena()); value.type != Value::Type::nil) return value;
  return late;
}

Value Slots::row_value(const Slot& slot, TraceTable& table, const Rows& rows, std::size_t row) const {
  std::uint32_t s = rows.span_of(row);
  const Span& span = table.rows().spans[s];
  auto event = [&]() -> const SpanEvent* {
    if (rows.of == Rows::Of::events) return &span.events[rows.item[row]];
    return span.events.empty() ? nullptr : span.events.data();
  };
  auto link = [&]() -> const SpanLink* {
    if (rows.of == Rows::Of::links) return &span.links[rows.item[row]];
    return span.links.empty() ? nullptr : span.links.data();
  };
  auto facts = [&]() -> const TraceTable::Facts& { return table.facts()[table.trace_of()[s]]; };
  switch (slot.attribute.intrinsic) {
    case Intrinsic::none: return key_value(slot, table, rows, row);
    case Intrinsic::duration: return signed_value(span.duration_ns());
    case Intrinsic::name: return Value::of(span.name);
    case Intrinsic::status: return Value::of(static_cast<std::int64_t>(span.status));
    case Intrinsic::status_message: return Value::of(span.status_message);
    case Intrinsic::kind: return Value::of(static_cast<std::int64_t>(span.kind));
    case Intrinsic::span_id: return hex_value(span.span_id, table.arena());
    case Intrinsic::parent_id:
      return span.parent_id.is_zero() ? Value::of(std::string_view())
                                      : hex_value(span.parent_id, table.arena());
    case Intrinsic::trace_id: return hex_value(span.trace_id, table.arena());
    case Intrinsic::child_count: return Value::of(std::int64_t{table.numbers()[s].children});
    case Intrinsic::nested_set_left: return Value::of(std::int64_t{table.numbers()[s].left});
    case Intrinsic::nested_set_right: return Value::of(std::int64_t{table.numbers()[s].right});
    case Intrinsic::nested_set_parent: return Value::of(std::int64_t{table.numbers()[s].parent});
    case Intrinsic::trace_duration: return signed_value(facts().duration_ns());
    case Intrinsic::root_name:
      return facts().root < 0 ? Value{}
                              : Value::of(table.rows().spans[static_cast<std::size_t>(facts().root)].name);
    case Intrinsic::root_service:
      return facts().root < 0 ? Value{}
                              : table.rows().columns[root_service_][static_cast<std::size_t>(facts().root)];
    case Intrinsic::event_name: return event() == nullptr ? Value{} : Value::of(event()->name);
    case Intrinsic::event_time_since_start: return event() == nullptr ? Value{} : since(span, *event());
    case Intrinsic::link_trace_id:
      return link() == nullptr ? Value{} : hex_value(link()->trace_id, table.arena());
    case Intrinsic::link_span_id:
      return link() == nullptr ? Value{} : hex_value(link()->span_id, table.arena());
    case Intrinsic::instrumentation_name:
    case Intrinsic::instrumentation_version: {
      const auto& scopes = table.rows().scopes;
      if (span.scope >= scopes.size()) return Value::of(std::string_view());
      return Value::of(slot.attribute.intrinsic == Intrinsic::instrumentation_name
                           ? scopes[span.scope].name
                           : scopes[span.scope].version);
    }
    case Intrinsic::parent: return Value{};
  }
  return Value{};
}

Column Slots::values(std::size_t index, TraceTable& table, const Rows& rows,
                     std::vector<Value>& buffer) const {
  const Slot& slot = slots_[index];
  bool direct =
      slot.attribute.intrinsic == Intrinsic::none && !slot.events && !slot.links && slot.columns.size() == 1;
  if (direct) {
    const std::vector<Value>& column = table.rows().columns[slot.columns[0]];
    if (rows.span == nullptr) return {column.data(), 1};
    buffer.resize(rows.count);
    for (std::size_t row = 0; row < rows.count; ++row) buffer[row] = column[rows.span[row]];
    return {buffer.data(), 1};
  }
  if (slot.attribute.intrinsic == Intrinsic::none && !slot.events && !slot.links && slot.columns.empty()) {
    buffer.assign(1, Value{});
    return {buffer.data(), 0};
  }
  buffer.resize(rows.count);
  const std::vector<Span>& spans = table.rows().spans;
  auto fill = [&](auto get) {
    for (std::size_t row = 0; row < rows.count; ++row) buffer[row] = get(spans[rows.span_of(row)]);
  };
  // The common ones without a dispatch per row; a hex trace id once per trace.
  switch (slot.attribute.intrinsic) {
    case Intrinsic::duration: fill([](const Span& s) { return signed_value(s.duration_ns()); }); break;
    case Intrinsic::name: fill([](const Span& s) { return Value::of(s.name); }); break;
    case Intrinsic::status:
      fill([](const Span& s) { return Value::of(static_cast<std::int64_t>(s.status)); });
      break;
    case Intrinsic::kind:
      fill([](const Span& s) { return Value::of(static_cast<std::int64_t>(s.kind)); });
      break;
    case Intrinsic::trace_id:
      for (std::size_t row = 0; row < rows.count; ++row) {
        bool same = row > 0 && spans[rows.span_of(row)].trace_id == spans[rows.span_of(row - 1)].trace_id;
        buffer[row] = same ? buffer[row - 1] : hex_value(spans[rows.span_of(row)].trace_id, table.arena());
      }
      break;
    default:
      for (std::size_t row = 0; row < rows.count; ++row) buffer[row] = row_value(slot, table, rows, row);
  }
  return {buffer.data(), 1};
}

Value Slots::value(std::size_t index, TraceTable& table, const Rows& rows, std::size_t row) const {
  return row_value(slots_[index], table, rows, row);
}

Value Slots::value(std::size_t index, TraceTable& table, std::uint32_t span) const {
  Rows one;
  one.count = 1;
  one.span = &span;
  return row_value(slots_[index], table, one, 0);
}

}  // namespace weft::traceql
