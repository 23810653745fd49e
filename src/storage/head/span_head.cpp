#include "storage/head/span_head.h"

#include <algorithm>
#include <bit>

#include "base/check.h"
#include "base/hash.h"

namespace weft::storage {
namespace {

std::uint64_t hash_value(const Value& value, std::uint64_t seed);

std::uint64_t hash_attributes(Attributes attributes, std::uint64_t seed) {
  for (const Attribute& a : attributes) seed = hash_value(a.value, hash64(a.key, seed));
  return seed;
}

// Of content; nesting is bounded by ingest (kNestingMax).
std::uint64_t hash_value(const Value& value, std::uint64_t seed) {
  seed = hash_combine(seed, static_cast<std::uint64_t>(value.type));
  switch (value.type) {
    case Value::Type::nil: return seed;
    case Value::Type::string:
    case Value::Type::bytes: return hash64(value.as_text(), seed);
    case Value::Type::integer: return hash_combine(seed, static_cast<std::uint64_t>(value.integer));
    case Value::Type::number: return hash_combine(seed, std::bit_cast<std::uint64_t>(value.number));
    case Value::Type::boolean: return hash_combine(seed, value.boolean ? 1 : 0);
    case Value::Type::array:
      for (const Value& item : value.as_array()) seed = hash_value(item, seed);
      return seed;
    case Value::Type::map: return hash_attributes(value.as_map(), seed);
  }
  return seed;
}

bool same_attributes(Attributes a, Attributes b) {
  return same_value(Value::of(a), Value::of(b));
}

bool same(const Resource& a, const Resource& b) {
  return a.dropped_attributes == b.dropped_attributes && a.schema_url == b.schema_url &&
         same_attributes(a.attributes, b.attributes);
}

bool same(const Scope& a, const Scope& b) {
  return a.name == b.name && a.version == b.version && a.dropped_attributes == b.dropped_attributes &&
         a.schema_url == b.schema_url && same_attributes(a.attributes, b.attributes);
}

std::size_t raw_bytes_of(const Value& value) {
  return value.type == Value::Type::string || value.type == Value::Type::bytes ? value.size : 8;
}

// What a span costs on the wire besides its attributes: ids, times, kind, field headers.
constexpr std::size_t kSpanBytes = 90;

}  // namespace

Value SpanHead::StoredAttribute::value() const {
  Value v;
  v.type = static_cast<Value::Type>(type);
  v.size = size;
  switch (v.type) {
    case Value::Type::nil: break;
    case Value::Type::integer: v.integer = static_cast<std::int64_t>(bits); break;
    case Value::Type::number: v.number = std::bit_cast<double>(bits); break;
    case Value::Type::boolean: v.boolean = bits != 0; break;
    case Value::Type::string:
    case Value::Type::bytes: v.text = static_cast<const char*>(data); break;
    case Value::Type::array: v.items = static_cast<const Value*>(data); break;
    case Value::Type::map: v.entries = static_cast<const Attribute*>(data); break;
  }
  return v;
}

void SpanHead::append(std::uint32_t tenant, const SpanBatch& batch, std::int64_t oldest_ns) {
  for (const Span& span : batch.spans)
    CHECK(span.resource < batch.resources.size() && span.scope < batch.scopes.size());
  batch_resources_.assign(batch.resources.size(), Lookup::kNone);
  batch_scopes_.assign(batch.scopes.size(), Lookup::kNone);
  std::int64_t newest = newest_.load(std::memory_order_relaxed);
  std::uint64_t oldest = oldest_.load(std::memory_order_relaxed);
  for (const Span& span : batch.spans) {
    std::int64_t last = event_time(std::max(span.start_ns, span.end_ns));
    if (last < oldest_ns) continue;
    std::uint32_t& resource = batch_resources_[span.resource];
    if (resource == Lookup::kNone) resource = add_resource(tenant, batch.resources[span.resource]);
    std::uint32_t& scope = batch_scopes_[span.scope];
    if (scope == Lookup::kNone) scope = add_scope(tenant, batch.scopes[span.scope]);
    add_span(tenant, span, resource, scope);
    newest = std::max(newest, last);
    oldest = std::min(oldest, span.start_ns);
  }
  oldest_.store(oldest, std::memory_order_relaxed);
  newest_.store(newest, std::memory_order_relaxed);
  keys_visible_.store(keys_count_, std::memory_order_release);
  traces_visible_.store(traces_count_, std::memory_order_release);
}

void SpanHead::add_span(std::uint32_t tenant, const Span& span, std::uint32_t resource, std::uint32_t scope) {
  std::uint32_t trace_ref = add_trace(tenant, span.trace_id);
  Trace& trace = traces_[trace_ref];
  std::uint32_t number = rows_count_;
  Row& row = rows_.emplace(number);
  row.trace = trace_ref;
  row.previous = trace.last.load(std::memory_order_relaxed);
  row.span_id = span.span_id;
  row.parent_id = span.parent_id;
  row.start_ns = span.start_ns;
  row.end_ns = span.end_ns;
  row.name = add_name(span.name);
  row.resource = resource;
  row.scope = scope;
  row.flags = span.flags;
  row.attribute_count =
      static_cast<std::uint32_t>(std::min<std::size_t>(span.attributes.size(), (1U << 24) - 1)) & 0xffffffU;
  row.kind = static_cast<std::uint32_t>(span.kind) & 0xfU;
  row.status = static_cast<std::uint32_t>(span.status) & 0xfU;
  row.attributes = add_attributes(tenant, span.attributes.first(row.attribute_count));
  row.extra = add_extra(tenant, span);
  raw_bytes_ += kSpanBytes + span.name.size();
  ++rows_count_;
  trace.last.store(number + 1, std::memory_order_release);
  if (span.start_ns < trace.start_ns.load(std::memory_order_relaxed))
    trace.start_ns.store(span.start_ns, std::memory_order_release);
  std::uint64_t end = std::max(span.start_ns, span.end_ns);
  if (end > trace.end_ns.load(std::memory_order_relaxed)) trace.end_ns.store(end, std::memory_order_release);
}

const SpanHead::StoredAttribute* SpanHead::add_attributes(std::uint32_t tenant, Attributes attributes) {
  if (attributes.empty()) return nullptr;
  auto* stored = static_cast<StoredAttribute*>(
      arena_.allocate(attributes.size() * sizeof(StoredAttribute), alignof(StoredAttribute)));
  for (std::size_t i = 0; i < attributes.size(); ++i) {
    const Value& v = attributes[i].value;
    StoredAttribute& s = *new (stored + i) StoredAttribute{};
    s.key = add_key(tenant, attributes[i].key, AttributeScope::span);
    s.type = static_cast<std::uint32_t>(v.type) & 7U;
    s.size = v.size & ((1U << 29) - 1);
    raw_bytes_ += 6 + attributes[i].key.size() + raw_bytes_of(v);
    switch (v.type) {
      case Value::Type::nil: s.bits = 0; break;
      case Value::Type::integer: s.bits = static_cast<std::uint64_t>(v.integer); break;
      case Value::Type::number: s.bits = std::bit_cast<std::uint64_t>(v.number); break;
      case Value::Type::boolean: s.bits = v.boolean ? 1 : 0; break;
      case Value::Type::string:
      case Value::Type::bytes: s.data = keep_text(v.as_text()).data(); break;
      case Value::Type::array: s.data = copy_value(v, arena_).items; break;
      case Value::Type::map: s.data = copy_value(v, arena_).entries; break;
    }
  }
  return stored;
}

const SpanHead::Extra* SpanHead::add_extra(std::uint32_t tenant, const Span& span) {
  if (span.trace_state.empty() && span.status_message.empty() && span.dropped_attributes == 0 &&
      span.dropped_events == 0 && span.dropped_links == 0 && span.events.empty() && span.links.empty())
    return nullptr;
  Extra& extra = arena_.allocate_array<Extra>(1)[0];
  extra.trace_state = keep_text(span.trace_state);
  extra.status_message = keep_text(span.status_message);
  extra.dropped_attributes = span.dropped_attributes;
  extra.dropped_events = span.dropped_events;
  extra.dropped_links = span.dropped_links;
  auto events = arena_.allocate_array<SpanEvent>(span.events.size());
  for (std::size_t i = 0; i < events.size(); ++i) {
    events[i] = span.events[i];
    events[i].name = keep_text(events[i].name);
    events[i].attributes = keep(tenant, events[i].attributes, AttributeScope::event);
  }
  extra.events = events;
  auto links = arena_.allocate_array<SpanLink>(span.links.size());
  for (std::size_t i = 0; i < links.size(); ++i) {
    links[i] = span.links[i];
    links[i].trace_state = keep_text(links[i].trace_state);
    links[i].attributes = keep(tenant, links[i].attributes, AttributeScope::link);
  }
  extra.links = links;
  raw_bytes_ +=
      extra.trace_state.size() + extra.status_message.size() + events.size() * 20 + links.size() * 30;
  return &extra;
}

Attributes SpanHead::keep(std::uint32_t tenant, Attributes attributes, AttributeScope scope) {
  auto out = arena_.allocate_array<Attribute>(attributes.size());
  for (std::size_t i = 0; i < attributes.size(); ++i) {
    const Value& v = attributes[i].value;
    out[i].key = keys_[add_key(tenant, attributes[i].key, scope)].text;
    out[i].value = v.type == Value::Type::string ? Value::of(keep_text(v.as_text())) : copy_value(v, arena_);
    raw_bytes_ += 6 + attributes[i].key.size() + raw_bytes_of(v);
  }
  return out;
}

std::string_view SpanHead::keep_text(std::string_view text) {
  // Short values repeat: methods, codes, hosts. Long ones seldom do.
  if (text.empty()) return {};
  if (text.size() > 64) return arena_.copy(text);
  std::string_view& cached = text_cache_[hash64(text) % text_cache_.size()];
  if (cached != text) cached = arena_.copy(text);
  return cached;
}

std::uint32_t SpanHead::add_key(std::uint32_t tenant, std::string_view text, AttributeScope scope) {
  std::uint64_t hash = hash64(text, tenant);
  std::uint32_t ref = key_lookup_.find(
      hash, [&](std::uint32_t r) { return keys_[r].tenant == tenant && keys_[r].text == text; });
  if (ref == Lookup::kNone) {
    ref = keys_count_++;
    Key& made = keys_.emplace(ref);
    made.text = arena_.copy(text);
    made.tenant = tenant;
    key_lookup_.insert(hash, ref);
  }
  auto& first = keys_[ref].first_row[static_cast<std::size_t>(scope)];
  if (first.load(std::memory_order_relaxed) == 0) first.store(rows_count_ + 1, std::memory_order_relaxed);
  return ref;
}

std::uint32_t SpanHead::find_key(std::uint32_t tenant, std::string_view text) const {
  return key_lookup_.find(hash64(text, tenant), [&](std::uint32_t r) {
    return keys_[r].tenant == tenant && keys_[r].text == text;
  });
}

std::uint32_t SpanHead::add_name(std::string_view text) {
  std::uint64_t hash = hash64(text);
  std::uint32_t ref = name_lookup_.find(hash, [&](std::uint32_t r) { return names_[r] == text; });
  if (ref != Lookup::kNone) return ref;
  ref = names_count_++;
  names_.emplace(ref, arena_.copy(text));
  name_lookup_.insert(hash, ref);
  return ref;
}

std::uint32_t SpanHead::add_trace(std::uint32_t tenant, const TraceId& id) {
  std::uint32_t ref = find_trace(tenant, id);
  if (ref != Lookup::kNone) return ref;
  ref = traces_count_++;
  Trace& made = traces_.emplace(ref);
  made.id = id;
  made.tenant = tenant;
  trace_lookup_.insert(hash_combine(hash_of(id), tenant), ref);
  return ref;
}

std::uint32_t SpanHead::find_trace(std::uint32_t tenant, const TraceId& id) const {
  return trace_lookup_.find(hash_combine(hash_of(id), tenant), [&](std::uint32_t r) {
    return traces_[r].tenant == tenant && traces_[r].id == id;
  });
}

std::uint32_t SpanHead::add_resource(std::uint32_t tenant, const Resource& resource) {
  std::uint64_t hash = hash_attributes(resource.attributes, hash64(resource.schema_url, tenant));
  std::uint32_t ref = resource_lookup_.find(hash, [&](std::uint32_t r) {
    return resources_[r].tenant == tenant && same(resources_[r].value, resource);
  });
  if (ref != Lookup::kNone) return ref;
  ref = resources_count_++;
  Resource kept = resource;
  kept.attributes = keep(tenant, resource.attributes, AttributeScope::resource);
  kept.schema_url = arena_.copy(resource.schema_url);
  resources_.emplace(ref, tenant, kept);
  resource_lookup_.insert(hash, ref);
  return ref;
}

std::uint32_t SpanHead::add_scope(std::uint32_t tenant, const Scope& scope) {
  std::uint64_t hash = hash64(scope.name, hash64(scope.version, hash64(scope.schema_url, tenant)));
  hash = hash_attributes(scope.attributes, hash);
  std::uint32_t ref = scope_lookup_.find(
      hash, [&](std::uint32_t r) { return scopes_[r].tenant == tenant && same(scopes_[r].value, scope); });
  if (ref != Lookup::kNone) return ref;
  ref = scopes_count_++;
  Scope kept = scope;
  kept.name = arena_.copy(scope.name);
  kept.version = arena_.copy(scope.version);
  kept.attributes = keep(tenant, scope.attributes, AttributeScope::instrumentation);
  kept.schema_url = arena_.copy(scope.schema_url);
  scopes_.emplace(ref, tenant, kept);
  scope_lookup_.insert(hash, ref);
  return ref;
}

std::size_t SpanHead::memory_bytes() const {
  return arena_.bytes() + std::size_t{rows_count_} * sizeof(Row) + traces_count_ * sizeof(Trace) +
         keys_count_ * sizeof(Key) + names_count_ * sizeof(std::string_view) +
         resources_count_ * sizeof(Owned<Resource>) + scopes_count_ * sizeof(Owned<Scope>) +
         trace_lookup_.bytes() + key_lookup_.bytes() + name_lookup_.bytes();
}

}  // namespace weft::storage
