#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "model/ids.h"
#include "model/value.h"

namespace weft {

enum class SpanKind : std::uint8_t { unspecified, internal, server, client, producer, consumer };  // OTLP's numbers
enum class SpanStatus : std::uint8_t { unset, ok, error };                                           // OTLP's numbers

struct SpanEvent {
  std::uint64_t time_ns = 0;
  std::string_view name;
  Attributes attributes;
  std::uint32_t dropped_attributes = 0;
};

struct SpanLink {
  TraceId trace_id;
  SpanId span_id;
  std::string_view trace_state;
  Attributes attributes;
  std::uint32_t dropped_attributes = 0;
  std::uint32_t flags = 0;
};

// One span in OTLP's terms. All text and lists are views into the request body, the batch's arena
// or a snapshot.
struct Span {
  TraceId trace_id;
  SpanId span_id;
  SpanId parent_id;  // zero: a root
  std::string_view name;
  std::string_view trace_state;
  std::string_view status_message;
  std::uint64_t start_ns = 0;
  std::uint64_t end_ns = 0;
  SpanKind kind = SpanKind::unspecified;
  SpanStatus status = SpanStatus::unset;
  std::uint32_t flags = 0;
  std::uint32_t dropped_attributes = 0;
  std::uint32_t dropped_events = 0;
  std::uint32_t dropped_links = 0;
  std::uint32_t resource = 0;  // index into the resources beside it
  std::uint32_t scope = 0;     // index into the scopes beside it
  Attributes attributes;
  std::span<const SpanEvent> events;
  std::span<const SpanLink> links;

  // 0 when the end is before the start, as Tempo has it.
  std::uint64_t duration_ns() const { return end_ns > start_ns ? end_ns - start_ns : 0; }
};

struct Resource {
  Attributes attributes;
  std::uint32_t dropped_attributes = 0;
  std::string_view schema_url;
};

struct Scope {
  std::string_view name;
  std::string_view version;
  Attributes attributes;
  std::uint32_t dropped_attributes = 0;
  std::string_view schema_url;
};

// Spans with the resources and scopes they refer to: one decoded OTLP request, or one trace read
// back. Reusable: clear() keeps the memory. What its views point into must outlive it.
struct SpanBatch {
  std::vector<Resource> resources;
  std::vector<Scope> scopes;
  std::vector<Span> spans;
  Arena arena;

  void clear() {
    resources.clear();
    scopes.clear();
    spans.clear();
    arena.clear();
  }
};

// Copies a value, and all that hangs on it, into `arena`.
Value copy_value(const Value& value, Arena& arena);
Attributes copy_attributes(Attributes attributes, Arena& arena);

}  // namespace weft
