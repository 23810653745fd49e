#include "api/tempo/render.h"
#include "api/tempo/trace_groups.h"
#include "text/json_writer.h"
#include "wire/otlp.h"

namespace weft::api::tempo {
namespace {

using text::JsonWriter;

std::string base64(std::string_view bytes) {
  static constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t v = 0;
    std::size_t n = std::min<std::size_t>(3, bytes.size() - i);
    for (std::size_t k = 0; k < 3; ++k) v = v << 8 | (k < n ? static_cast<unsigned char>(bytes[i + k]) : 0u);
    for (std::size_t k = 0; k < 4; ++k) out += k <= n ? kAlphabet[v >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

template <class Id>
std::string base64_id(const Id& id) {
  return base64({reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()});
}

// Everything below leaves default values out, as protobuf-JSON does.

void attributes(JsonWriter& w, Attributes list) {
  if (list.empty()) return;
  w.key("attributes").begin_array();
  for (const Attribute& a : list) {
    std::string value;
    wire::append_json(value, a.value);
    w.begin_object().key("key").string(a.key).key("value").raw(value).end_object();
  }
  w.end_array();
}

void text_field(JsonWriter& w, std::string_view name, std::string_view value) {
  if (!value.empty()) w.key(name).string(value);
}

void time_field(JsonWriter& w, std::string_view name, std::uint64_t ns) {
  if (ns != 0) w.key(name).string(std::to_string(ns));
}

void count_field(JsonWriter& w, std::string_view name, std::uint32_t n) {
  if (n != 0) w.key(name).unsigned_integer(n);
}

void events(JsonWriter& w, std::span<const SpanEvent> list) {
  if (list.empty()) return;
  w.key("events").begin_array();
  for (const SpanEvent& e : list) {
    w.begin_object();
    time_field(w, "timeUnixNano", e.time_ns);
    text_field(w, "name", e.name);
    attributes(w, e.attributes);
    count_field(w, "droppedAttributesCount", e.dropped_attributes);
    w.end_object();
  }
  w.end_array();
}

void links(JsonWriter& w, std::span<const SpanLink> list) {
  if (list.empty()) return;
  w.key("links").begin_array();
  for (const SpanLink& l : list) {
    w.begin_object().key("traceId").string(base64_id(l.trace_id)).key("spanId").string(base64_id(l.span_id));
    text_field(w, "traceState", l.trace_state);
    attributes(w, l.attributes);
    count_field(w, "droppedAttributesCount", l.dropped_attributes);
    count_field(w, "flags", l.flags);
    w.end_object();
  }
  w.end_array();
}

void span(JsonWriter& w, const Span& s) {
  w.begin_object().key("traceId").string(base64_id(s.trace_id)).key("spanId").string(base64_id(s.span_id));
  text_field(w, "traceState", s.trace_state);
  if (!s.parent_id.is_zero()) w.key("parentSpanId").string(base64_id(s.parent_id));
  count_field(w, "flags", s.flags);
  text_field(w, "name", s.name);
  if (s.kind != SpanKind::unspecified) w.key("kind").string(kind_name(s.kind));
  time_field(w, "startTimeUnixNano", s.start_ns);
  time_field(w, "endTimeUnixNano", s.end_ns);
  attributes(w, s.attributes);
  count_field(w, "droppedAttributesCount", s.dropped_attributes);
  events(w, s.events);
  count_field(w, "droppedEventsCount", s.dropped_events);
  links(w, s.links);
  count_field(w, "droppedLinksCount", s.dropped_links);
  w.key("status").begin_object();
  text_field(w, "message", s.status_message);
  if (s.status != SpanStatus::unset) w.key("code").string(status_name(s.status));
  w.end_object().end_object();
}

}  // namespace

void append_resource_spans(std::string& out, const SpanBatch& trace) {
  JsonWriter w(out);
  w.begin_array();
  for (const ResourceGroup& r : group_spans(trace)) {
    const Resource& resource = trace.resources[r.resource];
    w.begin_object().key("resource").begin_object();
    attributes(w, resource.attributes);
    count_field(w, "droppedAttributesCount", resource.dropped_attributes);
    w.end_object().key("scopeSpans").begin_array();
    for (const ScopeGroup& group : r.scopes) {
      const Scope& scope = trace.scopes[group.scope];
      w.begin_object().key("scope").begin_object();
      text_field(w, "name", scope.name);
      text_field(w, "version", scope.version);
      attributes(w, scope.attributes);
      count_field(w, "droppedAttributesCount", scope.dropped_attributes);
      w.end_object().key("spans").begin_array();
      for (const Span* s : group.spans) span(w, *s);
      w.end_array();
      text_field(w, "schemaUrl", scope.schema_url);
      w.end_object();
    }
    w.end_array();
    text_field(w, "schemaUrl", resource.schema_url);
    w.end_object();
  }
  w.end_array();
}

}  // namespace weft::api::tempo
