#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <utility>
#include <vector>

#include "model/span_batch.h"

namespace weft::traceql {

// Puts spans of small ids together for tests: span 1 of trace 1, …; text must outlive the batch
// unless it is copied into its arena.
class TraceBuilder {
 public:
  using List = std::vector<Attribute>;

  static TraceId trace_id(std::uint8_t n) {
    TraceId id;
    id.bytes[15] = n;
    return id;
  }
  static SpanId span_id(std::uint32_t n) {
    SpanId id;
    for (int i = 0; i < 4; ++i)
      id.bytes[static_cast<std::size_t>(7 - i)] = static_cast<std::uint8_t>(n >> (8 * i));
    return id;
  }

  // The resource of the spans added from now on.
  void resource(const List& attributes) {
    Resource r;
    r.attributes = batch_.arena.copy(std::span<const Attribute>(attributes));
    batch_.resources.push_back(r);
    if (batch_.scopes.empty()) batch_.scopes.emplace_back();
  }
  void scope(std::string_view name, std::string_view version, const List& attributes) {
    weft::Scope s;
    s.name = name;
    s.version = version;
    s.attributes = batch_.arena.copy(std::span<const Attribute>(attributes));
    batch_.scopes.push_back(s);
  }

  // A span of [start, start + duration); parent 0: a root. The reference dies with the next span.
  Span& span(std::uint8_t trace, std::uint32_t id, std::uint32_t parent, std::string_view name,
             std::uint64_t start_ns, std::uint64_t duration_ns, const List& attributes = {}) {
    if (batch_.resources.empty()) resource({});
    Span s;
    s.trace_id = trace_id(trace);
    s.span_id = span_id(id);
    s.parent_id = span_id(parent);
    s.name = name;
    s.start_ns = start_ns;
    s.end_ns = start_ns + duration_ns;
    s.kind = SpanKind::internal;
    s.resource = static_cast<std::uint32_t>(batch_.resources.size() - 1);
    s.scope = static_cast<std::uint32_t>(batch_.scopes.size() - 1);
    s.attributes = batch_.arena.copy(std::span<const Attribute>(attributes));
    batch_.spans.push_back(s);
    return batch_.spans.back();
  }
  std::span<const SpanEvent> events(const std::vector<SpanEvent>& list) {
    return batch_.arena.copy(std::span<const SpanEvent>(list));
  }
  std::span<const SpanLink> links(const std::vector<SpanLink>& list) {
    return batch_.arena.copy(std::span<const SpanLink>(list));
  }
  Attributes attributes(const List& list) { return batch_.arena.copy(std::span<const Attribute>(list)); }
  Value list(const std::vector<Value>& items) {
    return Value::of(batch_.arena.copy(std::span<const Value>(items)));
  }

  const SpanBatch& batch() const { return batch_; }

 private:
  SpanBatch batch_;
};

}  // namespace weft::traceql
